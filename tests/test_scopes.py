"""The scopes of a graph, and what each mode needs of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.edits.draft import ScopeDraft
from composer.graph import FrozenDict, Graph, Node, Weights
from composer.graph.file import loads
from composer.graph.link import Scope, link
from tests.sample_components import CATALOG

TEXT = """
schema: 1
inputs:
  image: {type: Image}
data_samples:
  label: {type: Label}
graphs:
  body:
    params: {width: 2}
    inputs: {image: {type: Image}, label: {type: Label}}
    nodes:
      stem: {type: Stem, params: {out_channels: $width}, inputs: {image: image}}
      neck: {type: Neck, inputs: {feature: stem.out}}
      head: {type: Head, params: {num_classes: 3}, inputs: {feature: neck.out}}
      loss: {type: Criterion, inputs: {pred: head.out, target: label}}
    outputs: {logits: head.out, loss: loss.out}
nodes:
  one: {graph: body, params: {width: 4}, inputs: {image: image, label: label}}
  two: {weights: {momentum: one}, inputs: {image: mixed.out, label: label}}
  three: {weights: {share: two}, inputs: {image: {tensor: mixed.out, loss: image}, label: label}}
  mixed: {type: Act, inputs: {input: image}}
  lost: {weights: {share: nobody}}
  cycle: {weights: {share: cycle}}
outputs:
  tensor: {logits: three.logits}
  loss: {loss: three.loss, other: one.logits}
"""


@pytest.fixture
def graph() -> Graph:
    return loads(TEXT)


@pytest.fixture
def top(graph: Graph) -> Scope:
    return link(graph, CATALOG).scopes[""]


def test_scopes_are_the_top_level_and_then_the_subgraphs(graph: Graph) -> None:
    scopes = link(graph, CATALOG).scopes
    assert list(scopes) == ["", "body"]
    assert scopes[""].path("nodes", "one") == ("nodes", "one")
    assert scopes["body"].path("nodes", "stem") == ("graphs", "body", "nodes", "stem")
    assert list(scopes[""].names) == ["one", "two", "three", "mixed", "lost", "cycle", "image", "label"]


@pytest.mark.parametrize(
    ("node", "owner", "origin", "subgraph"),
    [
        ("one", "one", "one", "body"),
        ("two", "two", "one", "body"),
        ("three", "two", "one", "body"),
        ("mixed", "mixed", "mixed", None),
        ("lost", None, None, None),
        ("cycle", None, None, None),
    ],
)
def test_shared_weights_resolve_to_their_owner_and_origin(
    top: Scope, node: str, owner: str | None, origin: str | None, subgraph: str | None
) -> None:
    assert (top.owner(node), top.origin(node), top.subgraph(node)) == (owner, origin, subgraph)


@st.composite
def lendings(draw: st.DrawFn) -> Graph:
    """Nodes of which many have their weights from others, some from nowhere or in a cycle."""
    names = [f"n{number}" for number in range(draw(st.integers(1, 6)))]
    kinds = st.sampled_from([None, None, "Act", "Stem"])
    rules = st.builds(Weights, st.sampled_from(["own", "share", "momentum"]), st.sampled_from([*names, "nobody", None]))
    nodes = {name: Node(draw(kinds), weights=draw(rules), frozen=draw(st.booleans())) for name in names}
    return Graph(nodes=FrozenDict(nodes))


@given(lendings())
def test_a_draft_finds_what_a_scope_knows(graph: Graph) -> None:
    draft, scope = ScopeDraft(graph, "", CATALOG), link(graph, CATALOG).written[""]
    for name, node in graph.nodes.items():
        origin = scope.origin(name)
        assert draft.origin(name) == (None if origin is None else graph.nodes[origin])
        assert draft.called(name) == scope.called(name) and (draft.origin(name) or node) == scope.original(name)
        assert scope.owner(name) in (draft.owner(name), None)
        assert scope.frozen(name) == graph.nodes[draft.owner(name)].frozen
        assert (scope.owner(name) is None) == (graph.nodes[draft.owner(name)].weights.rule == "share")


def test_a_sharing_node_has_the_parameters_of_its_origin(top: Scope) -> None:
    assert top.params_of("three") == {"width": 4}
    assert top.component("mixed") is CATALOG["Act"] and top.component("one") is None


def test_the_order_puts_each_node_after_what_feeds_it(top: Scope) -> None:
    order = top.wiring.order
    assert order.index("mixed") < order.index("two") and order.index("mixed") < order.index("three")
    assert not top.wiring.cyclic and top.wiring.modal == ["three"]


def test_a_mode_runs_only_what_its_outputs_depend_on(graph: Graph) -> None:
    linked = link(graph, CATALOG)
    needs, reached = linked.needs, linked.reached
    assert reached[""].modes_of("mixed") == ("tensor",)
    assert reached[""].modes_of("three") == ("tensor", "loss")
    assert reached[""].modes_of("one") == ("loss",) and reached[""].modes_of("two") == ()
    assert list(needs["body"].names(needs["body"].of("loss", "logits")[1])) == ["image"]
    assert list(needs["body"].names(needs["body"].of("loss", None)[1])) == ["image", "label"]
    assert reached["body"].nodes == {"stem", "neck", "head", "loss"}
