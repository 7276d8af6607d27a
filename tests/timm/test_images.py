"""Images are read as timm reads them: pixel by pixel, for every way of cropping that ``preprocess`` has."""

import importlib
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import composer
from components.shared.timm_models import timm_models, timm_preprocess, timm_weights
from composer.graph.file import dumps, loads
from composer.problems import Edit
from tests.extras import importable, needs

timm_data: Any = importlib.import_module("timm.data") if importable("timm") else None
SIZES = [
    (224, 224), (225, 225), (300, 200), (200, 300), (256, 341), (341, 256), (97, 113), (1, 400), (400, 3), (64, 64),
    (500, 375), (375, 500), (640, 427), (31, 77), (1080, 720), (235, 236), (236, 235), (449, 600), (768, 1024),
    (333, 334),
]  # fmt: skip
WEIGHTS = [
    "convnext_tiny.fb_in1k",  # bicubic, from the middle, crop_pct 0.875
    "efficientnet_b0.ra_in1k",
    "resnet50.a1_in1k",
    "vgg11.tv_in1k",  # bilinear
    "vit_base_patch16_clip_384.openai_ft_in12k_in1k",  # squashed, then cropped
    "maxvit_tiny_tf_384.in1k",  # squashed
    "vit_base_patch16_sapiens2.fb",  # squashed to 1024 x 768
    "convnext_tiny.in12k_ft_in1k",
]


def graph_of(name: str) -> Any:
    weights = timm_weights(name)
    assert weights is not None
    text = f"schema: 1\ninputs:\n  image: {{type: Image, shape: [B, 3, {weights.size[0]}, {weights.size[1]}]}}\n"
    document = loads(text + "outputs:\n  tensor: {image: image}\n")
    steps = timm_preprocess(weights)
    assert steps is not None
    return composer.edit(document, Edit(("inputs", "image", "preprocess"), steps))


def noise(size: tuple[int, int]) -> Image.Image:
    levels = np.random.default_rng(sum(size)).integers(0, 256, (*size, 3), np.uint8)
    return Image.fromarray(levels)


@needs("timm")
@pytest.mark.parametrize("name", WEIGHTS)
def test_images_of_twenty_sizes_are_prepared_as_by_timms_transform(name):
    graph = graph_of(name)
    config = timm_data.resolve_data_config({}, pretrained_cfg=pretrained_config(name))
    transform = timm_data.create_transform(**config, is_training=False)
    for size in SIZES:
        image = noise(size)
        found, expected = composer.preprocess(graph, image)[0], transform(image)
        assert found.shape == expected.shape, size
        mean, std = (torch.tensor(config[key]).view(-1, 1, 1) for key in ("mean", "std"))
        levels = [(one * std + mean).mul(255).round() for one in (found, expected)]
        assert torch.equal(*levels), size
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def pretrained_config(name: str) -> Any:
    return importlib.import_module("timm").get_pretrained_cfg(name).to_dict()


def test_steps_of_all_weights_can_be_written_and_give_the_size_of_their_images():
    kinds = {}
    for model in timm_models().values():
        for weights in model.weights.values():
            kinds.setdefault((weights.size, weights.crop_pct, weights.crop_mode, weights.interpolation), weights)
    assert len(kinds) > 100
    for weights in kinds.values():
        if weights.crop_mode == "border" or weights.crop_pct > 1:
            assert timm_preprocess(weights) is None
            continue
        graph = graph_of(f"{weights.name}.{weights.tag}") if weights.tag else None
        if graph is not None and max(weights.size) <= 512:
            assert composer.preprocess(graph, noise((40, 50))).shape[2:] == weights.size
            assert loads(dumps(graph)).inputs == graph.inputs


def test_the_list_has_every_architecture_once_with_its_facts():
    models = timm_models()
    assert len(models) == 1371
    assert sum(bool(tag) for model in models.values() for tag in model.weights) == 1826
    assert models["resnet50"].parameters == 25_557_032
    assert models["convnext_tiny"].default.license == "apache-2.0"
    assert all(model.parameters for model in models.values())
    assert (
        sum(weights.license.startswith("cc-by-nc") for one in models.values() for weights in one.weights.values()) == 88
    )
