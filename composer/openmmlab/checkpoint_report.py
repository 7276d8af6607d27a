"""What became of a checkpoint's entries."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from composer.weights import WeightsReport

__all__ = ["CheckpointReport"]


@dataclass(frozen=True)
class CheckpointReport(WeightsReport):
    """How a checkpoint fits a model, node by node; ``str()`` shows a table.

    ``matched``, ``missing`` and ``mismatched`` hold the model's names, ``unexpected`` the checkpoint's.

    Args:
        renamed: Name in the checkpoint to name in the model, where they differ.
        fitted: The model's names of entries that were brought into another form: resized to another image or window
            size, or reordered.
        layout: Whose names the checkpoint has.
    """

    renamed: Mapping[str, str] = field(default_factory=dict)
    fitted: tuple[str, ...] = ()
    layout: str = "OpenMMLab"

    def __str__(self) -> str:
        lines = [super().__str__()]
        for name in [name for name, (found, mine) in self.mismatched.items() if found == mine and name in self.dtypes]:
            found_kind, kind = self.dtypes[name]
            lines.append(f"other kind of numbers: {name}: the file has {found_kind}, the model {kind}")
        if self.layout != "OpenMMLab":
            lines.append(f"names: {self.layout}'s")
        if self.fitted:
            more = f" and {len(self.fitted) - 5} more" if len(self.fitted) > 5 else ""
            lines.append(f"resized or reordered: {', '.join(self.fitted[:5])}{more}")
        return "\n".join(lines)
