"""Weights of torchvision and timm in the same networks: the numbers were recorded from theirs."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import composer
from composer.openmmlab import graph_from_config, load_state_dict
from tests.openmmlab.originals import weights
from tests.openmmlab.other_libraries import TWINS

RECORDED: dict[str, Any] = json.loads(Path(__file__).with_name("other_libraries.json").read_text())


@pytest.mark.parametrize("name", sorted(TWINS))
def test_weights_of_another_library_give_its_numbers(name: str) -> None:
    twin, recorded = TWINS[name], RECORDED[name]
    model = composer.compile(graph_from_config(twin.config)).eval()
    report = load_state_dict(model, {"model": weights(recorded["entries"])})
    assert name.partition("_")[0] in report.layout
    assert not report.unexpected
    assert not report.mismatched
    assert all(entry.endswith("num_batches_tracked") for entry in report.missing)
    inputs = torch.randn(2, 3, twin.size, twin.size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        logits = model(inputs)["logits"].flatten()
    torch.testing.assert_close(logits, torch.tensor(recorded["logits"]), rtol=1e-4, atol=1e-5)


def test_the_authors_swin_has_its_merging_after_a_stage() -> None:
    twin, recorded = TWINS["timm_swin"], RECORDED["timm_swin"]
    theirs = {}
    for name, tensor in weights(recorded["entries"]).items():
        parts = name.split(".")
        if parts[0] == "layers" and parts[2] == "downsample":
            parts[1] = str(int(parts[1]) - 1)
        theirs[".".join(parts)] = tensor
    models = [composer.compile(graph_from_config(twin.config)) for _ in range(2)]
    for model, state in zip(models, (weights(recorded["entries"]), theirs), strict=True):
        assert not load_state_dict(model, state).unexpected
    first, second = (model.state_dict() for model in models)
    assert all(torch.equal(first[name], second[name]) for name in first if "relative_position_index" not in name)


def test_a_head_for_other_classes_stays_as_it_was() -> None:
    twin, recorded = TWINS["torchvision_vit"], RECORDED["torchvision_vit"]
    config = {**twin.config, "head": {**twin.config["head"], "num_classes": 3}}
    model = composer.compile(graph_from_config(config))
    before = model.head.layers.head.weight.clone()
    report = load_state_dict(model, weights(recorded["entries"]))
    assert report.mismatched["head.layers.head.weight"] == ((5, 16), (3, 16))
    assert torch.equal(model.head.layers.head.weight, before)
    assert all(name.startswith("backbone.") for name in report.matched)
