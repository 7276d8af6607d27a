"""Sizes of ResNet-50 as 175 single layers: afresh, and after an edit of one parameter.

python -m benchmarks.shapes
"""

import statistics
from dataclasses import replace
from functools import partial

import torch

from benchmarks.graphs import resnet_layers
from benchmarks.networks import HandWrittenResNet
from benchmarks.side_by_side import milliseconds
from composer import Catalog, infer_shapes
from composer.graph import FrozenDict

__all__ = ["main"]

ROUNDS = 9


def main() -> None:
    catalog = Catalog.default()
    graph = resnet_layers()
    with torch.device("meta"):
        by_hand, image = HandWrittenResNet().eval(), torch.empty(2, 3, 224, 224)
    infer_shapes(graph, catalog)
    afresh, edited, meta = [], [], []
    for number in range(ROUNDS):
        catalog.cache.clear()
        graph = resnet_layers()  # what is known of a graph is kept with it
        afresh.append(milliseconds(partial(infer_shapes, graph, catalog)))
        changed = with_channels(graph, "stage2_3_2_conv", 257 + number)
        edited.append(milliseconds(partial(infer_shapes, changed, catalog)))
        with torch.no_grad():
            meta.append(milliseconds(lambda: by_hand(image)))
    first, again, yardstick = map(statistics.median, (afresh, edited, meta))
    print(f"sizes, parameters and FLOPs of ResNet-50 as {len(graph.nodes)} single layers, for two batch sizes")
    print(f"  afresh {first:.0f} ms, after an edit of one parameter {again:.1f} ms")
    print(
        f"  ratio to one forward of the same network on the meta device ({yardstick:.0f} ms): {first / yardstick:.2f}"
    )


def with_channels(graph, name, channels):
    node = graph.nodes[name]
    return graph.with_nodes({name: replace(node, params=FrozenDict({**node.params, "out_channels": channels}))})


if __name__ == "__main__":
    main()
