"""SwAV: crops of several sizes, one call of the backbone for each size."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from composer.graph import FrozenDict, Ref, Weights, Wire
from composer.openmmlab.draft import Flow, GraphDraft, behind, resized
from composer.openmmlab.images.preprocessors import USUAL_SIZE
from composer.openmmlab.names import scoped_type, split_type
from composer.openmmlab.plain import plain
from composer.openmmlab.trace import Trace

__all__ = ["draw_swav", "write_swav"]

_HEAD, _LOSS, _NECK = "SwAVHead", "SwAVLoss", "SwAVNeck"
_USUAL_CROPS = (2,)
_SMALLER = (3, 7)  # crops of later sizes have 96 pixels where the first have 224


def draw_swav(config: Mapping[str, Any], draft: GraphDraft) -> None:
    """Draw a SwAV. Only the first view goes through the backbone in ``tensor`` mode."""
    loss = _loss(config)
    if loss is None:
        text = f"expected a {_HEAD} with a loss of the type {_LOSS}, found {plain(config.get('head'))!r:.80}"
        draft.not_understood("model.head", text)
        draft.carry("head", config.get("head"))
    counts = _counts(loss or {})
    draft.views(config, sum(counts))
    for name in list(draft.inputs)[counts[0] :]:
        sizes = (draft.inputs[name].shape or ())[2:]
        height, width = (size if isinstance(size, int) else USUAL_SIZE for size in sizes)
        smaller = (size * _SMALLER[0] // _SMALLER[1] for size in (height, width))
        draft.inputs[name] = resized(draft.inputs[name], *smaller)
    features = _draw_backbones(config, draft, counts)
    joined = _draw_neck(config, draft, features)
    if loss is None:
        return
    draft.carry("head", {key: value for key, value in config["head"].items() if key != "loss"})
    _, draft.carried["head"]["loss"] = draft.part("loss", loss, feature=joined)
    draft.outputs["loss"] = {"loss": Ref("loss", "out")}


def write_swav(trace: Trace) -> dict[str, Any]:
    """Write a SwAV."""
    loss = trace.node_of(trace.output("loss", "loss"), _LOSS, "loss")
    beyond = trace.carried.get("head")
    said = beyond if isinstance(beyond, Mapping) else {}
    head = {"type": _HEAD, **{key: value for key, value in said.items() if key != "loss"}}
    neck = trace.node_of(trace.wire(loss), _NECK, "neck")
    maps = _several(trace, neck, "features")
    if not maps:
        trace.refuse(neck, "expected one wire for each size of crops, found none")
    backbone = trace.follow(maps[0], "backbone")
    found = {"backbone": trace.part("backbone", backbone), "neck": trace.part("neck", neck)}
    again = [trace.follow(ref, f"backbone_{number}") for number, ref in enumerate(maps[1:], 2)]
    joined = [_input_of(trace, name) for name in (backbone, *again)]
    views = [view for number, ref in enumerate(joined, 1) for view in _crops(trace, ref, number)]
    for number, view in enumerate(views, 1):
        trace.input(view, f"view_{number}")
    return {**found, "head": {**head, "loss": trace.loss(loss, said.get("loss"))}}


def _loss(config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    head = config.get("head")
    loss = head.get("loss") if isinstance(head, Mapping) else None
    if not isinstance(loss, Mapping) or not isinstance(head, Mapping):
        return None
    kinds = [split_type(scoped_type(part))[1] for part in (head, loss)]
    return loss if kinds == [_HEAD, _LOSS] else None


def _counts(loss: Mapping[str, Any]) -> tuple[int, ...]:
    """How many crops there are of each size; of a list that cannot be meant, as many as usual."""
    given = plain(loss.get("num_crops"))
    meant = isinstance(given, list) and given and all(type(count) is int and 0 < count < 100 for count in given)
    return tuple(given) if isinstance(given, list) and meant else _USUAL_CROPS


def _draw_backbones(config: Mapping[str, Any], draft: GraphDraft, counts: Sequence[int]) -> list[Flow]:
    views = [Ref(name) for name in draft.inputs]
    for number, count in enumerate(counts, 1):
        crops, views = tuple(views[:count]), views[count:]
        draft.node(f"crops_{number}", "Concat", {"dim": 0}, xs=crops)
    calls = Wire.by_mode({"tensor": Ref("view_1"), "loss": Ref("crops_1", "out")})
    before = set(draft.nodes)
    features = draft.parts("backbone", config.get("backbone"), Flow(Ref("crops_1", "out")), "backbone")
    draft.outputs["tensor"] = {"features": features.ref}
    names = [name for name in draft.nodes if name not in before]
    again = {f"_{number}": Ref(f"crops_{number}", "out") for number in range(2, len(counts) + 1)}
    for suffix, crops_ref in again.items():
        draft.call_again({name: Weights("share", name) for name in names}, suffix, {"crops_1": crops_ref})
    for name in names[:1]:
        node = draft.nodes[name]
        draft.nodes[name] = replace(node, inputs=FrozenDict(dict.fromkeys(node.inputs, calls)))
    return [features, *(Flow(behind(suffix, features.ref), features.levels) for suffix in again)]


def _draw_neck(config: Mapping[str, Any], draft: GraphDraft, features: Sequence[Flow]) -> Ref:
    neck = config.get("neck")
    if not isinstance(neck, Mapping) or "type" not in neck:
        draft.not_understood("model.neck", f"expected a dict with a type, found {plain(neck)!r:.80}")
        draft.carry("neck", neck)
        return features[0].last
    flow, draft.carried["neck"] = draft.part("neck", neck, features=tuple(flow.last for flow in features))
    return flow.ref


def _input_of(trace: Trace, backbone: str) -> Ref:
    wire = next(iter(trace.graph.nodes[backbone].inputs.values()), None)
    found = None if wire is None else wire.in_mode("loss")
    if found is None or found.many:
        trace.refuse(backbone, "expected the crops of one size, joined")
    return found.refs[0]


def _crops(trace: Trace, ref: Ref, number: int) -> tuple[Ref, ...]:
    joined = trace.node_of(ref, "Concat", f"crops_{number}")
    return _several(trace, joined, "xs")


def _several(trace: Trace, name: str, port: str) -> tuple[Ref, ...]:
    """The references of a port that takes several, in loss mode; none where one alone is written."""
    wire = trace.graph.nodes[name].inputs.get(port)
    found = None if wire is None else wire.in_mode("loss")
    return found.refs if found is not None and found.many else ()
