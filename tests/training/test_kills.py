"""Whatever ends the process of a training, at whatever moment: it goes on to the bit from what lies in its folder."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import composer
from composer.training import checkpoints
from composer.training.data.samples import ArraySource
from composer.training.engine import train
from composer.training.run_folder import RunFolder
from tests import tiny_graphs
from tests.training.families import FAMILIES
from tests.training.loops import recipe_of

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("COMPOSER_KILLS", "12"))


def program(what, folder, names, seed):
    command = [sys.executable, "-m", "tests.training.killed", what, str(folder), *names]
    environment = {**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    subprocess.run(command, check=True, cwd=ROOT, env=environment)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    whole, broken = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("broken")
    program("whole", whole, FAMILIES, 1)
    program("killed", broken, FAMILIES, 2)
    program("resumed", broken, FAMILIES, 3)
    return whole, broken


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", FAMILIES)
def test_steps_after_kill_9_are_those_without_it(folders, name):
    states = []
    for folder in folders:
        found = checkpoints.newest(folder / name / "checkpoints")
        assert found is not None
        assert found[1]["step"] == 9
        states.append(found[1])
    one, other = states
    assert differing(one, other, "") == []
    logs = [[(event.kind, event.step) for event in RunFolder(folder / name).read_events("step")] for folder in folders]
    assert logs[0] == logs[1]
    losses = [
        [event.values["loss"] for event in RunFolder(folder / name).read_events("step") if "loss" in event.values]
        for folder in folders
    ]
    assert losses[0] == losses[1]
    weights = [load_file(folder / name / "last.safetensors") for folder in folders]
    assert differing(weights[0], weights[1], "") == []


def differing(one, other, path):
    """The entries of two states that differ in any bit, but for the length of the log, whose lines hold times."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), path
        return [found for key in one if key != "log" for found in differing(one[key], other[key], f"{path}.{key}")]
    if isinstance(one, list | tuple):
        assert len(one) == len(other), path
        pairs = zip(one, other, strict=True)
        return [found for at, (a, b) in enumerate(pairs) for found in differing(a, b, f"{path}[{at}]")]
    if isinstance(one, torch.Tensor):
        return [] if one.dtype == other.dtype and torch.equal(one, other) else [path]
    return [] if one == other else [path]


def colours():
    """Images whose class is their colour."""
    drawn = np.random.default_rng(0)
    labels = np.arange(48) % 3
    images = drawn.integers(0, 80, (48, 8, 8, 3)).astype(np.uint8)
    images[np.arange(48), :, :, labels] += 120
    return ArraySource(images, labels, ["cat", "dog", "bird"])


def prepared():
    steps = "{resize: [8, 8], channels: rgb, mean: [127.5, 127.5, 127.5], std: [64, 64, 64]}"
    text = tiny_graphs.CLASSIFIER.replace("shape: [B, 3, 8, 8]}", f"shape: [B, 3, 8, 8], preprocess: {steps}}}")
    return composer.graph.file.loads(text)


RECIPE = recipe_of(
    steps=60,
    batches={"batch": 8, "workers": 0},
    checkpoints={"every": "1 step"},
    ema={"decay": 0.9},
)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_kills_at_random_moments_leave_a_folder_that_goes_on(tmp_path):
    torch.set_num_threads(1)
    whole = train(RECIPE, graph=prepared(), source=colours(), out=tmp_path / "whole")
    drawn = random.Random(0)
    run = tmp_path / "broken"
    for _ in range(KILLS):
        child = os.fork()
        if child == 0:
            begun = checkpoints.latest(run / "checkpoints") is not None
            begin = {"resume": run} if begun else {"recipe": RECIPE, "graph": prepared(), "out": run}
            train(begin.pop("recipe", None), source=colours(), **begin)
            os._exit(0)
        time.sleep(drawn.uniform(0.0, 0.6))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        if checkpoints.latest(run / "checkpoints") is None:
            subprocess.run(["rm", "-rf", str(run)], check=True)
            continue
        found = checkpoints.newest(run / "checkpoints", told=pytest.fail)
        assert found is not None
        RunFolder.open(run).read_events()
        if (run / "last.safetensors").exists():
            composer.load(run / "last.safetensors")
        else:
            assert found[1]["step"] == 1
    outcome = train(resume=run, source=colours()) if run.exists() else whole
    assert outcome.step == 60
    assert differing(dict(whole.model.state_dict()), dict(outcome.model.state_dict()), "") == []
    steps = [event.step for event in RunFolder(run).read_events("step")]
    assert steps == list(range(1, 61))
