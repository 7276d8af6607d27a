"""Which components a wire could lead to or come from, best first."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from composer.component import Port
from composer.editing.adding import holds
from composer.editing.flowing import entry_of, fitting
from composer.editing.refusal import refused
from composer.graph import Ref
from composer.ports import AnyTensor, PortType, port_type
from composer.rules.flows import UNKNOWN
from composer.web.fitting import Ends
from composer.web.payloads import Suggestion
from composer.web.views.insight import Insight, Opened

__all__ = ["suggestions_of"]

_ANY = port_type(AnyTensor)
_FAR = 9
_VAGUE = 7
_KINDS = ("backbones", "necks", "heads", "losses", "postprocessing", "layers")
"""Kinds in the order in which most models are built."""

_BEHIND: Mapping[str, tuple[str, ...]] = {
    "": ("backbones",),
    "backbones": ("necks", "heads"),
    "necks": ("heads", "similarities", "losses"),
    "heads": ("losses", "postprocessing"),
    "target_generators": ("losses",),
}
"""What mostly follows a part of a kind; under the empty name what follows an input."""


def suggestions_of(insight: Insight, path: Sequence[str], source: str | None, target: str | None) -> list[Suggestion]:
    """Components and subgraphs that a wire could lead to or come from, best first."""
    opened = insight.open(path)
    ends = Ends(opened)
    found: list[tuple[tuple[Any, ...], Suggestion]] = []
    if source is not None and target is None:
        ref = ends.draft.reference(source)
        given = opened.flows.of(ref)
        distance: Callable[[Port], int | None] = lambda port: _distance(ref, given, port.type)  # noqa: E731
    elif target is not None and source is None:
        wanted = ends.target(target).declared
        kind = None if wanted is None else wanted.type
        distance = lambda port: _distance(Ref("_", port.name), port.type, kind)  # noqa: E731
    else:
        raise refused("a wire has one known end: a source or a target")
    kinds = _expected(opened, source, target)
    for component in insight.catalog:
        best = _best(component.inputs if source is not None else component.outputs, distance)
        if best is not None:
            far, optional, port = best
            order = kinds.index(component.kind) if component.kind in kinds else len(kinds)
            rank = (far >= _VAGUE, order, far, optional, component.name)
            found.append((rank, Suggestion(type=component.name, graph=None, port=port)))
    for name, ports in _subgraph_ports(insight, opened, inputs=source is not None):
        best = _best(ports, distance)
        if best is not None:
            rank = (best[0] >= _VAGUE, -1, best[0], best[1], name)
            found.append((rank, Suggestion(type=None, graph=name, port=best[2])))
    return [item for _, item in sorted(found, key=lambda entry: entry[0])]


def _expected(opened: Opened, source: str | None, target: str | None) -> list[str]:
    """Kinds of parts, those first that mostly stand behind a source or before a target."""
    name = (source or target or "").split(".")[0]
    called = opened.known.get(name)
    kind = called.component.kind if called is not None and called.component is not None else ""
    if source is not None:
        first = list(_BEHIND.get(kind, ()))
    else:
        first = [before for before in reversed(list(_BEHIND)) if kind in _BEHIND[before] and before]
    return [*first, *(other for other in _KINDS if other not in first)]


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


def _best(ports: Iterable[Port], distance: Callable[[Port], int | None]) -> tuple[int, bool, str] | None:
    ranked = [(far, port.optional, port.name) for port in ports if (far := distance(port)) is not None]
    return min(ranked, key=lambda item: item[:2]) if ranked else None


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
