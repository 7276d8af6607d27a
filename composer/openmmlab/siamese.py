"""What self-supervised algorithms with several views have in common: views, encoders and their copies, averages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from composer.graph import FrozenDict, Node, Ref, Weights, Wire, thaw
from composer.openmmlab.draft import Draft, Flow
from composer.openmmlab.plain import plain
from composer.openmmlab.trace import Trace

__all__ = [
    "Encoder",
    "behind",
    "call_again",
    "draw_encoder",
    "draw_head",
    "draw_views",
    "follow",
    "kept_share",
    "momentum",
    "shared",
    "siamese",
    "whole_number",
    "write_again",
    "write_copy",
    "write_encoder",
    "write_head",
    "write_setting",
    "write_share",
    "write_view",
]

_KEEPS = "mmselfsup"
"""The package whose momentum is what an average keeps; in the others it is what it takes in."""

Draw = Callable[[Mapping[str, Any], Draft], None]
Write = Callable[[Trace], dict[str, Any]]

_DIGITS = 12
_PARTS = ("backbone", "neck", "head")


def draw_views(draft: Draft, config: Mapping[str, Any], count: int) -> list[Flow]:
    """The inputs ``view_1``, ``view_2`` ... of pictures that are prepared alike."""
    draft.image(config, config.get("backbone"))
    entry = draft.inputs.pop("image")
    names = [f"view_{number}" for number in range(1, count + 1)]
    draft.inputs |= dict.fromkeys(names, entry)
    return [Flow(Ref(name)) for name in names]


def siamese(
    settings: Sequence[str],
    draw: Draw,
    write: Write,
) -> tuple[tuple[str, ...], Draw, Write]:
    """What makes an ``Algorithm`` that trains backbone, neck and head on several views.

    A config that has no head is drawn as backbone and neck on one picture.

    Args:
        settings: What its config has beside backbone, neck and head.
        draw: Draws a config with a head.
        write: Writes the config of a graph with a loss.
    """

    def draw_any(config: Mapping[str, Any], draft: Draft) -> None:
        if config.get("head") is not None:
            draw(config, draft)
            return
        encoder = draw_encoder(draft, config, draft.image(config, config.get("backbone")))
        draft.outputs["tensor"] = {"features": encoder.embedding.ref}
        for key in [key for key in (*settings, "head") if key in config]:
            draft.carry(key, config[key])
        draft.left_to_caller("model.head", "without a head there is no loss: the graph is backbone and neck alone")

    def write_any(trace: Trace) -> dict[str, Any]:
        if trace.graph.outputs.get("loss"):
            return write(trace)
        found = write_encoder(trace, trace.output("tensor", "features"), "image")
        rest = {key: thaw(trace.carried[key]) for key in (*settings, "head") if key in trace.carried}
        return {**found, **rest}

    return (*_PARTS, *settings), draw_any, write_any


@dataclass(frozen=True, slots=True)
class Encoder:
    """Backbone and neck on a view.

    Args:
        backbones: The ids of the backbone's nodes.
        necks: Those of the neck's.
        features: What flows out of the backbone.
        embedding: What flows out of the neck.
    """

    backbones: tuple[str, ...]
    necks: tuple[str, ...]
    features: Flow
    embedding: Flow

    @property
    def names(self) -> tuple[str, ...]:
        """The ids of all its nodes."""
        return (*self.backbones, *self.necks)


def draw_encoder(draft: Draft, config: Mapping[str, Any], view: Flow) -> Encoder:
    """Draw backbone and neck on a view; what ``tensor`` gives is the backbone's answer."""
    before = set(draft.nodes)
    features = draft.parts("backbone", config.get("backbone"), view, "backbone")
    draft.outputs["tensor"] = {"features": features.ref}
    backbones = tuple(name for name in draft.nodes if name not in before)
    embedding = draft.parts("neck", config["neck"], features, "neck") if "neck" in config else features
    necks = tuple(name for name in draft.nodes if name not in before and name not in backbones)
    return Encoder(backbones, necks, features, embedding)


