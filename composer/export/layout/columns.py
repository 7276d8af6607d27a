"""Columns: every box stands right of what feeds it, and inputs just left of what they feed."""

from composer.export.layout.pieces import Net

__all__ = ["Columns"]


class Columns:
    """The column of every box.

    The longest way from an input decides, as in layer assignment by longest path (Sugiyama et al. 1981, section 3);
    wires that would close a cycle do not count.

    Args:
        net: Boxes and wires.
    """

    def __init__(self, net: Net) -> None:
        self.net = net
        self.order, self.back = _sorted(net)
        self.behind = [0] * len(net.boxes)
        for here in self.order:
            for other in self.forward(here):
                self.behind[other] = max(self.behind[other], self.behind[here] + 1)
        self.ahead = [0] * len(net.boxes)
        for here in reversed(self.order):
            self.ahead[here] = max((self.ahead[other] + 1 for other in self.forward(here)), default=0)
        self.of = list(self.behind)
        self._pull()

    def forward(self, here: int) -> list[int]:
        """What a box feeds, cycles left out."""
        return [other for other in self.net.after[here] if (here, other) not in self.back]

    def _pull(self) -> None:
        """Move what feeds more than it is fed by towards what it feeds, so that wires are short."""
        fed = [sum((other, here) not in self.back for other in before) for here, before in enumerate(self.net.before)]
        for here in reversed(self.order):
            after = self.forward(here)
            if fed[here] < len(after):
                self.of[here] = max(self.of[here], min(self.of[other] for other in after) - 1)


def _sorted(net: Net) -> tuple[list[int], set[tuple[int, int]]]:
    """Boxes so that wires lead onwards, and the wires that do not: those into the first box that is left in a cycle."""
    waiting = [len(before) for before in net.before]
    ready = [here for here, count in enumerate(waiting) if not count]
    done = [not count for count in waiting]
    order: list[int] = []
    back: set[tuple[int, int]] = set()
    first = 0
    while len(order) < len(net.boxes):
        if not ready:
            while done[first]:
                first += 1
            done[first] = True
            back.update((other, first) for other in net.before[first] if not done[other])
            ready.append(first)
        here = ready.pop()
        order.append(here)
        for other in net.after[here]:
            waiting[other] -= 1
            if not waiting[other] and not done[other]:
                done[other] = True
                ready.append(other)
    return order, back
