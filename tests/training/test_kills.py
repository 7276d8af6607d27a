"""A training that is killed at any moment resumes bit for bit from its folder."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import composer
from composer.training import checkpoints
from composer.training.engine import train
from composer.training.runs.folder import RunFolder
from tests.training.colours import RECIPE, colours, prepared
from tests.training.families import FAMILIES

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
def test_a_training_killed_by_sigkill_resumes_bit_for_bit(folders, name):
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


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_run_killed_at_random_moments_can_be_resumed(tmp_path):
    torch.set_num_threads(1)
    whole = train(RECIPE, graph=prepared(), source=colours(), out=tmp_path / "whole")
    expected = load_file(tmp_path / "whole" / "last.safetensors")
    drawn, run, kills = random.Random(0), tmp_path / "broken", 0
    while kills < KILLS:
        child = os.fork()
        if child == 0:
            go_on(run)
        time.sleep(drawn.uniform(0.0, 0.8))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            kills += 1
            assert_opens(run)
        else:
            assert os.waitstatus_to_exitcode(status) == 0
            assert differing(expected, load_file(run / "last.safetensors"), "") == []
            shutil.rmtree(run)
    outcome = train(resume=run, source=colours()) if (run / "recipe.yaml").exists() else whole
    assert differing(dict(whole.model.state_dict()), dict(outcome.model.state_dict()), "") == []
    if outcome is not whole:
        assert [event.step for event in RunFolder(run).read_events("step")] == list(range(1, 61))
        assert not [path for path in run.rglob("*") if path.name.startswith(".")]


def go_on(run):
    """In a process of its own: begin the run, or go on with it, and end without what pytest would do."""
    code = 1
    try:
        begun = (run / "recipe.yaml").exists()
        begin = {"resume": run} if begun else {"recipe": RECIPE, "graph": prepared(), "out": run}
        train(begin.pop("recipe", None), source=colours(), **begin)
        code = 0
    except BaseException:  # noqa: BLE001 - the exit status tells pytest's process, the trace tells us
        traceback.print_exc()
    finally:
        os._exit(code)


def assert_opens(run):
    """Whatever the process did when it was killed: the run opens, and what it wrote last loads."""
    if not (run / "recipe.yaml").exists():  # it ended before it began; the same command begins anew
        return
    found = checkpoints.newest(run / "checkpoints", report=pytest.fail)
    folder = RunFolder.open(run)
    folder.read_events()
    assert folder.read_status().state in ("died", "finished")
    if (run / "last.safetensors").exists():
        composer.load(run / "last.safetensors")
    else:
        assert found is None
