"""Places for boxes that are new among others that stand already."""

from collections.abc import Mapping, Sequence

from composer.export.layout.ground import Ground, Rect
from composer.export.layout.pieces import COLUMN_GAP, ROW_GAP, Box, Link, Net
from composer.export.layout.whole import arrange

__all__ = ["place_new"]

_AWAY = 900.0
_TRIES = 2_000


def place_new(boxes: Sequence[Box], links: Sequence[Link]) -> dict[str, tuple[int, int]]:
    """Places for the boxes that have none; the others stay where they are.

    A new box stands right of what feeds it, or left of what it feeds, as near as there is room; new boxes that are
    wired to each other alone are arranged among themselves and stand below everything. Where no box has a place, all
    are arranged.

    Args:
        boxes: All boxes.
        links: The wires between them.
    """
    lost = {box.id for box in boxes if box.place is None}
    if len(lost) == len(boxes):
        return arrange(boxes, links)
    stands = {box.id: box for box in boxes if box.place is not None}
    taken = Ground(_rect(box, box.place) for box in boxes if box.place is not None)
    mine: dict[str, list[Link]] = {id_: [] for id_ in lost}
    for link in links:
        for end in {link.source, link.target} & lost:
            mine[end].append(link)
    found: dict[str, tuple[int, int]] = {}
    for part in _parts([box for box in boxes if box.id in lost], mine, stands):
        wires = [link for box in part for link in mine[box.id]]
        ideal = arrange(part, wires)
        x, y = _free(taken, _block(part, ideal), _beside(part, ideal, wires, stands) or _below(taken))
        for box in part:
            place = round(ideal[box.id][0] + x), round(ideal[box.id][1] + y)
            found[box.id] = place
            taken.add(_rect(box, place))
    return found


def _parts(lost: Sequence[Box], wires: Mapping[str, Sequence[Link]], stands: Mapping[str, Box]) -> list[list[Box]]:
    """New boxes in connected parts, those with a wire to what stands already first."""
    parts = [
        [lost[at] for at in part] for part in Net(lost, [link for mine in wires.values() for link in mine]).parts()
    ]
    near = {id_ for id_, mine in wires.items() if any(link.source in stands or link.target in stands for link in mine)}
    return sorted(parts, key=lambda part: not any(box.id in near for box in part))


def _rect(box: Box, place: tuple[float, float]) -> Rect:
    return place[0], place[1], box.width, box.height


def _block(part: Sequence[Box], ideal: Mapping[str, tuple[int, int]]) -> tuple[float, float]:
    """Width and height of new boxes together; they stand from (0, 0) on."""
    return (
        max(ideal[box.id][0] + box.width for box in part),
        max(ideal[box.id][1] + box.height for box in part),
    )


def _beside(
    part: Sequence[Box], ideal: Mapping[str, tuple[int, int]], wires: Sequence[Link], stands: Mapping[str, Box]
) -> tuple[float, float] | None:
    """Where a block of new boxes would stand for its wires to be short and straight; None without such a wire."""
    fed, feeding = [], []
    for link in wires:
        if link.source in stands:
            box = stands[link.source]
            x, y = box.place or (0.0, 0.0)
            fed.append((x + box.width + COLUMN_GAP, y + link.out_y - link.in_y - ideal[link.target][1]))
        elif link.target in stands:
            x, y = stands[link.target].place or (0.0, 0.0)
            feeding.append((x - COLUMN_GAP, y + link.in_y - link.out_y - ideal[link.source][1]))
    if fed:
        return max(x for x, _ in fed), _middle([y for _, y in fed])
    if feeding:
        return min(x for x, _ in feeding) - _block(part, ideal)[0], _middle([y for _, y in feeding])
    return None


def _middle(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def _free(taken: Ground, size: tuple[float, float], wish: tuple[float, float]) -> tuple[float, float]:
    """The wished place or the nearest below it; far below, further right."""
    x, y = wish
    for _ in range(_TRIES):
        hits = taken.hits((x - ROW_GAP / 2, y - ROW_GAP / 2, size[0] + ROW_GAP, size[1] + ROW_GAP))
        if not hits:
            return x, y
        y = hits[0][1] + hits[0][3] + ROW_GAP
        if y - wish[1] > _AWAY:
            x, y = x + COLUMN_GAP, wish[1]
    return _below(taken)


def _below(taken: Ground) -> tuple[float, float]:
    return taken.left, taken.bottom + 1.5 * ROW_GAP
