"""Check of graphs of 1,000 and 10,000 nodes, beside networkx building and sorting the same wires.

    python -m benchmarks.check

The catalog is loaded; the graph is new to ``check`` every time.
"""

from collections.abc import Iterator
from dataclasses import replace

import networkx as nx

from benchmarks.side_by_side import compare
from composer import Catalog, Graph
from composer.graph import FrozenDict, Input, Node, Ref
from composer.rules import check


def main() -> None:
    catalog = Catalog.default()
    print("check of a graph of residual blocks, beside networkx building its DiGraph and sorting it")
    print(f"{'nodes':>8}  {'order of the file':24}{'check ms':>10}{'networkx ms':>13}{'ratio':>8}")
    for count in (1_000, 10_000):
        for order, graph in variants(count).items():
            assert check(replace(graph), catalog) == []
            mine, other, ratio = compare(lambda: check(replace(graph), catalog), lambda: sort(graph), rounds=15)  # noqa: B023
            print(f"{len(graph.nodes):>8,}  {order:24}{mine:>10.2f}{other:>13.2f}{ratio:>8.2f}")


def variants(count: int) -> dict[str, Graph]:
    """The same graph with its nodes in order and turned round, and one in which no two convolutions are alike."""
    graph = blocks(count)
    turned = replace(graph, nodes=FrozenDict(reversed(graph.nodes.items())))
    return {"along the wires": graph, "against the wires": turned, "no two layers alike": blocks(count, alike=False)}


def blocks(count: int, alike: bool = True) -> Graph:
    """A chain of residual blocks: convolution, normalisation, activation and a sum with what went in."""
    outputs = FrozenDict(tensor=FrozenDict(features=Ref(f"add{count // 4 - 1}", "out")))
    inputs = FrozenDict(image=Input("Image", ("B", 16, 32, 32)))
    return Graph(inputs=inputs, nodes=FrozenDict(nodes(count // 4, alike)), outputs=outputs)


def nodes(blocks: int, alike: bool) -> Iterator[tuple[str, Node]]:
    x = Ref("image")
    for block in range(blocks):
        params = FrozenDict(out_channels=16 if alike else 16 + block, kernel_size=3, padding=1)
        yield f"conv{block}", Node("Conv2d", params=params, inputs=FrozenDict(input=x))
        yield f"norm{block}", Node("BatchNorm2d", inputs=FrozenDict(input=Ref(f"conv{block}", "out")))
        yield f"relu{block}", Node("ReLU", inputs=FrozenDict(input=Ref(f"norm{block}", "out")))
        yield f"add{block}", Node("Add", inputs=FrozenDict(xs=(Ref(f"relu{block}", "out"), x)))
        x = Ref(f"add{block}", "out")


def sort(graph: Graph) -> list[str]:
    """The yardstick: the order of the nodes, from networkx."""
    dag: nx.DiGraph[str] = nx.DiGraph()
    for name, node in graph.nodes.items():
        dag.add_edges_from((ref.source, name) for wire in node.inputs.values() for ref in wire.refs)
    return list(nx.topological_sort(dag))


if __name__ == "__main__":
    main()