def momentum(names: Sequence[str], decay: float, end_decay: float | None = None) -> dict[str, Weights]:
    """The weights of momentum copies, by the node that each follows."""
    return {name: Weights("momentum", name, decay, end_decay=end_decay) for name in names}


def shared(names: Sequence[str]) -> dict[str, Weights]:
    """The weights of nodes that are called again."""
    return {name: Weights("share", name) for name in names}


def behind(suffix: str, ref: Ref) -> Ref:
    """The same output of the node with the suffix behind its id."""
    return replace(ref, source=f"{ref.source}{suffix}")


def call_again(draft: Draft, weights: Mapping[str, Weights], suffix: str, moved: Mapping[str, Ref | str]) -> None:
    """Call nodes once more, on something else.

    Args:
        draft: Takes the new nodes.
        weights: The nodes in the order of their wires, and where the weights of their new calls come from.
        suffix: What is put behind their ids.
        moved: What the new nodes take in place of a node's outputs or of an input: another node's (its id), or one
            output.
    """

    def rewired(wire: Wire) -> Wire:
        if isinstance(wire, Ref):
            other = moved.get(wire.source, f"{wire.source}{suffix}" if wire.source in weights else wire.source)
            return replace(wire, source=other) if isinstance(other, str) else other
        if isinstance(wire, tuple):
            return tuple(map(rewired, wire))  # type: ignore[arg-type]
        return FrozenDict({mode: rewired(item) for mode, item in wire.items()})

    for name, rule in weights.items():
        inputs = {port: rewired(wire) for port, wire in draft.nodes[name].inputs.items()}
        draft.nodes[f"{name}{suffix}"] = Node(weights=rule, inputs=FrozenDict(inputs))


def draw_head(draft: Draft, config: Mapping[str, Any], wires: Mapping[str, Wire], loss: Mapping[str, str]) -> bool:
    """The nodes ``head`` and ``loss``.

    Args:
        draft: Takes them.
        config: The config of the whole model.
        wires: What the head's ports are wired to.
        loss: For each port of the loss the head's output.

    Returns:
        Whether there is a loss.
    """
    head = config.get("head")
    if not isinstance(head, Mapping) or "type" not in head:
        draft.carry("head", head)
        draft.not_understood("model.head", f"expected a dict with a type, found {plain(head)!r:.80}")
        return False
    criterion = head.get("loss")
    layers = {key: value for key, value in head.items() if key != "loss"}
    _, draft.carried["head"] = draft.part("head", layers, **wires)
    if not isinstance(criterion, Mapping) or "type" not in criterion:
        draft.carried["head"]["loss"] = plain(criterion)
        draft.not_understood("model.head.loss", f"expected a dict with a type, found {plain(criterion)!r:.80}")
        return False
    taken = {port: Ref("head", output) for port, output in loss.items()}
    _, draft.carried["head"]["loss"] = draft.part("loss", criterion, **taken)
    return True


def kept_share(draft: Draft, config: Mapping[str, Any], key: str, default: float) -> float:
    """What an average keeps of itself, from a setting that says what it keeps (mmselfsup) or takes in.

    Args:
        draft: Told what is wrong with the setting; the setting is carried.
        config: The config of the whole model.
        key: The setting.
        default: What is kept where the setting is left out.
    """
    if key not in config:
        return default
    draft.carry(key, config[key])
    share = _share(config[key], draft.package)
    if share is None:
        draft.not_understood(f"model.{key}", f"expected a number from 0 to 1, found {plain(config[key])!r:.80}")
    return default if share is None else share


def whole_number(draft: Draft, config: Mapping[str, Any], key: str, default: int) -> int:
    """A setting that counts something; it is carried."""
    if key not in config:
        return default
    draft.carry(key, config[key])
    if type(config[key]) is int and config[key] > 0:
        return int(config[key])
    draft.not_understood(f"model.{key}", f"expected a whole number from 1, found {plain(config[key])!r:.80}")
    return default


