"""What a wire could lead to or come from that is not there yet, best first: parts, inputs, outputs of a mode.

Parts that fit alike are in the order of how many words people have for them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from composer.component import Component, Port
from composer.editing.adding import holds
from composer.editing.flowing import entry_of, fitting
from composer.editing.outputs import mode_of_box
from composer.editing.refusal import refused
from composer.graph import MODES, Ref
from composer.ports import AnyTensor, Embedding, FeatureMap, PortType, Scalar, Tokens, Usually, port_type
from composer.rules.flows import UNKNOWN, fits
from composer.web.fitting import Ends
from composer.web.payloads import Suggestion
from composer.web.views.insight import Insight, Opened

__all__ = ["suggestions_of"]

_ANY = port_type(AnyTensor)
_FAR = 9
_VAGUE = 7
_PLAIN = tuple(port_type(kind) for kind in (FeatureMap, Tokens, Embedding))
"""What a port that takes any tensor may be fed by, said more precisely."""

_KINDS = ("backbones", "necks", "heads", "losses", "postprocessing", "layers")
"""Kinds in the order in which most models are built."""

_BEHIND: Mapping[str, tuple[str, ...]] = {
    "": ("backbones",),
    "backbones": ("necks", "heads"),
    "necks": ("heads", "similarities", "losses"),
    "heads": ("losses", "postprocessing"),
    "layers": ("layers",),
    "target_generators": ("losses",),
}
"""What mostly follows a part of a kind; under the empty name what follows an input."""

_INNER = {*_BEHIND, "memories", "similarities"}
"""The kinds of parts whose scores are no answers yet."""

_ENDS: Mapping[str, tuple[str, ...]] = {"tensor": ("necks", "backbones"), "loss": ("losses",)}
"""The kinds of parts that mostly feed the outputs of a mode."""


class _Tier(IntEnum):
    """How well a suggestion fits: as the port says, by its type, by nothing but that it may."""

    FIRST = 0
    MEANT = 1
    NEXT = 2
    NEAR = 3
    GENERAL = 4
    VAGUE = 5
    LAST = 6


@dataclass(eq=False)
class _Ranking:
    """Suggestions, with what they are sorted by."""

    found: list[tuple[tuple[Any, ...], Suggestion]] = field(default_factory=list)

    def add(self, tier: _Tier, rank: Sequence[Any], suggestion: Suggestion) -> None:
        self.found.append(((tier, *rank, len(self.found)), suggestion))

    def sorted(self) -> list[Suggestion]:
        return [item for _, item in sorted(self.found, key=lambda entry: entry[0])]


def suggestions_of(insight: Insight, path: Sequence[str], source: str | None, target: str | None) -> list[Suggestion]:
    """Parts that a wire could lead to or come from, new inputs that could feed it, outputs that it could end in."""
    opened = insight.open(path)
    ends = Ends(opened)
    ranking = _Ranking()
    if source is not None and target is None:
        ref = ends.draft.reference(source)
        _leading_on(ranking, insight, opened, ref)
        _outputs(ranking, opened, ref)
    elif target is not None and source is None:
        found = ends.target(target)
        wanted = found.declared
        _feeding(ranking, insight, opened, found.node, wanted)
        if wanted is not None and mode_of_box(found.node) is None:
            _inputs(ranking, insight, opened, wanted)
    else:
        raise refused("a wire has one known end: a source or a target")
    return ranking.sorted()


def _leading_on(ranking: _Ranking, insight: Insight, opened: Opened, ref: Ref) -> None:
    """The parts that may take what a reference carries."""
    given = opened.flows.of(ref)
    called = opened.known.get(ref.source)
    component = None if called is None else called.component
    kinds = _in_order(_BEHIND.get("" if component is None else component.kind, ()))
    for part in insight.catalog:
        ranked = [
            ((_meant(port, component, opened.port(ref), given), far, port.optional), port)
            for port in part.inputs
            if (far := _distance(ref, given, port.type)) is not None
        ]
        if ranked:
            (meant, far, optional), port = min(ranked, key=lambda item: item[0])
            tier = _Tier.VAGUE if far >= _VAGUE else _Tier.NEAR
            if meant < _FAR:
                tier = _Tier.MEANT
            rank = (meant, kinds.get(part.kind, len(kinds)), far, optional, -len(part.keywords), part.name)
            ranking.add(tier, rank, Suggestion(type=part.name, port=port.name))
    for name, ports in _subgraph_ports(insight, opened, inputs=True):
        distances = [(far, port.name) for port in ports if (far := _distance(ref, given, port.type)) is not None]
        if distances:
            far, port_name = min(distances, key=lambda item: item[0])
            ranking.add(
                _Tier.VAGUE if far >= _VAGUE else _Tier.NEAR, (_FAR, -1), Suggestion(graph=name, port=port_name)
            )


def _meant(port: Port, feeder: Component | None, output: str | None, given: PortType | None) -> int:
    """The place of a feeder, or of the type that it gives, among what mostly feeds a port; far where it is none."""
    usually = port.usually or Usually()
    if feeder is not None and (port.name == output or port.name not in feeder.output_by_name):
        place = _named(usually, feeder.name, output or "")
        if place < _FAR:
            return place
    names = [kind.name for kind in usually.types]
    return names.index(given.name) if given is not None and given.name in names else _FAR


def _outputs(ranking: _Ranking, opened: Opened, ref: Ref) -> None:
    """The modes whose outputs a wire may end in; a loss is one of loss mode, an answer of predict mode."""
    if opened.scope:
        ranking.add(_Tier.NEXT, (), Suggestion(output=True, port="+"))
        return
    given = opened.flows.of(ref)
    called = opened.known.get(ref.source)
    kind = "" if called is None or called.component is None else called.component.kind
    role = "" if given is None else given.role
    first = "tensor"
    if role == "loss" and kind:
        first = "loss"
    elif kind == "postprocessing" or (role == "prediction" and kind not in _INNER):
        first = "predict"
    answers = role in ("loss", "prediction") or (given is not None and given.name == "Label")
    modes: Sequence[Any] = MODES
    for mode in modes:
        if mode == "loss" and given is not None and not fits(given, port_type(Scalar)):
            continue
        tier = _Tier.LAST if mode != first else _Tier.FIRST if first != "tensor" and answers else _Tier.NEXT
        ranking.add(tier, (), Suggestion(output=True, mode=mode, port="+"))


def _feeding(ranking: _Ranking, insight: Insight, opened: Opened, node: str, wanted: Port | None) -> None:
    """The parts that may feed a port."""
    kinds = _before(opened, node)
    usually = (None if wanted is None else wanted.usually) or Usually()
    for part in insight.catalog:
        ranked = [
            ((_named(usually, part.name, port.name), *found, place), port.name)
            for place, port in enumerate(part.outputs)
            if (found := _nearness(port, wanted)) is not None
        ]
        if ranked:
            (meant, tier, far, place), port_name = min(ranked)
            tier = _Tier.MEANT if meant < _FAR else tier
            rank = (meant, kinds.get(part.kind, len(kinds)), far, place, -len(part.keywords), part.name)
            ranking.add(tier, rank, Suggestion(type=part.name, port=port_name))
    for name, ports in _subgraph_ports(insight, opened, inputs=False):
        nearest = [(*found, port.name) for port in ports if (found := _nearness(port, wanted)) is not None]
        if nearest:
            tier, _, port_name = min(nearest)
            ranking.add(tier, (_FAR, -1), Suggestion(graph=name, port=port_name))


def _named(usually: Usually, component: str, port: str) -> int:
    """The place of a component's output among what mostly feeds a port; far where it is none."""
    for place, name in enumerate(usually.components):
        if name in (component, f"{component}.{port}"):
            return place
    return _FAR


