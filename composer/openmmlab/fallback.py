"""An algorithm that composer does not know: its parts one after the other, in the order of their places."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from composer.graph import FrozenDict, Input, Ref, Weights, Wired, thaw
from composer.graph.names import name_fault
from composer.openmmlab.conditions import averaged_by_samples
from composer.openmmlab.draft import COMMON, Flow, GraphDraft, behind
from composer.openmmlab.names import scoped_type, split_type
from composer.openmmlab.trace import DIGITS, Trace

__all__ = ["draw_unknown", "write_unknown"]

_FROM_THE_IMAGE = ("backbone", "encoder", "generator")
_MEMORIES = ("memory", "queue")
_TAKEN = ("image", "view_1", "view_2", "batch_size")  # the inputs, and the node that a loss is averaged by
_AVERAGED = ("backbone", "neck")
_MOMENTA = ("momentum", "base_momentum")
_KEEPS = "mmselfsup"  # its momentum is what an average keeps; mmpretrain's is what it takes in
_TAKES = "mmpretrain"
_NOT_SET = -1.0
_WITHOUT_LAYERS = ("ClsHead", "MultiLabelClsHead")  # what comes are the logits
_REPORTED_ELSEWHERE = ("topk", "cal_acc", "init_cfg", "tokenizer_path")


def draw_unknown(config: Mapping[str, Any], draft: GraphDraft) -> None:
    """Draw the parts; settings that are no parts are carried."""
    slots = _drawable(config, draft)
    setting = _averaged_by(config, draft, slots)
    views = draft.views(config, 2) if setting else [draft.image(config, config.get("backbone"))]
    flow = _draw_chain(config, draft, [slot for slot in slots if _rank(slot) < _HEADS], views[0])
    keys = _draw_averages(draft, config, setting, flow) if setting else None
    target = _draw_beside(config, draft, slots, views[0], flow)
    for slot in [slot for slot in slots if _rank(slot) == _HEADS]:
        _draw_head(slot, config[slot], draft, flow, target, keys)
    if not any(_rank(slot) == _HEADS for slot in slots):
        draft.report_dropped_levels()
    draft.outputs = {"tensor": {"features": flow.ref}, **draft.outputs} if flow != views[0] else draft.outputs
    rest = [key for key in config if key not in slots and key not in COMMON]
    for key in rest:
        draft.carry(key, config[key])
    for slot in slots:
        _report_unread(slot, config[slot], draft)
    draft.unknown_algorithm([key for key in rest if key != setting])


def write_unknown(trace: Trace) -> dict[str, Any]:
    """Write the parts under their ids, and the settings that were carried."""
    if "view_1" in trace.graph.inputs:
        trace.ids["view_1"] = "view_1"
    own = {slot: beyond for slot, beyond in trace.carried.items() if slot not in COMMON}
    copies = [name for name, node in trace.graph.nodes.items() if node.weights.rule == "momentum"]
    found: dict[str, Any] = {}
    for slot, beyond in own.items():
        if slot in _MOMENTA and copies and type(beyond) in (int, float):
            found |= trace.decay(slot, copies[0], _NOT_SET)
        elif _clash(slot, beyond, _slots(own)):
            found[slot] = thaw(beyond)
        else:
            found[slot] = _write_part(trace, slot, beyond)
    return found


def _drawable(config: Mapping[str, Any], draft: GraphDraft) -> list[str]:
    """The places of the parts that become nodes, in the order in which they are drawn; the others are reported."""
    slots = _slots(config)
    clashes = {slot: name for slot in slots if (name := _clash(slot, config[slot], slots))}
    for slot, name in clashes.items():
        text = f"its node would have the id '{name}', which something else has: it is no part of the graph; rename it"
        draft.not_understood(f"model.{slot}", text)
    return sorted((slot for slot in slots if slot not in clashes), key=_rank)


def _averaged_by(config: Mapping[str, Any], draft: GraphDraft, slots: Sequence[str]) -> str | None:
    """The setting that says how averaged copies of backbone and neck follow them, where that is certain.

    It is, where both are there and the number is on the side that the package means.
    """
    given = [key for key in _MOMENTA if key in config]
    value = config[given[0]] if len(given) == 1 else None
    if type(value) is not float or not set(_AVERAGED) <= set(slots) or any(slot.endswith("_k") for slot in slots):
        return None
    kept, taken = draft.package == _KEEPS and value > 0.5, draft.package == _TAKES and value < 0.5
    return given[0] if 0 < value < 1 and (kept or taken) else None


def _draw_chain(config: Mapping[str, Any], draft: GraphDraft, slots: Sequence[str], image: Flow) -> Flow:
    """Backbones and necks one after the other."""
    flow = image
    for slot in slots:
        source = image if _place(slot) == "backbone" else flow
        flow = draft.parts(slot, config[slot], source, _place(slot))
    return flow


def _report_unread(path: str, part: Any, draft: GraphDraft) -> None:
    """Report the settings that nodes of a known algorithm have beside the part, and none has here."""
    if isinstance(part, list | tuple):
        for index, one in enumerate(part):
            _report_unread(f"{path}.{index}", one, draft)
        return
    for key in [key for key in draft.reader.beside(part) if key not in _REPORTED_ELSEWHERE]:
        text = f"no node of an algorithm that is not known has this setting of {part['type']}: it is in the metadata"
        draft.left_to_caller(f"model.{path}.{key}", text)


def _draw_averages(draft: GraphDraft, config: Mapping[str, Any], setting: str, flow: Flow) -> Flow:
    """The averaged copies of backbone and neck on the second view; what flows out is the keys."""
    text = "read as that of averaged copies of backbone and neck, which take a second view"
    draft.left_to_caller(f"model.{setting}", text)
    share = config[setting] if draft.package == _KEEPS else 1 - config[setting]
    names = [name for name in draft.nodes if name.split("_")[0] in _AVERAGED and _is_number(name.partition("_")[2])]
    copies = {name: Weights("momentum", name, round(share, DIGITS)) for name in names}
    draft.call_again(copies, "_k", {"view_1": Ref("view_2")})
    last = [name for name in names if name.startswith("neck")][-1]
    return Flow(behind("_k", replace(flow.ref, source=last)), flow.levels)


def _draw_beside(
    config: Mapping[str, Any], draft: GraphDraft, slots: Sequence[str], image: Flow, flow: Flow
) -> Ref | None:
    """Memories, which take what flows, and what makes targets of the image: its answer."""
    target: Ref | None = None
    for slot in [slot for slot in slots if _rank(slot) > _HEADS]:
        if "generator" in slot:
            made = draft.parts(slot, config[slot], image, "backbone")
            target = made.last if draft.nodes[made.ref.source].type in draft.catalog else made.ref
        else:
            draft.parts(slot, config[slot], flow, "neck", **_sample_index(config[slot], draft))
    return target


def _sample_index(config: Any, draft: GraphDraft) -> dict[str, Wired]:
    """The wire for each port of a memory that asks which sample is which."""
    component = draft.reader.component(scoped_type(config)) if isinstance(config, Mapping) else None
    ports = [port.name for port in component.inputs if port.type.name == "SampleIndex"] if component else []
    if ports:
        draft.data_samples["sample_index"] = Input("SampleIndex", ("B",))
    return dict.fromkeys(ports, Ref("sample_index"))


def _draw_head(slot: str, config: Any, draft: GraphDraft, flow: Flow, target: Ref | None, keys: Flow | None) -> None:
    """A head, with the loss that stands in it; a placeholder takes the keys too."""
    loss = config.get("loss") if isinstance(config, Mapping) else None
    drawn = _is_part(loss) and not isinstance(loss, list | tuple) and "loss" not in draft.nodes
    layers = {key: value for key, value in config.items() if key != "loss"} if drawn else config
    if drawn and _has_no_layers(config, draft):
        draft.carry(slot, layers)
        logits = flow
    else:
        wires: dict[str, Wired] = {"key": keys.last} if keys else {}
        logits = draft.parts(slot, layers, flow, "head", **wires)
        node = draft.nodes.get(slot)
        if keys and node is not None and node.type not in draft.catalog:
            draft.nodes[slot] = replace(node, inputs=FrozenDict({**node.inputs, "key": keys.ref}))
    if drawn:
        draft.carried[slot]["loss"] = _draw_loss(draft, loss, logits.last, target)


def _draw_loss(draft: GraphDraft, config: Any, logits: Ref, target: Ref | None) -> Any:
    """The node ``loss`` and the outputs of loss mode; what comes back is what the config says beyond its node."""
    wires: dict[str, Wired] = {"pred": logits}
    if target is not None:
        wires["target"] = target
    if averaged_by_samples(config):
        wires["avg_factor"] = draft.node("batch_size", "BatchSize", samples=logits).ref
    flow, beyond = draft.part("loss", config, **wires)
    draft.outputs["loss"] = {"loss": flow.ref}
    return beyond


def _has_no_layers(config: Mapping[str, Any], draft: GraphDraft) -> bool:
    """Whether a head takes what comes as the logits; mmselfsup's of the same name has a layer."""
    scope, kind = split_type(scoped_type(config))
    return kind in _WITHOUT_LAYERS and (scope or draft.package) != _KEEPS


