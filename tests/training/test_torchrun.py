"""Under torchrun a process that is killed comes back, and the training ends as if it had not been."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file

from composer.training.runs.folder import RunFolder
from tests.training.loops import differing

ROOT = Path(__file__).parents[2]


def launched(out, strategy, *more, program="launched", restarts=1):
    begun = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--max-restarts", str(restarts)]
    begun += ["--master-port", "0", "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *begun, "-m", f"tests.training.{program}", str(out), strategy, *more]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return done


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_a_process_that_is_killed_comes_back_and_all_ends_equal(tmp_path, strategy):
    launched(tmp_path / "whole", strategy)
    launched(tmp_path / "broken", strategy, "7", "0")
    one, other = (load_file(tmp_path / name / "last.safetensors") for name in ("whole", "broken"))
    assert differing(one, other) == []
    logs = [RunFolder(tmp_path / name).read_events("step") for name in ("whole", "broken")]
    assert [event.step for event in logs[0]] == [event.step for event in logs[1]] == list(range(1, 13))
    assert [event.values["loss"] for event in logs[0]] == [event.values["loss"] for event in logs[1]]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("strategy", "times"), [("ddp", 1), ("fsdp", 5)])
def test_a_script_that_calls_train_exits_normally(tmp_path, strategy, times):
    """Threads of gloo that were left aborted it as Python took itself down, one time in some."""
    for turn in range(times):
        done = launched(tmp_path / str(turn), strategy, program="leaving", restarts=0)
        assert done.stdout.count("left over: [] finished") == 2, done.stdout
        assert "terminate called" not in done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("name", "samples", "times"), [("deepcluster", 33, 2), ("odc", 32, 1)])
def test_samples_are_clustered_in_shards_too(tmp_path, name, samples, times):
    """Also where one process has a batch more than the other: 33 samples are four batches of eight, and one sample."""
    lines = {}
    for strategy in ("ddp", "fsdp"):
        launched(tmp_path / strategy, strategy, name, str(samples), program="clustering", restarts=0)
        run = RunFolder(tmp_path / strategy)
        lines[strategy] = [
            event.values["message"] for event in run.read_events("note") if "clusters" in str(event.values)
        ]
        losses = [event.values["loss"] for event in run.read_events("step")]
        assert run.read_status().state == "finished" and all(np.isfinite(losses))
        weights = load_file(run.weights("last"))
        assert all(item.isfinite().all() for item in weights.values() if item.is_floating_point())
    assert lines["ddp"] == lines["fsdp"] == [f"{samples} samples in 4 clusters"] * times