def _nearness(port: Port, wanted: Port | None) -> tuple[_Tier, int] | None:
    """How near an output is to what a port takes; None where it does not go there."""
    if wanted is None:
        return _Tier.NEAR, _FAR
    far = _distance(Ref("_", port.name), port.type, wanted.type)
    if far is None:
        return None
    if port.name == wanted.name:
        return _Tier.NEAR, -1
    usual = [_distance(Ref("_", port.name), port.type, kind) for kind in (wanted.usually or Usually()).types]
    near = min((one for one in usual if one is not None and one < _VAGUE), default=None)
    if near is not None:
        return _Tier.NEAR, near
    return _Tier.VAGUE if far >= _VAGUE else _Tier.NEAR, far


def _inputs(ranking: _Ranking, insight: Insight, opened: Opened, wanted: Port) -> None:
    """New inputs and data samples that may feed a port, each in the section where its type belongs."""
    usually = wanted.usually or Usually()
    there = {declared.type for declared in opened.fields.values()}
    offered: dict[str, _Tier] = {}
    for kind in usually.types:
        offered[kind.name] = _Tier.FIRST
    if wanted.type.role in ("input", "data_sample"):
        offered.setdefault(wanted.type.name, _Tier.NEXT if usually.components else _Tier.FIRST)
    for kind in insight.catalog.port_types.values():
        if kind.role == "input" and fits(kind, wanted.type) and not usually.types:
            begins = kind.name not in there and not usually.components and wanted.type.name != _ANY.name
            offered.setdefault(kind.name, _Tier.FIRST if begins else _Tier.GENERAL)
    for kind in _PLAIN if wanted.type.name == _ANY.name and not usually.types else ():
        offered.setdefault(kind.name, _Tier.GENERAL)
    offered.setdefault(wanted.type.name, _Tier.NEXT if opened.scope else _Tier.LAST)
    for name, tier in offered.items():
        kind = insight.catalog.port_types.get(name, UNKNOWN)
        right = "data_samples" if kind.role == "data_sample" else "inputs"
        sections: Sequence[Any] = ("inputs",) if opened.scope else ("inputs", "data_samples")
        for section in sections:
            here = tier if opened.scope or section == right else _Tier.LAST
            ranking.add(here, (-1,), Suggestion(type=name, port="", section=section))


