"""Graphs that operations are tried on, and what is said of them."""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from composer import Catalog, Graph
from composer.edits import Applied, apply
from composer.edits.operations import Operation
from composer.graph.file import loads, read
from composer.graph.file.document import from_document, to_document
from composer.graph.plan import Plan, plan

SAVED = Path(__file__).parents[2] / "saved_graphs"
CATALOG = Catalog.default()
_OPERATION: TypeAdapter[Any] = TypeAdapter(Operation)

CLASSIFIER = """
schema: 1
name: tiny
inputs:
  image: {type: Image, shape: [B, 3, 64, 64]}
data_samples:
  label: {type: Label, shape: [B]}
classes: [cat, dog]
nodes:
  backbone: {type: ResNet, params: {depth: 18}, inputs: {image: image}}
  neck: {type: GlobalAveragePooling, inputs: {feature: "backbone.out[-1]"}}
  head: {type: LinearClsHead, params: {num_classes: 2}, inputs: {feature: neck.out}}
  loss: {type: CrossEntropyLoss, inputs: {pred: head.out, target: label}}
  prediction: {type: ClassPrediction, inputs: {logits: head.out}}
outputs:
  tensor: {features: neck.out, logits: head.out}
  loss: {loss: loss.out}
  predict: {scores: prediction.scores}
layout:
  image: [0, 0]
  backbone: [240, 0]
  neck: [480, 40]
  head: [720, 40]
"""

MODAL = """
schema: 1
name: modal
inputs:
  view_1: {type: Image, shape: [B, 3, 8, 8]}
  view_2: {type: Image, shape: [B, 3, 8, 8]}
data_samples:
  label: {type: Label, shape: [B]}
graphs:
  encoder:
    params: {width: 4, name: null}
    inputs:
      image: {type: Image}
      other: {type: Image}
    nodes:
      conv: {type: Conv2d, params: {out_channels: $width, kernel_size: 3}, inputs: {input: image}}
      norm: {type: BatchNorm2d, inputs: {input: {loss: conv.out, tensor: conv.out, predict: other}}}
      pool: {type: GlobalAveragePooling, inputs: {feature: norm.out}}
    outputs: {map: norm.out, out: {tensor: pool.out, loss: pool.out, predict: pool.out}}
  pair:
    params: {size: 6}
    inputs: {a: {type: Image}, b: {type: Image}}
    nodes:
      first: {graph: encoder, params: {width: $size}, inputs: {image: a, other: b}}
      second: {weights: {share: first}, inputs: {image: b, other: a}}
      sum: {type: Add, inputs: {xs: [first.out, second.out]}}
    outputs: {out: sum.out, map: first.map}
nodes:
  encoder: {graph: encoder, params: {width: 6}, inputs: {image: view_1, other: view_2}}
  encoder_k: {weights: {momentum: encoder, decay: 0.9}, inputs: {image: view_2, other: view_1}}
  pair: {graph: pair, inputs: {a: view_1, b: view_2}}
  neck: {type: Linear, params: {out_features: 5}, inputs: {input: {loss: encoder.out, tensor: pair.out}}, frozen: true}
  again: {weights: {share: neck}, inputs: {input: encoder_k.out}}
  sum: {type: Add, inputs: {xs: {loss: [neck.out, again.out], tensor: [neck.out]}}}
  drop: {type: Dropout, params: {p: 0.5}, inputs: {input: sum.out}}
  loss: {type: CrossEntropyLoss, inputs: {pred: drop.out, target: label}}
outputs:
  tensor: {map: encoder.map, embedding: sum.out}
  loss: {loss: loss.out}
layout:
  encoder: [200, 10]
  neck: [400, 20]
"""


def sample(text: str = CLASSIFIER) -> Graph:
    return from_document(to_document(loads(text)))


def saved(name: str) -> Graph:
    return from_document(to_document(read(SAVED / name)))


def put(*path: str, value: Any) -> dict[str, Any]:
    """The operation that sets a value of the open scope."""
    return {"op": "set", "edits": [{"path": list(path), "set": value}]}


def drop(*path: str) -> dict[str, Any]:
    """The operation that takes a value of the open scope out."""
    return {"op": "set", "edits": [{"path": list(path), "remove": True}]}


def do(graph: Graph, *operations: dict[str, Any], path: tuple[str, ...] = ()) -> Graph:
    """The graph after these operations, given as the browser gives them."""
    for operation in operations:
        graph = done(graph, operation, path).graph
    return graph


def done(graph: Graph, operation: dict[str, Any], path: tuple[str, ...] = ()) -> Applied:
    before = json.dumps(to_document(graph))
    applied = apply(graph, path, _OPERATION.validate_python(operation), CATALOG)
    assert json.dumps(to_document(graph)) == before, "the old graph is untouched"
    assert from_document(json.loads(json.dumps(to_document(applied.graph)))) == applied.graph
    return applied


def programs(graph: Graph, prefix: str = "") -> Any:
    """What each mode of a graph runs, whatever the order of the file; a prefix of paths is left out."""
    settled: Plan = plan(graph, CATALOG)

    def short(path: str | None) -> str | None:
        return None if path is None else path.removeprefix(prefix)

    def value(item: Any) -> Any:
        if isinstance(item, tuple):
            return [value(part) for part in item]
        return (short(item.source), item.port, item.index)

    return {
        "modes": {
            mode: (
                {
                    short(call.path): (
                        short(call.module),
                        call.component.name,
                        [(port, value(item)) for port, item in call.arguments],
                        short(call.momentum),
                    )
                    for call in program.calls
                },
                [(name, value(item)) for name, item in program.outputs],
            )
            for mode, program in settled.programs.items()
        },
        "parts": {
            short(path): (dict(part.params), part.frozen, short(part.copy_of)) for path, part in settled.parts.items()
        },
        "momentum": {
            short(path): (short(item.source), item.decay, item.update) for path, item in settled.momentum.items()
        },
    }
