"""What is arranged: boxes of known sizes, and the wires between them."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["COLUMN_GAP", "ROW_GAP", "Box", "Link", "Net"]

COLUMN_GAP = 96
"""Between two columns, in pixels: room for the size that stands on a wire."""
ROW_GAP = 32
"""Between two boxes of a column, in pixels."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box to be placed.

    Args:
        id: Its name, unique among the boxes.
        width: In pixels, above 0.
        height: In pixels, above 0.
        place: Its upper left corner, where it has one and stays there.
        last: Whether it stands at the end of its row, as outputs do.
    """

    id: str
    width: float
    height: float
    place: tuple[float, float] | None = None
    last: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A wire between two boxes.

    Args:
        source: Id of the box that it leaves on the right.
        target: Id of the box that it enters on the left.
        out_y: How far below the upper edge of the source it leaves, in pixels.
        in_y: How far below the upper edge of the target it enters, in pixels.
    """

    source: str
    target: str
    out_y: float = 0.0
    in_y: float = 0.0


class Net:
    """Boxes and wires by number; wires of boxes that are not there, and from a box to itself, are left out.

    Args:
        boxes: The boxes.
        links: The wires between them.
    """

    def __init__(self, boxes: Sequence[Box], links: Sequence[Link]) -> None:
        self.boxes = boxes
        self.number = {box.id: at for at, box in enumerate(boxes)}
        known = (link for link in links if link.source in self.number and link.target in self.number)
        self.links = list(dict.fromkeys(link for link in known if link.source != link.target))
        self.ends = [(self.number[link.source], self.number[link.target]) for link in self.links]
        self.after: list[list[int]] = [[] for _ in boxes]
        self.before: list[list[int]] = [[] for _ in boxes]
        for source, target in dict.fromkeys(self.ends):
            self.after[source].append(target)
            self.before[target].append(source)

    def parts(self) -> list[list[int]]:
        """The connected parts of the boxes, in the order in which they are named."""
        part = [-1] * len(self.boxes)
        found: list[list[int]] = []
        for first in range(len(self.boxes)):
            if part[first] >= 0:
                continue
            part[first] = len(found)
            members, stack = [], [first]
            while stack:
                here = stack.pop()
                members.append(here)
                for other in (*self.after[here], *self.before[here]):
                    if part[other] < 0:
                        part[other] = len(found)
                        stack.append(other)
            found.append(sorted(members))
        return found