def _before(opened: Opened, node: str) -> dict[str, int]:
    """Kinds of parts, those first that mostly stand before a node or before the outputs of a mode."""
    box = mode_of_box(node)
    if box is not None:
        return _in_order(_ENDS.get(str(box[0]), ("postprocessing",)))
    called = opened.known.get(node)
    kind = called.component.kind if called is not None and called.component is not None else ""
    return _in_order(before for before in reversed(list(_BEHIND)) if kind in _BEHIND[before] and before)


def _in_order(first: Any) -> dict[str, int]:
    """The place of each kind, these first."""
    return {kind: place for place, kind in enumerate(dict.fromkeys((*first, *_KINDS)))}


def _distance(ref: Ref, given: PortType | None, wanted: PortType | None) -> int | None:
    """How far what flows is from what is taken; None where it does not go there."""
    if given is None or wanted is None:
        return _FAR
    found = fitting(ref, given, wanted)
    if found is None:
        return None
    kind = entry_of(given) if found.index is not None and ref.index is None else given
    if kind is None or kind.name == _ANY.name:
        return _FAR - 1 if wanted.name != _ANY.name else _FAR - 2
    names = [item.name for item in kind.ancestors()]
    near = names.index(wanted.name) if wanted.name in names else _FAR - 3
    return _FAR - 2 if wanted.name == _ANY.name and kind.name != _ANY.name else near


def _subgraph_ports(insight: Insight, opened: Opened, *, inputs: bool) -> Iterator[tuple[str, list[Port]]]:
    """The ports of the subgraphs that may be called in the open scope."""
    for name, body in insight.graph.graphs.items():
        if opened.scope and holds(insight.graph, name, opened.scope):
            continue
        if inputs:
            types = insight.catalog.port_types
            yield name, [Port(port, types.get(item.type, UNKNOWN)) for port, item in body.inputs.items()]
        else:
            yield name, [Port(port, insight.output_type(name, port) or UNKNOWN) for port in body.outputs]
