"""A graph that check accepts without a problem compiles and runs in every mode on example inputs."""

import copy
import random
from collections.abc import Iterator
from typing import Any

import pytest
import torch

import composer
from composer import Catalog, GraphError
from composer.graph.file import loads
from composer.graph.file.document import from_document, to_document
from composer.graph.plan import plan
from composer.run.inputs import filled

CLASSIFIER = """
schema: 1
classes: [a, b, c]
inputs: {image: {type: Image, shape: [B, 3, 16, 16]}}
data_samples: {label: {type: Label, shape: [B]}}
nodes:
  conv: {type: Conv2d, params: {out_channels: 4, kernel_size: 3, padding: 1}, inputs: {input: image}}
  norm: {type: BatchNorm2d, inputs: {input: conv.out}}
  act: {type: ReLU, inputs: {input: norm.out}}
  more: {type: Conv2d, params: {out_channels: 4, kernel_size: 3, padding: 1}, inputs: {input: act.out}}
  sum: {type: Add, inputs: {xs: [act.out, more.out]}}
  pool: {type: AdaptiveAvgPool2d, params: {output_size: 2}, inputs: {input: sum.out}}
  flat: {type: Flatten, inputs: {input: pool.out}}
  head: {type: Linear, params: {out_features: 3}, inputs: {input: flat.out}}
  criterion: {type: CrossEntropyLoss, inputs: {pred: head.out, target: label}}
  rows: {type: OneHot, params: {num_classes: 3}, inputs: {label: label}}
  distance: {type: L1Loss, inputs: {pred: head.out, target: rows.out}}
  answer: {type: ClassPrediction, inputs: {logits: head.out}}
outputs:
  tensor: {features: pool.out, logits: head.out}
  loss: {loss: criterion.out, distance: distance.out}
  predict: {scores: answer.scores, labels: answer.labels}
"""
VIEWS = """
schema: 1
inputs: {image: {type: Image, shape: [B, 3, 32, 32]}, other: {type: Image, shape: [B, 3, 32, 32]}}
data_samples: {label: {type: Label, shape: [B]}}
graphs:
  encoder:
    params: {width: 8, heads: 2}
    inputs: {x: {type: FeatureMap}, hidden: {type: Mask}}
    nodes:
      patch: {type: Conv2d, params: {out_channels: $width, kernel_size: 16, stride: 16}, inputs: {input: x}}
      tokens: {type: MapToTokens, inputs: {input: patch.out}}
      layer:
        type: TransformerEncoderLayer
        params: {d_model: $width, nhead: $heads, dim_feedforward: 16}
        inputs: {src: tokens.out, src_key_padding_mask: hidden}
    outputs: {y: layer.out}
nodes:
  one: {graph: encoder, inputs: {x: image}}
  two: {weights: {momentum: one, decay: 0.9}, inputs: {x: other}}
  mean: {type: Mean, params: {dim: 1}, inputs: {input: one.y}}
  mean_two: {type: Mean, params: {dim: 1}, inputs: {input: two.y}}
  head: {type: LinearClsHead, params: {num_classes: 5}, inputs: {feature: mean.out}}
  alike: {type: CosineSimilarityLoss, inputs: {pred: mean.out, target: mean_two.out}}
  criterion: {type: CrossEntropyLoss, inputs: {pred: head.out, target: label}}
  total: {type: LossSum, inputs: {losses: [alike.out, criterion.out]}}
outputs:
  tensor: {features: mean.out}
  loss: {total: total.out}
  predict: {logits: head.out}
"""
TYPES = "Conv2d Flatten Linear GlobalAveragePooling FocalLoss LabelSmoothLoss Softmax BatchNorm1d LayerNorm Mean"
TYPES += " MultiLabelPrediction Reshape Squeeze Concat MatMul GroupNorm Embedding Permute Split Select AsymmetricLoss"
KINDS = ["Image", "Label", "AnyTensor", "Mask", "Embedding", "FeatureMap", "Boxes", "Target", "Tokens", "Pyramid"]
HARMLESS = {"unreachable-node", "unused-input", "not-wired"}
VARIANTS = 60


def parts(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from parts(item, (*path, key))
    if len(path) > 1:
        yield path, value


def broken(document: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """A document with one part changed or taken away."""
    changed = copy.deepcopy(document)
    path, value = chance.choice(list(parts(changed)))
    around: Any = changed
    for key in path[:-1]:
        around = around[key]
    sources = [*(f"{name}.out" for name in document["nodes"]), *document["inputs"], *document["data_samples"]]
    if type(value) is int:
        around[path[-1]] = chance.choice([0, 1, 2, 3, 5, 8, value + 1, value * 2])
    elif path[-1] == "type":
        around[path[-1]] = chance.choice(TYPES.split() if "nodes" in path else KINDS)
    elif isinstance(value, str) and chance.random() < 0.8:
        around[path[-1]] = chance.choice(sources)
    else:
        around.pop(path[-1])
    return changed


def variants() -> Iterator[Any]:
    chance = random.Random(20261127)
    for number in range(VARIANTS):
        document = to_document(loads(CLASSIFIER if number % 2 else VIEWS))
        yield pytest.param(broken(document, chance), id=str(number))


def refusal(graph: composer.Graph) -> str | None:
    """Why the graph cannot be compiled and run in every mode, in training and after it; None where it can."""
    try:
        model = composer.compile(graph)
        for mode in graph.modes:
            program = plan(graph, Catalog.default()).programs[mode]
            inputs, fields = filled(graph, program, {}, model.port_types, batch=2)
            for training in (False, True):
                with torch.no_grad():
                    model.train(training)(inputs, fields, mode=mode)
    except Exception as error:  # noqa: BLE001 - whatever it is, check should have reported it
        return f"{type(error).__name__}: {error}"
    return None


@pytest.mark.parametrize("text", [CLASSIFIER, VIEWS], ids=["classifier", "views"])
def test_the_graphs_themselves_run(text: str) -> None:
    assert composer.infer_shapes(loads(text)).problems == []
    assert refusal(loads(text)) is None


@pytest.mark.parametrize("document", list(variants()))
def test_a_graph_that_a_run_refuses_is_reported_by_check(document: dict[str, Any]) -> None:
    try:
        graph = from_document(document)
    except GraphError:
        return
    reported = {problem.code for problem in composer.infer_shapes(graph).problems} - HARMLESS
    found = refusal(graph)
    assert found is None or reported, f"{found}\n{document}"
