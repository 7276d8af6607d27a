"""Imported configs against numbers that OpenMMLab's own code computed: recorded in ``originals.json``."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import composer
from composer.openmmlab import graph_from_config, load_state_dict
from tests.openmmlab.originals import CLASSES, ORIGINALS, weights

RECORDED: dict[str, Any] = json.loads(Path(__file__).with_name("originals.json").read_text())
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def entries_of(name: str) -> dict[str, list[int]]:
    found = RECORDED[name]["entries"]
    return entries_of(found) if isinstance(found, str) else found


@cache
def model_of(name: str) -> composer.Model:
    model = composer.compile(graph_from_config(ORIGINALS[name].config))
    report = load_state_dict(model, weights(entries_of(name)))
    assert not report.unexpected
    assert not report.mismatched
    assert all(entry.endswith(("num_batches_tracked", "relative_position_index")) for entry in report.missing)
    return model


def same(found: Tensor, recorded: list[float] | float) -> None:
    torch.testing.assert_close(found.detach().flatten(), torch.tensor(recorded).flatten(), **CLOSE)


NAMES = sorted(ORIGINALS)


def test_every_config_is_recorded() -> None:
    assert sorted(RECORDED) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_evaluation_gives_the_originals_numbers(name: str) -> None:
    original, recorded, model = ORIGINALS[name], RECORDED[name], model_of(name).eval()
    with torch.no_grad():
        same(model(original.inputs())["logits"], recorded["tensor"])
        same(model(original.inputs(), {"label": original.labels()}, mode="loss")["loss"], recorded["loss_eval"])
        answers = model(original.inputs(), mode="predict")
    same(answers["scores"], recorded["scores"])
    if answers["labels"].dim() == 2:  # rows of 0 and 1 here, lists of classes there
        rows = torch.zeros(4, CLASSES, dtype=torch.long)
        for row, chosen in zip(rows, recorded["labels"], strict=True):
            row[chosen] = 1
        assert torch.equal(answers["labels"], rows)
    else:
        assert [[label] for label in answers["labels"].tolist()] == recorded["labels"]


@pytest.mark.parametrize("name", NAMES)
def test_a_training_step_gives_the_originals_loss_gradients_and_statistics(name: str) -> None:
    original, recorded = ORIGINALS[name], RECORDED[name]
    model = model_of(name).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    model.zero_grad()
    loss = model(original.inputs(), {"label": original.labels()}, mode="loss")["loss"]
    loss.backward()
    after = dict(model.state_dict())
    same(loss, recorded["loss"])
    assert sum(parameter.requires_grad for parameter in model.parameters()) == recorded["trained"]
    for node, norm in recorded["gradients"].items():
        own = [item.grad.norm() for item in model.get_submodule(node).parameters() if item.grad is not None]
        assert torch.stack(own).norm().item() == pytest.approx(norm, rel=2e-3)
    for node, norm in recorded["statistics"].items():
        own = [value.norm() for key, value in after.items() if key.startswith(f"{node}.") and "running" in key]
        assert torch.stack(own).norm().item() == pytest.approx(norm, rel=1e-4)
    model.load_state_dict(before)
