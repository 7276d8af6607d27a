"""Torchvision's classifiers come in without a placeholder, through a module and through a file."""

import io

import pytest
import torch

import composer

models = pytest.importorskip(
    "torchvision.models",
    reason="torchvision is not installed: its classifiers are imported in the environment of the extras",
    exc_type=ImportError,
)

NAMES = ("resnet18", "mobilenet_v3_small", "shufflenet_v2_x0_5", "swin_t")


def built(name: str) -> tuple[torch.nn.Module, torch.Tensor]:
    torch.manual_seed(0)
    return models.get_model(name, weights=None), torch.randn(2, 3, 64, 64)


@pytest.mark.parametrize("name", NAMES)
def test_a_classifier_becomes_the_same_function(name: str) -> None:
    module, images = built(name)
    report = composer.from_module(module, images).report
    assert report.placeholders == {}
    assert report.top <= 20
    assert max(report.evaluation or 0.0, report.training or 0.0) <= 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_a_pt2_program_of_a_classifier_becomes_the_same_function(name: str) -> None:
    module, images = built(name)
    file = io.BytesIO()
    torch.export.save(torch.export.export(module.eval(), (images,)), file)
    report = composer.from_pt2(file.getvalue()).report
    assert report.placeholders == {}
    assert report.top <= 20
    assert report.evaluation is not None


def test_names_of_weights_are_those_of_the_module() -> None:
    module, images = built("resnet18")
    found = composer.from_module(module, images)
    assert {found.report.renamed.get(name, name) for name in found.weights} == set(module.state_dict())
