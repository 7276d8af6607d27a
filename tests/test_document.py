"""Documents (plain data) to graphs and back, and edits."""

import string
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer.graph import MODES, FrozenDict, Graph, Input, Node, Preprocess, Ref, Source, Subgraph, Weights
from composer.graph.file import dumps, loads
from composer.graph.file.document import edit, from_document, to_document
from composer.graph.names import RESERVED, name_fault
from composer.model import Model
from composer.model.compile import compile
from composer.problems import Edit, Fix, GraphError, Problem

FEW = settings(deadline=None, max_examples=60)

NAMES = st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=8).filter(
    lambda name: not name_fault(name)
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
REFS = st.builds(Ref, NAMES, st.none() | NAMES, st.none() | st.integers(-9, 9)).map(str)
REF_OR_LIST = REFS | st.lists(REFS, max_size=3)
WIRES = REF_OR_LIST | st.dictionaries(st.sampled_from(MODES), REF_OR_LIST)
PARAMS = st.dictionaries(st.text(max_size=5), VALUES, max_size=3)
WEIGHTS = st.one_of(
    st.just("own"),
    st.fixed_dictionaries({"share": st.text(max_size=5)}),
    st.fixed_dictionaries(
        {"momentum": NAMES}, optional={"decay": st.floats(0, 1), "update": st.sampled_from(["before", "after"])}
    ),
)
NODES = st.fixed_dictionaries(
    {},
    optional={
        "type": st.text(max_size=8),
        "graph": NAMES,
        "params": PARAMS,
        "inputs": st.dictionaries(st.text(max_size=5), WIRES, max_size=3),
        "weights": WEIGHTS,
        "frozen": st.booleans(),
        "unknown": VALUES,
    },
)
PREPROCESS = st.fixed_dictionaries(
    {},
    optional={
        "resize": st.integers(1, 999) | st.just([8, 9]),
        "crop": st.just([4, 4]),
        "channels": st.sampled_from(["rgb", "bgr"]),
        "mean": st.lists(st.floats(0, 255), min_size=3, max_size=3),
        "std": st.lists(st.floats(1, 255), min_size=3, max_size=3),
    },
)
INPUTS = st.fixed_dictionaries(
    {"type": st.text(max_size=8)},
    optional={
        "shape": st.lists(st.integers() | st.text(max_size=3), max_size=4),
        "preprocess": PREPROCESS,
        "unknown": VALUES,
    },
)
PLACES = st.dictionaries(st.text(max_size=5), st.tuples(st.integers(-999, 999), st.floats(-9, 9)), max_size=3)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Documents of graphs that may mean nothing, but have the shape of a graph."""
    names = draw(st.lists(NAMES, unique=True, max_size=7))
    few = lambda values, keys: {key: draw(values) for key in keys}  # noqa: E731
    document: dict[str, Any] = {
        "schema": 1,
        "name": draw(st.text(string.printable[:95], max_size=9)),
        "about": draw(st.text(max_size=20)),
        "classes": draw(st.lists(st.text(max_size=5), max_size=3)),
        "inputs": few(INPUTS, names[:1]),
        "data_samples": few(INPUTS, names[1:2]),
        "nodes": few(NODES, names[2:]),
        "outputs": draw(st.dictionaries(st.sampled_from(MODES), st.dictionaries(NAMES, REFS, max_size=2))),
        "layout": draw(PLACES),
        "unknown": draw(VALUES),
    }
    outputs = st.dictionaries(NAMES, REFS | st.dictionaries(st.sampled_from(MODES), REFS), max_size=2)
    document["graphs"] = {
        name: {
            "inputs": few(INPUTS, names[:1]),
            "nodes": few(NODES, names[1:3]),
            "outputs": draw(outputs),
            "params": draw(st.dictionaries(NAMES, VALUES, max_size=2)),
            "layout": draw(PLACES),
            "unknown": draw(VALUES),
        }
        for name in draw(st.lists(NAMES, max_size=2))
    }
    return {key: document[key] for key in draw(st.permutations(list(document)))}


def problems_of(**document: Any) -> list[Problem]:
    with pytest.raises(GraphError) as caught:
        from_document({"schema": 1, **document})
    return list(caught.value.problems)


def only(**document: Any) -> Problem:
    (problem,) = problems_of(**document)
    return problem


@FEW
@given(documents())
def test_a_graph_comes_back_from_its_document_and_from_its_text(document: dict[str, Any]) -> None:
    graph = from_document(document)
    again = to_document(graph)
    assert from_document(again) == graph
    assert loads(dumps(graph)) == graph
    assert dumps(loads(dumps(graph))) == dumps(graph)


@FEW
@given(documents(), st.data())
def test_an_edit_equals_the_same_change_of_the_whole_document(document: dict[str, Any], data: st.DataObject) -> None:
    graph = from_document(document)
    document = to_document(graph)
    section = data.draw(st.sampled_from(["nodes", "layout", "name", "graphs"]))
    if section == "name":
        path, value = ("name",), "new"
    elif section == "layout":
        path, value = ("layout", "box"), [1, 2]
    elif section == "graphs":
        path, value = ("graphs", "new_graph", "nodes", "inside", "type"), "ReLU"
    else:
        path, value = ("nodes", data.draw(st.sampled_from([*graph.nodes, "new_node"])), "params", "p"), 3
    changed = document
    for key in path[:-1]:
        changed = changed.setdefault(key, {})
    changed[path[-1]] = value
    assert edit(graph, Edit(path, value)) == from_document(document)


def test_every_part_is_read_into_its_place() -> None:
    graph = from_document(
        {
            "schema": 1,
            "name": "m",
            "about": "what",
            "classes": ["cat"],
            "inputs": {"image": {"type": "Image", "shape": ["B", 3], "preprocess": {"resize": 8, "mean": [1, 2, 3]}}},
            "data_samples": {"label": {"type": "Label"}},
            "graphs": {
                "g": {
                    "params": {"w": 1},
                    "inputs": {"x": {"type": "T"}},
                    "nodes": {"n": {"type": "ReLU"}},
                    "outputs": {"y": {"loss": "n.out"}},
                    "layout": {"n": [1, 2]},
                }
            },
            "nodes": {
                "a": {
                    "type": "A",
                    "params": {"sizes": [1, [2]]},
                    "inputs": {"x": "image"},
                    "frozen": True,
                    "new": {"k": [1]},
                },
                "b": {
                    "weights": {"momentum": "a", "decay": 0.5, "update": "after"},
                    "inputs": {"x": ["a.out[-1]", "image"]},
                },
                "c": {"weights": {"share": "a"}, "inputs": {"x": {"loss": "image", "predict": ["a"]}}},
                "d": {"graph": "g", "weights": "own"},
            },
            "outputs": {"loss": {"loss": "c.out"}},
            "layout": {"a": [1, 2.5]},
            "newer": [None],
        }
    )
    a = Node(
        "A",
        None,
        FrozenDict(sizes=(1, (2,))),
        FrozenDict(x=Ref("image")),
        Weights(),
        True,
        extra=FrozenDict(new=FrozenDict(k=(1,))),
    )
    image = Ref("image")
    assert graph == Graph(
        name="m",
        about="what",
        classes=("cat",),
        inputs=FrozenDict(image=Input("Image", ("B", 3), Preprocess(resize=8, mean=(1.0, 2.0, 3.0)))),
        data_samples=FrozenDict(label=Input("Label")),
        graphs=FrozenDict(
            g=Subgraph(
                inputs=FrozenDict(x=Input("T")),
                nodes=FrozenDict(n=Node("ReLU")),
                outputs=FrozenDict(y=FrozenDict(loss=Ref("n", "out"))),
                params=FrozenDict(w=1),
                layout=FrozenDict(n=(1, 2)),
            )
        ),
        nodes=FrozenDict(
            a=a,
            b=Node(weights=Weights("momentum", "a", 0.5, "after"), inputs=FrozenDict(x=(Ref("a", "out", -1), image))),
            c=Node(weights=Weights("share", "a"), inputs=FrozenDict(x=FrozenDict(loss=image, predict=(Ref("a"),)))),
            d=Node(graph="g"),
        ),
        outputs=FrozenDict(loss=FrozenDict(loss=Ref("c", "out"))),
        layout=FrozenDict(a=(1, 2.5)),
        extra=FrozenDict(newer=(None,)),
    )


def test_keys_come_in_a_fixed_order_without_defaults() -> None:
    node = {"frozen": False, "inputs": {}, "weights": "own", "params": {"b": 1, "a": 2}, "other": 1, "type": "A"}
    document = to_document(from_document({"outputs": {}, "nodes": {"a": node}, "name": "m", "z": 1, "schema": 1}))
    assert list(document) == ["schema", "name", "nodes", "z"]
    assert list(document["nodes"]["a"]) == ["type", "params", "other"]
    assert list(document["nodes"]["a"]["params"]) == ["b", "a"]


def test_null_counts_as_left_out() -> None:
    empty = dict.fromkeys(
        ("name", "about", "classes", "inputs", "data_samples", "graphs", "nodes", "outputs", "layout")
    )
    assert from_document({"schema": 1, **empty}) == Graph()
    node = dict.fromkeys(("type", "graph", "params", "inputs", "weights", "frozen"))
    assert from_document({"schema": 1, "nodes": {"a": node, "b": None}}).nodes == {"a": Node(), "b": Node()}


def test_unknown_types_ports_and_nodes_open() -> None:
    assert from_document({"schema": 1, "nodes": {"a": {"type": "os.system", "inputs": {"__x": "nothing.at.all"[:10]}}}})


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (
            {"nodes": ["a"]},
            "bad-structure nodes\n"
            "    found a list; expected a mapping with an entry for each node, such as relu: {type: ReLU}",
        ),
        (
            {"nodes": {"neck": {"type": "A", "frozen": "yes"}}},
            "bad-structure neck.frozen\n    found the text 'yes'; expected true or false\n    fix: set frozen to true",
        ),
        (
            {"classes": [1, "b"]},
            "bad-structure classes.0\n    found the number 1; expected the name of a class as text\n"
            "    fix: write the names of the classes as texts",
        ),
        (
            {"nodes": {"a": {"type": "A", "inputs": {"x": 3}}}},
            "bad-reference a.x\n"
            "    found the number 3; expected a reference: node, node.port, node.port[i], or the name of an input",
        ),
        (
            {"nodes": {"a": {"type": "A", "inputs": {"x": {"los": "b"}}}}},
            "bad-mode a.x.los (los mode)\n    'los' is none of the modes; did you mean 'loss'?\n"
            "    fix: rename 'los' to 'loss'",
        ),
        (
            {"outputs": {"train": {"x": "b"}}},
            "bad-mode outputs.train (train mode)\n"
            "    'train' is none of the modes; the modes are loss, predict, tensor",
        ),
        (
            {"schema": 2},
            "future-schema schema\n"
            "    found schema 2, written by a newer release; this one reads up to schema 1: "
            "install a newer one (pip install --upgrade graph-composer)",
        ),
        (
            {"schema": "1"},
            "bad-schema schema\n    found the text '1'; expected a whole number from 1 to 1\n    fix: set schema to 1",
        ),
        (
            {"nodes": {"forward": {"type": "A"}}},
            "illegal-id forward\n    'forward' cannot be the name of a node: "
            "it is the name of something that every model has: call it 'forward_1'",
        ),
        (
            {"nodes": {"n\u0435": {"type": "A"}}},
            "illegal-id n\u0435\n"
            "    'n\u0435' cannot be the name of a node: "
            "'n\u0435' mixes letters of Cyrillic and Latin: '\u0435' is U+0435 (cyrillic small letter ie), "
            "which looks like 'e'",
        ),
        (
            {"inputs": {"a": {"type": "Image"}}, "nodes": {"a": {"type": "A"}}},
            "duplicate-id a\n    'a' is the name of an input and of a node: rename one of them",
        ),
        (
            {"inputs": {"a": {"type": "Image", "preprocess": {"rezise": 8}}}},
            "bad-preprocess inputs.a.preprocess.rezise\n    'rezise' is none of the steps; did you mean 'resize'?\n"
            "    fix: rename 'rezise' to 'resize'",
        ),
        (
            {"inputs": {"a": {"type": "Image", "preprocess": {"crop": 8}}}},
            "bad-preprocess inputs.a.preprocess.crop\n    found the number 8; expected [height, width] in pixels\n"
            "    fix: set crop to [8, 8]",
        ),
        (
            {"nodes": {"a": {"weights": {"momentun": "b"}}}},
            "bad-structure a.weights.momentun\n"
            "    'momentun' is none of the keys of weights; did you mean 'momentum'?\n"
            "    fix: rename 'momentun' to 'momentum'",
        ),
        (
            {"graphs": {"g": {"nodes": {"n": {"type": "A", "inputs": {"x": 1.5}}}}}},
            "bad-reference g/n.x\n"
            "    found the number 1.5; expected a reference: node, node.port, node.port[i], or the name of an input",
        ),
        (
            {"layout": {"a": "far"}},
            "bad-structure layout.a\n    found the text 'far'; expected the place of a box, [x, y]\n"
            "    or: remove 'layout.a' (what it says is lost)",
        ),
    ],
)
def test_structural_problems_have_their_full_text(document: dict[str, Any], expected: str) -> None:
    problems = problems_of(**document)
    assert str(problems[0]) == expected


def test_a_document_without_schema_is_refused_with_the_fix() -> None:
    with pytest.raises(GraphError) as caught:
        from_document({"nodes": {}})
    (problem,) = caught.value.problems
    assert problem.code == "missing-schema"
    assert problem.fix == Fix("set schema to 1", (Edit(("schema",), 1),))


def test_all_problems_are_found_at_once_in_the_order_of_the_file() -> None:
    text = "schema: 1\noutputs: {los: {}}\nnodes:\n  a: {type: 1}\n  for: {type: A}\ninputs: {x: {type: A, shape: 1}}\n"
    with pytest.raises(GraphError) as caught:
        loads(text, "f.yaml")
    found = [(problem.where.line, problem.where.column, problem.code) for problem in caught.value.problems]
    assert found == [(2, 11, "bad-mode"), (4, 7, "bad-structure"), (5, 3, "illegal-id"), (6, 23, "bad-structure")]


def test_a_problem_says_which_node_port_parameter_and_mode_it_is_about() -> None:
    where = only(graphs={"g": {"nodes": {"n": {"type": "A", "inputs": {"x": {"loss": 1}}}}}}).where
    assert (where.scope, where.node, where.port, where.mode) == ("g", "n", "x", "loss")
    where = only(nodes={"n": {"type": "A", "params": {"p": {1: 2}}}}).where
    assert (where.scope, where.node, where.parameter) == ("", "n", "p")


@pytest.mark.parametrize("value", [object(), {1}, b"x", 1j, "\ud800", 10**700, float, {1: 2}, {"\ud800": 1}])
def test_values_that_are_no_plain_data_are_refused(value: object) -> None:
    assert only(nodes={"a": {"type": "A", "params": {"p": value}}}).where.node == "a"


def test_cyclic_data_is_refused() -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    assert only(nodes={"a": {"type": "A", "params": {"p": cycle}}}).code == "too-deep"


def test_a_future_schema_is_the_only_problem_reported() -> None:
    assert only(schema=7, nodes=[1], wires=3).code == "future-schema"


@pytest.mark.parametrize("name", ["a", "_a", "A1", "conv2d", "a" * 100, "match", "inputs", "Forward", "é"])
def test_plain_names_are_legal(name: str) -> None:
    assert name_fault(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "1a",
        "a-b",
        "a.b",
        "a b",
        "a\n",
        "\uff41",
        "e\u0301",
        "class",
        "None",
        "__a",
        "a" * 101,
        "training",
        "save",
        "_modules",
        "\u212a",
    ],
)
def test_other_names_are_not(name: str) -> None:
    assert name_fault(name)


def test_every_attribute_of_a_model_is_reserved() -> None:
    """Those of ``nn.Module``, and those that a compiled model adds."""
    node = "nodes: {n: {type: ReLU, inputs: {input: image}}}\noutputs: {tensor: {out: n}}\n"
    model = compile(loads(f"schema: 1\ninputs: {{image: {{type: Image, shape: [B, 3, 8, 8]}}}}\n{node}"))
    names = {name for name in (*dir(Model), *vars(model)) if not name.startswith("__")}
    assert names - RESERVED == set()


LINE = from_document(
    {
        "schema": 1,
        "inputs": {"image": {"type": "Image"}},
        "graphs": {"g": {"nodes": {"x": {"type": "A"}, "y": {"type": "B"}}}, "h": {}},
        "nodes": {
            "a": {"type": "A", "inputs": {"x": "image"}},
            "b": {"type": "B", "params": {"p": [1, 2]}, "inputs": {"xs": ["a", "image"]}},
        },
    }
)


@pytest.mark.parametrize(
    ("change", "path", "expected"),
    [
        (
            Edit(("nodes", "a", "params", "depth"), 18),
            ("nodes", "a"),
            {"type": "A", "params": {"depth": 18}, "inputs": {"x": "image"}},
        ),
        (Edit(("nodes", "b", "inputs", "xs"), remove=True), ("nodes", "b"), {"type": "B", "params": {"p": [1, 2]}}),
        (Edit(("nodes", "b", "inputs", "xs", "1"), remove=True), ("nodes", "b", "inputs", "xs"), ["a"]),
        (Edit(("nodes", "b", "inputs", "xs", "2"), "c"), ("nodes", "b", "inputs", "xs"), ["a", "image", "c"]),
        (Edit(("nodes", "b", "params", "p", "0"), {"k": 1}), ("nodes", "b", "params", "p"), [{"k": 1}, 2]),
        (Edit(("nodes", "c"), {"type": "C"}), ("nodes", "c"), {"type": "C"}),
        (Edit(("nodes", "a"), remove=True), ("nodes",), {"b": to_document(LINE)["nodes"]["b"]}),
        (Edit(("nodes", "b", "weights", "share"), "a"), ("nodes", "b", "weights"), {"share": "a"}),
        (
            Edit(("nodes", "a", "inputs", "x", "loss"), "b"),
            ("nodes", "a", "inputs", "x"),
            {"tensor": "image", "loss": "b", "predict": "image"},
        ),
        (
            Edit(("inputs", "image", "preprocess", "resize"), 8),
            ("inputs", "image"),
            {"type": "Image", "preprocess": {"resize": 8}},
        ),
        (
            Edit(("graphs", "g", "nodes", "x", "frozen"), True),
            ("graphs", "g", "nodes", "x"),
            {"type": "A", "frozen": True},
        ),
        (Edit(("outputs", "loss", "loss"), "b.out"), ("outputs",), {"loss": {"loss": "b.out"}}),
        (Edit(("layout", "a"), [1, 2]), ("layout",), {"a": [1, 2]}),
        (Edit(("name",), "new"), ("name",), "new"),
        (Edit(("newer", "key"), 1), ("newer",), {"key": 1}),
    ],
)
def test_an_edit_changes_just_its_place(change: Edit, path: tuple[str, ...], expected: object) -> None:
    changed: Any = to_document(edit(LINE, Fix("do it", (change,))))
    before: Any = to_document(LINE)
    assert {key: value for key, value in changed.items() if key != path[0]} == {
        key: value for key, value in before.items() if key != path[0]
    }
    for key in path:
        changed = changed[key]
    assert changed == expected


@pytest.mark.parametrize(
    "path", [("nodes", "z"), ("nodes", "z", "params", "p"), ("outputs", "loss"), ("nodes", "b", "params", "p", "7")]
)
def test_taking_out_what_is_not_there_changes_nothing(path: tuple[str, ...]) -> None:
    assert edit(LINE, Edit(path, remove=True)) == LINE


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (Edit((), 1), "bad-edit"),
        (Edit(("name", "x"), 1), "bad-edit"),
        (Edit(("nodes", "b", "params", "p", "9"), 1), "bad-edit"),
        (Edit(("nodes", "b", "params", "p", "0", "x"), 1), "bad-edit"),
        (Edit(("nodes", "a", "inputs", "x"), 1), "bad-reference"),
        (Edit(("nodes", "image"), {"type": "A"}), "duplicate-id"),
        (Edit(("nodes", "class"), {"type": "A"}), "illegal-id"),
        (Edit(("schema",), 2), "future-schema"),
        (Edit(("nodes",), [1]), "bad-structure"),
    ],
)
def test_an_edit_to_what_is_no_graph_is_refused(change: Edit, code: str) -> None:
    with pytest.raises(GraphError) as caught:
        edit(LINE, change)
    assert [problem.code for problem in caught.value.problems] == [code]


def test_an_edit_copies_its_value() -> None:
    value = {"type": "A", "params": {"p": [1]}}
    graph = edit(LINE, Edit(("nodes", "c"), value), Edit(("nodes", "c", "params", "p", "0"), 2))
    assert value == {"type": "A", "params": {"p": [1]}}
    assert graph.nodes["c"].params == {"p": (2,)}


def test_a_fix_of_a_problem_can_be_applied() -> None:
    """A fix is made for the document; here it is applied by hand, for the graph does not open."""
    problem = only(nodes={"a": {"type": "A", "frozen": "no"}})
    assert problem.fix is not None
    assert problem.fix.edits == (Edit(("nodes", "a", "frozen"), False),)


def test_an_edit_shares_all_it_does_not_touch() -> None:
    changed = edit(LINE, Edit(("nodes", "a", "params", "p"), 1), Edit(("graphs", "g", "nodes", "x", "type"), "C"))
    assert changed.nodes["b"] is LINE.nodes["b"]
    assert changed.inputs is LINE.inputs
    assert changed.graphs["h"] is LINE.graphs["h"]
    assert changed.graphs["g"].nodes["y"] is LINE.graphs["g"].nodes["y"]
    assert LINE.nodes["a"].params == {}


def test_editing_one_node_of_many_builds_one_node() -> None:
    graph = Graph(nodes=FrozenDict({f"n{index}": Node("ReLU", params=FrozenDict(p=index)) for index in range(10_000)}))
    start = time.process_time()
    changed = edit(graph, Edit(("nodes", "n7", "params", "p"), 0))
    assert time.process_time() - start < 0.25  # some milliseconds; building all of them takes longer
    assert [name for name, node in changed.nodes.items() if node is not graph.nodes[name]] == ["n7"]


def test_a_graph_knows_where_its_parts_stand_in_the_file() -> None:
    graph = loads("schema: 1\nnodes:\n  a: {type: A}\n", "f.yaml")
    assert graph.source is not None
    assert graph.source.file == "f.yaml"
    assert graph.source.position(("nodes", "a", "params", "p")) == (3, 3)
    assert graph == loads("schema: 1\nnodes: {a: {type: A}}", "other.yaml")
    assert from_document({"schema": 1}, Source("g.yaml")).source == Source("g.yaml")
