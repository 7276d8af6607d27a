"""How many rows the nodes of a model find in values: boxes that stay, regions that show an object."""

from collections.abc import Callable, Mapping, Sequence

__all__ = ["RowCounts"]


class RowCounts:
    """Notes how many rows were found where there are numbers, and says so where there are none.

    Rows belong to the node that runs and to their place in its run: a model finds the same ones in the same order with
    numbers and without.

    Attributes:
        by_node: What was found in each node, in order; of several passes the most.
        bounded: Nodes in which as many as there may be were taken.

    Args:
        node: Gives the node that runs.
        known: What is said where there are no numbers; as many as there may be by default.
    """

    def __init__(self, node: Callable[[], str], known: Mapping[str, Sequence[int]] | None = None) -> None:
        self.by_node: dict[str, list[int]] = {}
        self.bounded: set[str] = set()
        self._node = node
        self._known = known or {}
        self._places: dict[str, int] = {}

    def begin(self) -> None:
        """A pass begins."""
        self._places.clear()

    def found(self, rows: int) -> None:
        """So many were found in values."""
        node, place = self._next()
        own = self.by_node.setdefault(node, [])
        if place < len(own):
            own[place] = max(own[place], rows)
        else:
            own.append(rows)

    def taken(self, most: int) -> int:
        """How many are to be taken where there are no values, of at most so many."""
        node, place = self._next()
        known = self._known.get(node, ())
        if place < len(known):
            return min(known[place], most)
        self.bounded.add(node)
        return most

    def _next(self) -> tuple[str, int]:
        node = self._node()
        place = self._places.get(node, 0)
        self._places[node] = place + 1
        return node, place
