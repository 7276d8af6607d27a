"""OpenMMLab's names of weights as those of a model: node ids in front, in place of its attributes."""

import re
from collections.abc import Iterator, Mapping

from torch import Tensor, nn

from composer.openmmlab.renames import RENAMES

__all__ = ["own_names"]

_NUMBERED = re.compile(r"(\w+)\.(\d+)\.(.+)")
_LOSS = "head.loss_module."
_MOST_OF_THEM = 0.8


def own_names(model: nn.Module, given: Mapping[str, Tensor]) -> dict[str, str]:
    """For each name of a checkpoint the model's; a name that the model lacks stays as it is.

    Attributes are node ids, an entry of a list (``neck.0``) is ``neck_0``, and a head's loss is a node of its own. What
    is left goes to the node that has just these names behind one prefix, or behind none: ``image_encoder.0`` may be
    called ``backbone`` in the model, and a checkpoint of a backbone alone has nothing in front.
    """
    mine = model.state_dict()
    nodes = [name for name, _ in model.named_children()]
    found = {name: _by_place(name, nodes, mine) for name in given}
    left = [name for name in given if found[name] not in mine]
    taken = {found[name].partition(".")[0] for name in given if found[name] in mine}
    free = [node for node in nodes if node not in taken]
    return {**found, **_by_content(left, free, mine, given)}


def _by_place(name: str, nodes: list[str], mine: Mapping[str, Tensor]) -> str:
    if name in mine:
        return name
    for pattern, places in RENAMES:
        match = pattern.fullmatch(name)
        moved = [match.expand(place) for place in places] if match else []
        if place := next((place for place in moved if place in mine), None):
            return place
    numbered = _NUMBERED.fullmatch(name)
    if name.startswith(_LOSS) and "loss" in nodes:
        return f"loss.{name.removeprefix(_LOSS)}"
    if numbered and numbered[1] not in nodes and f"{numbered[1]}_{numbered[2]}" in nodes:
        return f"{numbered[1]}_{numbered[2]}.{numbered[3]}"
    return name


def _by_content(
    left: list[str], free: list[str], mine: Mapping[str, Tensor], given: Mapping[str, Tensor]
) -> dict[str, str]:
    """Names for those that are left, by the nodes that nothing was found for."""
    found: dict[str, str] = {}
    for prefix in sorted({prefix for name in left for prefix in _prefixes(name)}, key=len):
        group = [name for name in left if name.startswith(prefix) and name not in found]
        fits = {node: _fitting(group, prefix, node, mine, given) for node in free}
        node = max(fits, key=lambda item: len(fits[item]), default=None)
        if node is not None and group and len(fits[node]) >= _MOST_OF_THEM * len(group):
            found |= fits[node]
            free = [other for other in free if other != node]
    return found


def _fitting(
    group: list[str], prefix: str, node: str, mine: Mapping[str, Tensor], given: Mapping[str, Tensor]
) -> dict[str, str]:
    pairs = {name: f"{node}.{name.removeprefix(prefix)}" for name in group}
    return {name: ours for name, ours in pairs.items() if ours in mine and mine[ours].shape == given[name].shape}


def _prefixes(name: str) -> Iterator[str]:
    first, _, rest = name.partition(".")
    second = rest.partition(".")[0]
    yield ""
    if rest:
        yield f"{first}."
    if second.isdigit():
        yield f"{first}.{second}."
