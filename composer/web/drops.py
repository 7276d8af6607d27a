"""Where a part may be dropped, what may take the place of a node, and what may be put into a wire."""

from collections.abc import Container, Iterator, Sequence

from composer.catalog.component import Component
from composer.edits.add import holds, part_called
from composer.edits.draft import ScopeDraft
from composer.edits.flows import passage, signature_of
from composer.edits.insert import impassable, is_loose, wanted_at
from composer.edits.operations import Target
from composer.edits.remove import owned
from composer.edits.replace import Exchange, kept_params
from composer.graph import Ref
from composer.graph.link import Called
from composer.rules.wires import Signature
from composer.web.payloads import Drop, DropsReply, DropsRequest, InsertionsReply, Replacement
from composer.web.views.insight import Insight, OpenScope

__all__ = ["drops_of", "insertions_of", "replacements_of"]


class _Parts:
    """The open scope, and the parts that may be called in it."""

    def __init__(self, insight: Insight, path: Sequence[str]) -> None:
        self.opened: OpenScope = insight.open(path)
        self.insight = insight
        self.draft = ScopeDraft(insight.graph, self.opened.scope, insight.catalog)

    def signature(self, called: Called) -> Signature:
        """The typed ports of a part."""
        return signature_of(self.insight.graph, self.insight.catalog, called)

    def all(self) -> Iterator[tuple[str | None, str | None, Called]]:
        """Every part: type of the component or name of the subgraph, and what it is."""
        for name in self.insight.graph.graphs:
            if not self.opened.scope or not holds(self.insight.graph, name, self.opened.scope):
                yield None, name, part_called(self.draft, None, name)
        for component in self.insight.catalog:
            yield component.name, None, Called(component, None, component.name)

    def reason(self, signature: Signature, ref: Ref, target: Target) -> str | None:
        """Why a wire cannot go through a part; None where it can."""
        given, wanted = self.opened.flows.of(ref), wanted_at(self.opened.flows, target)
        end = f"{target.node}.{target.port}"
        return None if passage(signature, ref, given, wanted) else impassable(signature, ref, given, end, wanted)


def drops_of(insight: Insight, request: DropsRequest) -> DropsReply:
    """What a part does where it is dropped on a wire or on a box, with the reason where it does nothing there.

    Raises:
        GraphError: The part is not there.
    """
    parts = _Parts(insight, request.path)
    draft = parts.draft
    if request.node is not None:
        draft.node(request.node)
        if not is_loose(draft, request.node):
            return DropsReply(wires=[], boxes=[])
        called = draft.called(request.node)
    else:
        called = part_called(draft, request.type, request.graph)
    signature = parts.signature(called)
    whole = request.graph is not None and bool(draft.scope) and holds(draft.base, request.graph, draft.scope)
    holding = f"'{request.graph}' holds '{draft.scope}', which is open" if whole else None
    wires = [
        Drop(
            source=str(edge.ref),
            node=node,
            port=port,
            reason=holding or parts.reason(signature, edge.ref, Target(node=node, port=port)),
        )
        for node, port, wire in draft.all_wires()
        for edge in wire.edges()
    ]
    if request.node is not None:
        return DropsReply(wires=wires, boxes=[])
    return DropsReply(wires=wires, boxes=[_on_box(draft, name, called, holding) for name in draft.nodes])


def replacements_of(insight: Insight, path: Sequence[str], node: str) -> list[Replacement]:
    """What may take the place of a node, best first: what keeps its wires, then its own kind, then its parameters.

    Raises:
        GraphError: There is no such node.
    """
    parts = _Parts(insight, path)
    draft = parts.draft
    draft.node(node)
    now = draft.called(node)
    exchange = Exchange(draft, parts.opened.flows, node)
    params = owned(draft, node).params
    found: list[tuple[tuple[bool, bool, int, int, str], Replacement]] = []
    for type_, graph, called in parts.all():
        if called.name == now.name and (now.component is None) == (called.component is None):
            continue
        plan = exchange.planned(called)
        wires = [text for kept in plan.values() for text in kept.lost]
        _, lost = kept_params(params, called.component or called.body, templates=bool(draft.scope))
        bare = _bare(parts.signature(called), plan[node].wires)
        rank = (bool(wires), _kind(called) != _kind(now), len(wires) + bare, len(lost), called.name)
        found.append((rank, Replacement(type=type_, graph=graph, lost=[*wires, *lost], wires=len(wires))))
    return [item for _, item in sorted(found, key=lambda entry: entry[0])]


def insertions_of(insight: Insight, path: Sequence[str], source: str, target: Target) -> InsertionsReply:
    """What may be put into a wire, best first: nodes that have no wires yet, and parts.

    Raises:
        GraphError: An end of the wire is not there.
    """
    parts = _Parts(insight, path)
    draft, flows = parts.draft, parts.opened.flows
    ref = draft.reference(source)
    given, wanted = flows.of(ref), wanted_at(flows, target)
    kinds = parts.insight.catalog.kinds
    near = kinds.ranks(kind.name for kind in kinds.values() if kind.anywhere)
    found: list[tuple[tuple[int, bool, int, str], Replacement]] = []
    for type_, graph, called in parts.all():
        signature = parts.signature(called)
        way = passage(signature, ref, given, wanted)
        if way is not None:
            rank = (_bare(signature, (way.port,)), type_ is not None, near.get(_kind(called), len(near)), called.name)
            found.append((rank, Replacement(type=type_, graph=graph, lost=[], wires=0)))
    loose = [name for name in draft.nodes if is_loose(draft, name)]
    nodes = [name for name in loose if passage(parts.signature(draft.called(name)), ref, given, wanted)]
    return InsertionsReply(nodes=nodes, parts=[item for _, item in sorted(found, key=lambda entry: entry[0])])


def _on_box(draft: ScopeDraft, name: str, called: Called, holding: str | None) -> Drop:
    now = draft.called(name)
    same = now.name == called.name and (now.component is None) == (called.component is None)
    return Drop(source="", node=name, port="", reason=f"{name} is a {called.name} already" if same else holding)


def _bare(signature: Signature, wired: Container[str]) -> int:
    """How many ports still need a wire."""
    return sum(not port.optional and port.name not in wired for port in signature.inputs.values())


def _kind(called: Called) -> str:
    return called.component.kind if isinstance(called.component, Component) else ""
