"""What is known of a data set after one look at it, in place of the data set: a graph is held against it at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from composer.training.data.channels import channels_of
from composer.training.data.samples import IMAGE, Source, is_numbered

__all__ = ["Known", "known_of"]

_LOOKED_AT = 8


@dataclass(frozen=True)
class Known:
    """A source (``composer.training.data.Source``) without its samples.

    Args:
        length: How many samples there are.
        columns: The port type of each column.
        classes: Names of the classes.
        images: For each column of images the channels of some, negative for files and positive for arrays; 0 where
            they are not known.
        numbered: Whether the data numbers its classes and names none.
    """

    length: int
    columns: Mapping[str, str]
    classes: tuple[str, ...]
    images: Mapping[str, tuple[int, ...]]
    numbered: bool = False

    def __len__(self) -> int:
        return self.length

    def name(self, index: int) -> str:
        """``sample 3``."""
        return f"sample {index}"

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Tiny images with as many channels as those that were looked at."""
        return {column: _stand_in(found[index % len(found)]) for column, found in self.images.items() if found}

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        images = {name: list(found) for name, found in self.images.items()}
        return {
            "length": self.length,
            "columns": dict(self.columns),
            "classes": list(self.classes),
            "images": images,
            "numbered": self.numbered,
        }

    @classmethod
    def of_json(cls, data: Mapping[str, Any]) -> "Known":
        """From what ``to_json`` gave."""
        images = {name: tuple(found) for name, found in data["images"].items()}
        return cls(data["length"], dict(data["columns"]), tuple(data["classes"]), images, bool(data.get("numbered")))


def known_of(source: Source) -> Known:
    """What is known of a source; the heads of a few images are read."""
    count = min(len(source), _LOOKED_AT)
    rows = [source[index * len(source) // count] for index in range(count)]
    found: dict[str, tuple[int, ...]] = {}
    for column, kind in source.columns.items():
        if kind == IMAGE:
            found[column] = tuple(_channels(row.get(column)) for row in rows)
    return Known(len(source), dict(source.columns), tuple(source.classes), found, is_numbered(source))


def _channels(raw: Any) -> int:
    number = channels_of(raw) or 0
    return number if isinstance(raw, np.ndarray) else -number


def _stand_in(channels: int) -> Any:
    if channels > 0:
        return np.zeros((1, 1) if channels == 1 else (1, 1, channels), np.uint8)
    return {0: None, -1: Image.new("L", (1, 1))}.get(channels, Image.new("RGB", (1, 1)))