def _write_part(trace: Trace, slot: str, beyond: Any) -> Any:
    if isinstance(beyond, tuple) and f"{slot}_0" in trace.graph.nodes:
        names = [f"{slot}_{index}" for index in range(len(beyond))]
        kinds = [_written_kind(trace, name, part) for name, part in zip(names, beyond, strict=True)]
        return [trace.part(slot, name, kinds[index], index) for index, name in enumerate(names)]
    if not isinstance(beyond, Mapping):
        return thaw(beyond)
    kind = _written_kind(trace, slot, beyond)
    found = trace.part(slot, slot, kind) if slot in trace.graph.nodes else thaw(beyond)
    loss = beyond.get("loss")
    if "loss" in trace.graph.nodes and "loss" in beyond and ("loss" not in found or slot not in trace.graph.nodes):
        found["loss"] = trace.loss("loss", loss)
    return found


def _written_kind(trace: Trace, name: str, beyond: Any) -> str | None:
    """The type that a config wrote, where the node is still of its component, which may have another name."""
    node = trace.graph.nodes.get(name)
    written = scoped_type(beyond) if isinstance(beyond, Mapping) else None
    component = trace.reader.component(written) if written is not None else None
    return split_type(written)[1] if node and component and component.name == node.type else None


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


def _is_number(text: str) -> bool:
    return not text or text.isdigit()


def _place(slot: str) -> Any:
    if "head" in slot:
        return "head"
    return "backbone" if any(word in slot for word in _FROM_THE_IMAGE) else "neck"


_HEADS = 2


def _rank(slot: str) -> int:
    """In which order parts are drawn: backbones, necks, heads; what stands beside them takes part in no chain."""
    if "generator" in slot or any(word in slot for word in _MEMORIES):
        return _HEADS + 1
    return {"backbone": 0, "neck": 1, "head": _HEADS}[_place(slot)]
