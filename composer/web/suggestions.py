"""What a wire could lead to or come from that is not there yet, best first: parts, inputs, outputs of a mode.

Parts that fit alike are in the order of how many words people have for them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from composer.catalog.component import Port
from composer.edits.add import holds
from composer.edits.names import refused
from composer.edits.outputs import mode_of_box
from composer.graph import MODES, Ref
from composer.ports import Embedding, FeatureMap, Label, Scalar, Tokens, Usually, port_type
from composer.rules.wires import UNKNOWN, fits
from composer.web.fits import Ends
from composer.web.nearness import ANY, FAR, VAGUE, Tier, meant, named, nearness, type_distance
from composer.web.payloads import Suggestion
from composer.web.views.insight import Insight, OpenScope

__all__ = ["suggestions_of"]

_PLAIN = tuple(port_type(kind) for kind in (FeatureMap, Tokens, Embedding))
"""What a port that takes any tensor may be fed by, said more precisely."""


@dataclass(eq=False)
class _Ranking:
    """Suggestions, with what they are sorted by."""

    found: list[tuple[tuple[Any, ...], Suggestion]] = field(default_factory=list)

    def add(self, tier: Tier, rank: Sequence[Any], suggestion: Suggestion) -> None:
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
        _outputs(ranking, insight, opened, ref)
    elif target is not None and source is None:
        found = ends.target(target)
        wanted = found.declared
        _feeding(ranking, insight, opened, found.node, wanted)
        if wanted is not None and mode_of_box(found.node) is None:
            _inputs(ranking, insight, opened, wanted)
    else:
        raise refused("a wire has one known end: a source or a target")
    return ranking.sorted()


def _leading_on(ranking: _Ranking, insight: Insight, opened: OpenScope, ref: Ref) -> None:
    """The parts that may take what a reference carries."""
    given = opened.flows.of(ref)
    called = opened.known.get(ref.source)
    component = None if called is None else called.component
    kinds = insight.catalog.kinds.ranks(insight.catalog.kinds.behind("" if component is None else component.kind))
    for part in insight.catalog:
        ranked = [
            ((meant(port, component, opened.port(ref), given), far, port.optional), port)
            for port in part.inputs
            if (far := type_distance(ref, given, port.type)) is not None
        ]
        if ranked:
            (place, far, optional), port = min(ranked, key=lambda item: item[0])
            tier = Tier.VAGUE if far >= VAGUE else Tier.NEAR
            if place < FAR:
                tier = Tier.MEANT
            rank = (place, kinds[part.kind], far, optional, -len(part.keywords), part.name)
            ranking.add(tier, rank, Suggestion(type=part.name, port=port.name))
    for name, ports in _subgraph_ports(insight, opened, inputs=True):
        distances = [(far, port.name) for port in ports if (far := type_distance(ref, given, port.type)) is not None]
        if distances:
            far, port_name = min(distances, key=lambda item: item[0])
            ranking.add(Tier.VAGUE if far >= VAGUE else Tier.NEAR, (FAR, -1), Suggestion(graph=name, port=port_name))


def _outputs(ranking: _Ranking, insight: Insight, opened: OpenScope, ref: Ref) -> None:
    """The modes whose outputs a wire may end in; a loss is one of loss mode, an answer of predict mode."""
    if opened.scope:
        ranking.add(Tier.NEXT, (), Suggestion(output=True, port="+"))
        return
    given = opened.flows.of(ref)
    called = opened.known.get(ref.source)
    component = None if called is None else called.component
    kinds = insight.catalog.kinds
    kind = kinds["" if component is None else component.kind]
    inner = component is None or kind.of_samples or bool(kinds.behind(kind.name))  # its scores are no answers yet
    role = "" if given is None else given.role
    first = "tensor"
    if role == "loss" and component is not None:
        first = "loss"
    elif "predict" in kind.gives or (role == "prediction" and not inner):
        first = "predict"
    answers = role in ("loss", "prediction") or (given is not None and given.is_a(Label))
    modes: Sequence[Any] = MODES
    for mode in modes:
        if mode == "loss" and given is not None and not fits(given, port_type(Scalar)):
            continue
        tier = Tier.LAST if mode != first else Tier.FIRST if first != "tensor" and answers else Tier.NEXT
        ranking.add(tier, (), Suggestion(output=True, mode=mode, port="+"))


def _feeding(ranking: _Ranking, insight: Insight, opened: OpenScope, node: str, wanted: Port | None) -> None:
    """The parts that may feed a port."""
    kinds = _before(insight, opened, node)
    usually = (None if wanted is None else wanted.usually) or Usually()
    for part in insight.catalog:
        ranked = [
            ((named(usually, part.name, port.name), *found, place), port.name)
            for place, port in enumerate(part.outputs)
            if (found := nearness(port, wanted)) is not None
        ]
        if ranked:
            (first, tier, far, place), port_name = min(ranked)
            tier = Tier.MEANT if first < FAR else tier
            rank = (first, kinds[part.kind], far, place, -len(part.keywords), part.name)
            ranking.add(tier, rank, Suggestion(type=part.name, port=port_name))
    for name, ports in _subgraph_ports(insight, opened, inputs=False):
        nearest = [(*found, port.name) for port in ports if (found := nearness(port, wanted)) is not None]
        if nearest:
            tier, _, port_name = min(nearest)
            ranking.add(tier, (FAR, -1), Suggestion(graph=name, port=port_name))


def _inputs(ranking: _Ranking, insight: Insight, opened: OpenScope, wanted: Port) -> None:
    """New inputs and data samples that may feed a port, each in the section where its type belongs."""
    usually = wanted.usually or Usually()
    there = {declared.type for declared in opened.fields.values()}
    offered: dict[str, Tier] = {}
    for kind in usually.types:
        offered[kind.name] = Tier.FIRST
    if wanted.type.role in ("input", "data_sample"):
        offered.setdefault(wanted.type.name, Tier.NEXT if usually.components else Tier.FIRST)
    for kind in insight.catalog.port_types.values():
        if kind.role == "input" and fits(kind, wanted.type) and not usually.types:
            begins = kind.name not in there and not usually.components and wanted.type.name != ANY.name
            offered.setdefault(kind.name, Tier.FIRST if begins else Tier.GENERAL)
    for kind in _PLAIN if wanted.type.name == ANY.name and not usually.types else ():
        offered.setdefault(kind.name, Tier.GENERAL)
    offered.setdefault(wanted.type.name, Tier.NEXT if opened.scope else Tier.LAST)
    for name, tier in offered.items():
        kind = insight.catalog.port_types.get(name, UNKNOWN)
        right = "data_samples" if kind.role == "data_sample" else "inputs"
        sections: Sequence[Any] = ("inputs",) if opened.scope else ("inputs", "data_samples")
        for section in sections:
            here = tier if opened.scope or section == right else Tier.LAST
            ranking.add(here, (-1,), Suggestion(type=name, port="", section=section))


def _before(insight: Insight, opened: OpenScope, node: str) -> dict[str, int]:
    """The places of the kinds, those first that mostly stand before a node or before the outputs of a mode."""
    kinds = insight.catalog.kinds
    box = mode_of_box(node)
    if box is not None:
        return kinds.ranks(kinds.giving(str(box[0])) or kinds.giving("predict"))
    called = opened.known.get(node)
    return kinds.ranks(
        kinds[called.component.kind].after if called is not None and called.component is not None else ()
    )


def _subgraph_ports(insight: Insight, opened: OpenScope, *, inputs: bool) -> Iterator[tuple[str, list[Port]]]:
    """The ports of the subgraphs that may be called in the open scope."""
    for name, body in insight.graph.graphs.items():
        if opened.scope and holds(insight.graph, name, opened.scope):
            continue
        if inputs:
            types = insight.catalog.port_types
            yield name, [Port(port, types.get(item.type, UNKNOWN)) for port, item in body.inputs.items()]
        else:
            yield name, [Port(port, insight.output_type(name, port) or UNKNOWN) for port in body.outputs]
