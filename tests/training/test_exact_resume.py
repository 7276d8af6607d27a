"""A training that resumes from a checkpoint makes the same steps bit for bit."""

import pytest
import torch

from composer.training import checkpoints
from composer.training.runs.folder import RunFolder
from tests import tiny_graphs
from tests.training.loops import differing, recipe_of, run_in, trainer_of

VARIANTS = {
    "plain": ("vit_base_p16", {}),
    "a moving average, a clipped norm, parts": (
        "resnet18_cifar",
        {"ema": {"decay": 0.9}, "clip": {"norm": 1.0}, "batches": {"accumulate": 2}},
    ),
    "16 bits": ("vit_base_p16", {"precision": "bf16"}),
    "scaled gradients": ("fashion_mnist", {"precision": "fp16"}),
    "a queue and copies": ("moco_v2", {"optimizer": {"type": "SGD", "lr": 0.1, "momentum": 0.9}}),
    "a schedule of copies": ("byol", {"optimizer": {"type": "LARS", "lr": 0.1}}),
    "steps as long as weights": ("resnet18_cifar", {"optimizer": {"type": "Lamb", "lr": 0.01}}),
    "thawing": ("resnet18_cifar", {"policy": {"backbone": {"freeze": {"until": "4 steps"}}}}),
    "channels last": ("fashion_mnist", {"channels_last": True}),
}


@pytest.mark.parametrize("name", list(VARIANTS))
def test_a_resumed_training_makes_the_same_steps_bit_for_bit(name, tmp_path):
    graph_name, changes = VARIANTS[name]
    graph, recipe = tiny_graphs.small(graph_name), recipe_of(**changes)
    run = run_in(tmp_path / "run", recipe, graph)
    whole = trainer_of(graph, recipe, run)
    outcome = whole.fit()
    kept = {path.name: path for path in checkpoints.all_whole(run.checkpoints)}
    again = trainer_of(graph, recipe, seed=7)
    again.load(kept["step-00000006"], checkpoints.load(kept["step-00000006"]))
    found = again.fit()
    assert (outcome.state, found.step) == ("finished", 8)
    assert differing(outcome.model.state_dict(), found.model.state_dict()) == []
    assert outcome.losses == found.losses
    if whole.ema is not None and again.ema is not None:
        assert differing(whole.ema.weights, again.ema.weights) == []


def test_the_newest_whole_checkpoint_is_found_and_a_damaged_one_passed_over(tmp_path):
    for step in (3, 6, 9):
        checkpoints.save(tmp_path, {"x": torch.tensor([step])}, step, keep=3)
    newest = checkpoints.latest(tmp_path)
    assert newest is not None
    assert (newest / "state.pt").write_bytes((newest / "state.pt").read_bytes()[:-1])
    (tmp_path / ".new-step-00000012").mkdir()
    found = checkpoints.newest(tmp_path)
    assert found is not None
    assert (found[0].name, found[1]["x"].item()) == ("step-00000006", 6)
    checkpoints.save(tmp_path, {}, 12, keep=1)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000012"]


def test_a_run_keeps_log_and_weights_beside_the_checkpoint(tmp_path):
    graph, recipe = tiny_graphs.small("fashion_mnist"), recipe_of()
    run = run_in(tmp_path / "run", recipe, graph)
    trainer_of(graph, recipe, run).fit()
    run.close()
    again = RunFolder.open(tmp_path / "run")
    kinds = [event.kind for event in again.read_events()]
    assert kinds.count("checkpoint") == 3
    assert (tmp_path / "run" / "last.safetensors").is_file()
    assert [event.step for event in again.read_events("step")] == list(range(1, 9))


@pytest.mark.parametrize(("patience", "written"), [(0.0, [1, 2, 3, 4, 5, 6, 7, 8]), (3600.0, [3, 6, 8])])
def test_losses_are_written_after_some_steps_or_some_time(patience, written, tmp_path, monkeypatch):
    monkeypatch.setattr("composer.training.trainer._LOGS", 1)
    monkeypatch.setattr("composer.training.trainer._PATIENCE", patience)
    graph, recipe = tiny_graphs.small("fashion_mnist"), recipe_of()
    run = run_in(tmp_path / "run", recipe, graph)
    trainer_of(graph, recipe, run).fit()
    assert [event.step for event in run.read_events("step")] == written
