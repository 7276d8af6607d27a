"""One edit of a graph in the browser, on the server's side: from the request's payload to the reply as JSON.

    python -m benchmarks.editing

Every edit changes a parameter, so the document is new each time, and what depends on the parameter gets other sizes.
"""

import json
import statistics

from benchmarks.graphs import resnet_layers
from benchmarks.side_by_side import milliseconds
from composer import Graph
from composer.web.actions import Actions
from composer.web.catalog_source import CatalogSource
from composer.web.envelopes import enveloped

__all__ = ["main"]

ROUNDS = 40
DEPTHS = {100: (2, 2, 2, 3), 175: (3, 4, 6, 3), 1000: (10, 30, 30, 30)}


def main() -> None:
    actions = Actions(CatalogSource())
    print("one edit with the view that it gives, as JSON, and what a wire that is begun asks")
    print(f"{'nodes':>8}{'edit ms':>10}{'p95':>8}{'place ms':>10}{'look ms':>10}{'fits ms':>10}{'reply kB':>10}")
    for depths in DEPTHS.values():
        print(row(actions, resnet_layers(depths)))


def row(actions: Actions, graph: Graph) -> str:
    document = actions.shown(graph).document
    edits, looks, places, fits = [], [], [], []
    size = 0
    for number in range(ROUNDS):
        name = f"stage{number % 3 + 1}_0_2_conv"
        change = {"op": "set", "edits": [{"path": ["nodes", name, "params", "out_channels"], "set": 300 + number}]}
        moved = {"op": "place", "positions": {name: [number, number]}}
        reply = {}
        edits.append(milliseconds(lambda: reply.update(call(actions.edit, document, operations=[change]))))  # noqa: B023
        places.append(milliseconds(lambda: call(actions.edit, document, operations=[moved], look=False)))  # noqa: B023
        changed = reply["document"]
        fits.append(milliseconds(lambda: call(actions.fits, changed, source="relu1.out")))  # noqa: B023
        looks.append(milliseconds(lambda: call(actions.look, changed)))  # noqa: B023
        size = len(json.dumps(reply))
    late = sorted(edits)[int(ROUNDS * 0.95) - 1]
    times = "".join(f"{statistics.median(found):>10.1f}" for found in (places, looks, fits))
    return f"{len(graph.nodes):>8,}{statistics.median(edits):>10.1f}{late:>8.1f}{times}{size / 1000:>10.0f}"


def call(answer, document, **payload):
    envelope = enveloped(answer, {"document": document, **payload})
    json.dumps(envelope)
    return envelope["result"]


if __name__ == "__main__":
    main()