def follow(trace: Trace, ref: Ref, drawn: str) -> str:
    """The node that a reference is to, whatever it is; ``drawn`` is its id in a drawn config."""
    if ref.source not in trace.graph.nodes:
        trace.refuse(ref.source, "expected a node there, found an input")
    trace.ids[drawn] = ref.source
    return ref.source


def write_view(trace: Trace, ref: Ref, drawn: str) -> None:
    """Note which input a view is."""
    if ref.source not in trace.graph.inputs:
        trace.refuse(ref.source, "expected a view there, found a node")
    trace.ids[drawn] = ref.source


def write_encoder(trace: Trace, ref: Ref, view: str) -> dict[str, Any]:
    """The config of backbone and neck, from what flows out of them.

    Args:
        trace: The graph.
        ref: What flows out.
        view: The id that their input has in a drawn config.
    """
    chain = trace.chain(ref)
    trace.ids[view] = trace.ids.pop("image")
    if not chain:
        trace.refuse(str(ref), "expected a backbone between the view and the head, found none")
    backbone, *necks = chain
    found = {"backbone": trace.part("backbone", backbone), "neck": trace.parts("neck", necks)}
    return {key: value for key, value in found.items() if value is not None or trace.carries_none(key)}


def write_again(trace: Trace, ref: Ref, suffix: str, passed: Mapping[str, str]) -> Ref:
    """Note the ids of nodes that call an encoder again.

    Args:
        trace: The graph; the encoder itself is written already.
        ref: What flows out of them.
        suffix: What is put behind the ids in a drawn config.
        passed: Types of nodes on the way that are no part of the encoder, and their ids in a drawn config.

    Returns:
        What flows into them.
    """
    drawn = {ours: theirs for theirs, ours in trace.ids.items()}
    while ref.source in trace.graph.nodes:
        node = trace.graph.nodes[ref.source]
        origin = node.weights.source
        while origin is not None and origin not in drawn:
            origin = trace.graph.nodes[origin].weights.source
        name = passed.get(str(node.type)) if origin is None else f"{drawn[origin]}{suffix}"
        if name is None:
            trace.refuse(ref.source, "expected a node that uses the weights of backbone or neck")
        trace.ids[name] = ref.source
        ref = trace.wire(ref.source)
    return ref


def write_copy(trace: Trace) -> str:
    """The averaged copy of the backbone, among the nodes whose ids are noted."""
    copies = [ours for theirs, ours in trace.ids.items() if theirs.startswith("backbone") and theirs.endswith("_k")]
    if not copies:
        trace.refuse("backbone", "expected an averaged copy of it, found none")
    return copies[0]


def write_head(trace: Trace, loss: str) -> tuple[dict[str, Any], str]:
    """The config of the head whose loss is a node, and the head's node."""
    head = follow(trace, trace.wire(loss), "head")
    found = trace.part("head", head)
    beyond = trace.carried.get("head")
    said = beyond.get("loss") if isinstance(beyond, Mapping) else None
    return {**found, "loss": trace.loss(loss, said)}, head


def write_setting(trace: Trace, key: str, value: Any, default: Any) -> dict[str, Any]:
    """A setting of the whole model: nothing where it has its default and was not written."""
    return {key: value} if value != default or key in trace.carried else {}


def write_share(trace: Trace, key: str, name: str, default: float) -> dict[str, Any]:
    """The setting that says what a momentum copy keeps, as its package has it.

    Args:
        trace: The graph.
        key: The setting.
        name: The momentum copy.
        default: What is kept where the setting is left out.
    """
    decay = trace.graph.nodes[name].weights.decay
    said = trace.carried.get(key)
    if key in trace.carried and _share(said, trace.reader.package) == decay:
        return {key: said}
    if key not in trace.carried and decay == default:
        return {}
    return {key: decay if trace.reader.package == _KEEPS else round(1 - decay, _DIGITS)}


def _share(value: Any, package: str) -> float | None:
    if type(value) not in (int, float) or not 0 <= value <= 1:
        return None
    return float(value) if package == _KEEPS else round(1 - value, _DIGITS)
