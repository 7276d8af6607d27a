"""Small graphs for tests of what is exported: two of their own, and the shipped ones with few channels."""

from dataclasses import replace
from pathlib import Path

import composer
from composer.graph import FrozenDict, freeze
from composer.graph.file import loads

SAVED = Path(__file__).parents[1] / "saved_graphs"

MOMENTUM = """
schema: 1
name: momentum_pair
about: A momentum encoder in a subgraph, a frozen neck, and two views.
inputs:
  view_1: {type: Image, shape: [B, 3, 8, 8]}
  view_2: {type: Image, shape: [B, 3, 8, 8]}
data_samples:
  label: {type: Label, shape: [B]}
graphs:
  encoder:
    inputs:
      image: {type: Image}
    nodes:
      conv: {type: Conv2d, params: {out_channels: $width, kernel_size: 3}, inputs: {input: image}}
      norm: {type: BatchNorm2d, inputs: {input: conv.out}}
      pool: {type: GlobalAveragePooling, inputs: {feature: norm.out}}
    outputs: {map: norm.out, out: pool.out}
    params: {width: 4}
nodes:
  encoder: {graph: encoder, params: {width: 6}, inputs: {image: view_1}}
  encoder_k: {weights: {momentum: encoder, decay: 0.9}, inputs: {image: view_2}}
  neck: {type: Linear, params: {out_features: 5}, inputs: {input: encoder.out}, frozen: true}
  again: {weights: {share: neck}, inputs: {input: encoder_k.out}}
  neck_k: {weights: {momentum: neck, decay: 0.5, update: after}, inputs: {input: encoder_k.out}}
  sum: {type: Add, inputs: {xs: [neck.out, again.out, neck_k.out]}}
  drop: {type: Dropout, params: {p: 0.5}, inputs: {input: sum.out}}
  loss: {type: CrossEntropyLoss, inputs: {pred: drop.out, target: label}}
outputs:
  tensor: {map: encoder.map, embedding: neck.out}
  loss: {loss: loss.out}
"""

CLASSIFIER = """
schema: 1
name: tiny_classifier
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
data_samples:
  label: {type: Label, shape: [B]}
classes: [cat, dog, bird]
nodes:
  conv: {type: Conv2d, params: {out_channels: 4, kernel_size: 3}, inputs: {input: image}}
  pool: {type: GlobalAveragePooling, inputs: {feature: conv.out}}
  head: {type: LinearClsHead, params: {num_classes: 3}, inputs: {feature: pool.out}}
  loss: {type: CrossEntropyLoss, inputs: {pred: head.out, target: label}}
  prediction: {type: ClassPrediction, inputs: {logits: head.out}}
outputs:
  tensor: {features: conv.out, logits: head.out}
  loss: {loss: loss.out}
  predict: {scores: prediction.scores, labels: prediction.labels}
"""

_TRANSFORMER = {"embed_dims": 8, "num_layers": 2, "num_heads": 2, "feedforward_channels": 12}
_STAGES = {"embed_dims": 4, "depths": [1, 2], "num_heads": [1, 2]}
_RESNET = {"stem_channels": 4, "base_channels": 4}
_PROJECTION = {"hid_channels": 7, "out_channels": 6}
_PREDICTOR = {"type": "NonLinearNeck", "in_channels": 6, **_PROJECTION, "with_avg_pool": False}

# For each shipped graph the side of its image, and parameters that replace those of its nodes.
_SMALL = {
    "fashion_mnist": (28, {}),
    "mobilenet_v2": (32, {"backbone": {"widen_factor": 0.1}, "head": {"num_classes": 5}}),
    "resnet18": (32, {"backbone": _RESNET, "head": {"num_classes": 5}}),
    "resnet18_cifar": (16, {"backbone": _RESNET}),
    "resnet18_cifar_l1": (16, {"backbone": _RESNET}),
    "resnet50": (32, {"backbone": _RESNET, "head": {"num_classes": 5}}),
    "resnet50_arcface": (
        32,
        {"backbone": {**_RESNET, "depth": 18}, "head": {"num_classes": 5}, "prototypes": {"length": 7}},
    ),
    "moco_v1": (16, {"backbone": _RESNET, "neck": {"out_channels": 6}, "queue": {"length": 8}}),
    "moco_v2": (16, {"backbone": _RESNET, "neck": _PROJECTION, "queue": {"length": 8}}),
    "densecl": (48, {"backbone": _RESNET, "neck": _PROJECTION, "queue": {"length": 8}, "queue2": {"length": 8}}),
    "simclr": (16, {"backbone": _RESNET, "neck": _PROJECTION}),
    "byol": (16, {"backbone": _RESNET, "neck": _PROJECTION, "head": {"predictor": _PREDICTOR}}),
    "simsiam": (16, {"backbone": _RESNET, "neck": _PROJECTION, "head": {"predictor": _PREDICTOR}}),
    "barlowtwins": (16, {"backbone": _RESNET, "neck": _PROJECTION}),
    "moco_v3": (
        16,
        {
            "backbone": {"arch": _TRANSFORMER, "img_size": 16, "patch_size": 8},
            "neck": _PROJECTION,
            "head": {"predictor": _PREDICTOR},
        },
    ),
    "swin_tiny": (
        16,
        {"backbone": {"arch": _STAGES, "window_size": 2, "out_indices": [1]}, "head": {"num_classes": 5}},
    ),
    "vit_base_p16": (
        16,
        {
            "backbone": {"arch": _TRANSFORMER, "img_size": 16, "patch_size": 8},
            "head": {"num_classes": 5, "hidden_dim": 6},
        },
    ),
}

NAMES = sorted(_SMALL)
# one of each family of models, with the mode in which it is exported
FAMILIES = [
    ("mobilenet_v2", "predict"),
    ("resnet18_cifar_l1", "loss"),
    ("resnet50_arcface", "predict"),
    ("swin_tiny", "loss"),
    ("vit_base_p16", "predict"),
]


def small(name):
    """A shipped graph with few channels and small images."""
    graph = composer.read(next(SAVED.rglob(f"{name}.yaml")))
    side, changes = _SMALL[name]
    nodes = {
        node: replace(graph.nodes[node], params=freeze({**graph.nodes[node].params, **params}))
        for node, params in changes.items()
    }
    inputs = {
        key: replace(image, shape=(*image.shape[:2], side, side), preprocess=None)
        for key, image in graph.inputs.items()
    }
    return replace(graph.with_nodes(nodes), inputs=FrozenDict(inputs))


def momentum_pair():
    """A graph with a momentum subgraph, shared and frozen weights."""
    return loads(MOMENTUM)


def classifier():
    """A classifier of 8 by 8 images."""
    return loads(CLASSIFIER)
