"""Backbones and classifiers of timm as parts of a graph: two models of each of timm's modules."""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
import torch

import composer
from composer.graph.file import loads
from composer.model.compile import outline
from tests.extras import importable, needs

pytestmark = needs("timm")
timm: Any = importlib.import_module("timm") if importable("timm") else None

LEVELS = """
schema: 1
name: levels
inputs:
  image: {{type: Image, shape: [B, 3, {height}, {width}]}}
nodes:
  backbone: {{type: TIMMBackbone, params: {{model_name: {name}}}, inputs: {{image: image}}}}
  neck: {{type: FPN, params: {{out_channels: 16, num_outs: 6}}, inputs: {{feature: backbone.out}}}}
outputs:
  tensor: {{levels: backbone.out, pyramid: neck.out}}
"""
CLASSIFIER = """
schema: 1
name: classifier
inputs:
  image: {{type: Image, shape: [B, 3, {height}, {width}]}}
nodes:
  classifier: {{type: TIMMClassifier, params: {params}, inputs: {{image: image}}}}
outputs:
  tensor: {{logits: classifier.out}}
"""


def two_of_each_module() -> Iterator[str]:
    """The first and the middle one of each module: mostly a small one, and one of another kind."""
    for module in timm.list_modules() if timm else ():
        names = timm.list_models(module=module)
        yield from dict.fromkeys([names[0], names[len(names) // 2]] if names else [])


def size_of(name: str) -> tuple[int, int]:
    _, height, width = timm.get_pretrained_cfg(name).input_size
    return height, width


@pytest.mark.parametrize("name", list(two_of_each_module()))
def test_a_timm_backbone_compiles_with_timms_channels_and_sizes_of_levels(name):
    height, width = size_of(name)
    graph = loads(LEVELS.format(name=name, height=height, width=width))
    sizes = composer.infer_shapes(graph)
    assert sizes.problems == []
    levels, pyramid = (sizes.ports["tensor"][port] for port in ("backbone.out", "neck.out"))
    expected = levels_of_timm(name, height, width)
    assert [level[1:] for level in levels] == expected
    assert [level[1:] for level in pyramid[: len(levels)]] == [(16, *level[1:]) for level in expected]
    assert outline(graph).neck.in_channels == tuple(channels for channels, _, _ in expected)


def levels_of_timm(name: str, height: int, width: int) -> list[tuple[int, int, int]]:
    """Channels and sizes of timm's own features, run on meta; Gemma's read numbers, and are as timm declares them."""
    options = {} if name.startswith("hardcorenas") else {"feature_cls": "getter"}
    with torch.device("meta"):
        network = timm.create_model(name, features_only=True, **options).eval()
        if name.startswith("gemma"):
            info = network.feature_info
            return [
                (channels, height // step, width // step)
                for channels, step in zip(info.channels(), info.reduction(), strict=True)
            ]
        return [tuple(level.shape[1:]) for level in network(torch.zeros(2, 3, height, width))]


def two_classifiers_of_each_module() -> Iterator[str]:
    return (name for name in two_of_each_module() if timm.get_pretrained_cfg(name).num_classes)


@pytest.mark.parametrize("name", list(two_classifiers_of_each_module()))
def test_a_timm_classifier_has_as_many_logits_as_classes(name):
    height, width = size_of(name)
    params = f"{{model_name: {name}, num_classes: 7}}"
    sizes = composer.infer_shapes(loads(CLASSIFIER.format(params=params, height=height, width=width)))
    assert sizes.problems == []
    assert sizes.ports["tensor"]["classifier.out"] == ("B", 7)
