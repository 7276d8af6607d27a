"""Random graphs run as a plain interpreter of the graph's data says, and survive a file."""

from functools import partial

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from composer import Catalog, check, compile
from composer.graph import FrozenDict, Graph, Input, Node, Ref, Subgraph, Weights
from composer.graph.file import dumps, loads

CHANNELS = 3
MODES = ("tensor", "loss", "predict")
BODY = Subgraph(
    inputs=FrozenDict(x=Input("FeatureMap"), skip=Input("FeatureMap")),
    nodes=FrozenDict(
        conv=Node("Conv2d", params=FrozenDict(out_channels=CHANNELS, kernel_size="$kernel", padding="same"))
    ),
    outputs=FrozenDict(),
    params=FrozenDict(kernel=1),
)
BODY = Subgraph(
    BODY.inputs,
    FrozenDict(
        conv=Node("Conv2d", params=BODY.nodes["conv"].params, inputs=FrozenDict(input=Ref("x"))),
        act=Node("Tanh", inputs=FrozenDict(input=Ref("conv", "out"))),
        sum=Node("Add", inputs=FrozenDict(xs=(Ref("act", "out"), Ref("skip")))),
    ),
    FrozenDict(sum=Ref("sum", "out"), act=Ref("act", "out")),
    BODY.params,
)


@st.composite
def wires(draw, sources):
    """One reference, or one for each mode."""
    if draw(st.integers(0, 4)):
        return draw(st.sampled_from(sources))
    return FrozenDict({mode: draw(st.sampled_from(sources)) for mode in MODES})


@st.composite
def graphs(draw):
    sources = [Ref("image"), Ref("other")]
    nodes: dict[str, Node] = {}
    for number in range(draw(st.integers(1, 9))):
        name = f"n{number}"
        kind = draw(st.sampled_from(("Conv2d", "BatchNorm2d", "Tanh", "Add", "Concat", "block", "share", "momentum")))
        owners = [other for other, node in nodes.items() if node.type == "Conv2d" or node.graph]
        if kind in ("share", "momentum") and not owners:
            kind = "Conv2d"
        if kind in ("share", "momentum"):
            owner = draw(st.sampled_from(owners))
            ports = ("x", "skip") if nodes[owner].graph else ("input",)
            found = FrozenDict({port: draw(wires(sources)) for port in ports})
            nodes[name] = Node(inputs=found, weights=Weights(kind, owner))
        elif kind == "block":
            found = FrozenDict(x=draw(wires(sources)), skip=draw(wires(sources)))
            nodes[name] = Node(graph="block", params=FrozenDict(kernel=draw(st.sampled_from((1, 3)))), inputs=found)
        elif kind in ("Add", "Concat"):
            several = tuple(draw(st.lists(st.sampled_from(sources), min_size=1, max_size=3)))
            nodes[name] = Node(
                kind, inputs=FrozenDict(xs=several), params=FrozenDict(dim=0) if kind == "Concat" else FrozenDict()
            )
        else:
            params = FrozenDict(out_channels=CHANNELS, kernel_size=3, padding=1) if kind == "Conv2d" else FrozenDict()
            nodes[name] = Node(kind, params=params, inputs=FrozenDict(input=draw(wires(sources))))
        if kind != "Concat":
            is_block = nodes[name].graph or (nodes[name].weights.source and nodes[nodes[name].weights.source].graph)
            sources.append(Ref(name, draw(st.sampled_from(("sum", "act"))) if is_block else "out"))
    nodes["total"] = Node("Mean", params=FrozenDict(dim=(0, 1, 2, 3)), inputs=FrozenDict(input=draw(wires(sources))))
    outputs = {mode: FrozenDict(out=draw(st.sampled_from(sources)), last=sources[-1]) for mode in ("tensor", "predict")}
    outputs["loss"] = FrozenDict(loss=Ref("total", "out"))
    inputs = {name: Input("Image", ("B", CHANNELS, 5, 5)) for name in ("image", "other")}
    return Graph(
        name="random",
        inputs=FrozenDict(inputs),
        nodes=FrozenDict(nodes),
        outputs=FrozenDict(outputs),
        graphs=FrozenDict(block=BODY),
    )


def interpret(nodes, model, values, outputs, mode):
    """Outputs of one level of a graph, node by node, straight from its data; inputs are called for only when needed."""

    def follow(ref):
        if ref.source in values and ref.port is None:
            return values[ref.source]()
        return call(ref.source, ref.port or "out")

    def owner(name):
        while nodes[name].weights.rule == "share":
            name = nodes[name].weights.source
        return name

    def origin(name):
        while nodes[name].type is None and nodes[name].graph is None:
            name = nodes[name].weights.source
        return nodes[name]

    def call(name, output):
        parts = {port: wire.in_mode(mode) for port, wire in nodes[name].inputs.items()}
        wires = {port: part.refs if part.many else part.refs[0] for port, part in parts.items()}
        module = getattr(model, owner(name))
        if origin(name).graph:
            given = {port: partial(follow, ref) for port, ref in wires.items()}
            return interpret(BODY.nodes, module, given, {output: BODY.outputs[output].refs[0]}, mode)[output]
        many = wires.pop("xs", None)
        return module(*map(follow, wires.values() if many is None else many))

    return {name: follow(ref) for name, ref in outputs.items()}


@settings(max_examples=60, deadline=None)
@given(graphs(), st.integers(0, 2**31))
def test_a_compiled_graph_runs_as_its_data_says(graph, seed):
    assert not [problem for problem in check(graph) if problem.severity == "error"]
    torch.manual_seed(seed)
    model = compile(graph).eval()
    inputs = {name: torch.randn(2, CHANNELS, 5, 5) for name in graph.inputs}
    sources = {name: partial(inputs.get, name) for name in inputs}
    with torch.no_grad():
        for mode in MODES:
            expected = interpret(graph.nodes, model, sources, graph.outputs[mode], mode)
            found = model(inputs, mode=mode)
            assert list(found) == list(expected)
            assert all(torch.equal(found[name], expected[name]) for name in found)


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_a_graph_survives_a_file_byte_for_byte(graph):
    text = dumps(graph, Catalog.default())
    again = loads(text)
    assert dumps(again, Catalog.default()) == text
    assert loads(dumps(graph)) == graph
