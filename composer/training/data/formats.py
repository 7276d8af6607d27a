"""What a reader of a format is."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from composer.training.data.samples import Source

__all__ = ["TRAINING", "VALIDATION", "Reader", "folder_splits", "role"]

TRAINING = ("train", "training")
"""Names of splits that are trained on."""

VALIDATION = ("val", "valid", "validation", "test", "testing")
"""Names of splits that are measured on, the best first."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A format and how it is read.

    Args:
        name: The name in ``format``.
        what: What lies there, in words.
        fits: Whether a path is of this format, by the names of files alone.
        splits: The splits that lie at a path, in order; none where it is one split by itself.
        opens: Reads a path; its keyword arguments are the options of the format, and those of type ``Path`` are paths
            from the recipe's folder. Every reader takes ``classes``, the names of the classes in their order
            where they are known; those that hold splits take ``split``, and those whose annotations name images take
            ``bad``, which is ``skip`` where missing images are counted later, and ``base``, the recipe's folder.
    """

    name: str
    what: str
    fits: Callable[[Path], bool]
    splits: Callable[[Path], tuple[str, ...]]
    opens: Callable[..., Any]

    def open(self, path: Path, options: dict[str, Any]) -> Source:
        """Read a path."""
        source: Source = self.opens(path, **options)
        return source


def role(name: str) -> str:
    """Which split a name stands for: ``train`` for ``train2017``; empty for none."""
    plain = name.lower().rstrip("0123456789_-")
    return plain if plain in (*TRAINING, *VALIDATION) else ""


def folder_splits(path: Path) -> tuple[str, ...]:
    """The folders inside a folder that are splits; none where there is no folder to train on among them."""
    if not path.is_dir():
        return ()
    found = {entry.name.lower(): entry.name for entry in path.iterdir() if entry.is_dir()}
    known = [found[name] for name in (*TRAINING, *VALIDATION) if name in found]
    trained = any(name in found for name in TRAINING)
    alone = all(name.startswith(".") or name in (*TRAINING, *VALIDATION) for name in found)
    return tuple(known) if trained and (len(known) > 1 or alone) else ()
