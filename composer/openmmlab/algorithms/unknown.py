"""An algorithm that composer does not know: its parts one after the other, as their places tell."""

from collections.abc import Mapping, Sequence
from typing import Any

from composer.graph import thaw
from composer.names import name_fault
from composer.openmmlab.algorithms.algorithm import Algorithm
from composer.openmmlab.classification import draw_loss
from composer.openmmlab.draft import COMMON, Draft, Flow
from composer.openmmlab.trace import Trace

__all__ = ["UNKNOWN"]

_FROM_THE_IMAGE = ("backbone", "encoder", "generator")
_TAKEN = ("image", "batch_size")  # the input, and the node that a loss is averaged by


def draw(config: Mapping[str, Any], draft: Draft) -> None:
    """Draw the parts; settings that are no parts are carried."""
    flow = image = draft.image(config, config.get("backbone"))
    slots = _slots(config)
    clashes = {slot: name for slot in slots if (name := _clash(slot, config[slot], slots))}
    for slot, name in clashes.items():
        text = f"its node would have the id '{name}', which something else has: it is no part of the graph; rename it"
        draft.not_understood(f"model.{slot}", text)
    slots = [slot for slot in slots if slot not in clashes]
    for slot in sorted(slots, key=_rank):
        place = _place(slot)
        source = image if any(word in slot for word in _FROM_THE_IMAGE) else flow
        found = _draw_part(slot, config[slot], draft, source)
        flow = found if place in ("backbone", "neck") and "generator" not in slot else flow
    draft.outputs = {"tensor": {"features": flow.ref}, **draft.outputs} if flow != image else draft.outputs
    rest = [key for key in config if key not in slots and key not in COMMON]
    for key in rest:
        draft.carry(key, config[key])
    draft.unknown_algorithm(rest)


def write(trace: Trace) -> dict[str, Any]:
    """Write the parts under their ids, and the settings that were carried."""
    own = {slot: beyond for slot, beyond in trace.carried.items() if slot not in COMMON}
    return {
        slot: thaw(beyond) if _clash(slot, beyond, _slots(own)) else _write_part(trace, slot, beyond)
        for slot, beyond in own.items()
    }


def _draw_part(slot: str, config: Any, draft: Draft, source: Flow) -> Flow:
    loss = config.get("loss") if isinstance(config, Mapping) and _place(slot) == "head" else None
    if not _is_part(loss) or isinstance(loss, list | tuple) or "loss" in draft.nodes:
        return draft.parts(slot, config, source, _place(slot))
    layers = {key: value for key, value in config.items() if key != "loss"}
    flow = draft.parts(slot, layers, source, "head")
    draft.carried[slot]["loss"] = draw_loss(draft, loss, flow.last, None)
    return flow


def _write_part(trace: Trace, slot: str, beyond: Any) -> Any:
    if isinstance(beyond, tuple) and f"{slot}_0" in trace.graph.nodes:
        return trace.parts(slot, [f"{slot}_{index}" for index in range(len(beyond))], always_list=True)
    if slot not in trace.graph.nodes or not isinstance(beyond, Mapping):
        return thaw(beyond)
    found = trace.part(slot, slot)
    if "loss" in beyond and "loss" not in found:
        found["loss"] = trace.loss("loss", beyond["loss"])
    return found


def _slots(config: Mapping[str, Any]) -> list[str]:
    """Where the parts stand."""
    return [key for key, value in config.items() if _is_part(value) and key not in COMMON and not name_fault(key)]


def _clash(slot: str, config: Any, slots: Sequence[str]) -> str | None:
    """The first id of a part, or of a list of them, that something else has; a part alone keeps its own."""
    if not isinstance(config, list | tuple):
        return slot if slot in _TAKEN else None
    names = (f"{slot}_{index}" for index in range(len(config)))
    return next((name for name in names if name in slots or name in _TAKEN), None)


def _is_part(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return bool(value) and all(_is_part(item) for item in value)
    return isinstance(value, Mapping) and "type" in value


def _place(slot: str) -> Any:
    if "head" in slot:
        return "head"
    return "backbone" if any(word in slot for word in _FROM_THE_IMAGE) else "neck"


def _rank(slot: str) -> int:
    return {"backbone": 0, "neck": 1, "head": 2}[_place(slot)]


UNKNOWN = Algorithm((), draw, write)
