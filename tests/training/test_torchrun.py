"""Under torchrun a process that is killed comes back, and the training ends as if it had not been."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

from composer.training.run_folder import RunFolder
from tests.training.loops import differing

ROOT = Path(__file__).parents[2]


def launched(out, strategy, *more):
    program = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--max-restarts", "1", "--master-port", "0"]
    program += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *program, "-m", "tests.training.launched", str(out), strategy, *more]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_a_process_that_is_killed_comes_back_and_all_ends_equal(tmp_path, strategy):
    launched(tmp_path / "whole", strategy)
    launched(tmp_path / "broken", strategy, "7")
    one, other = (load_file(tmp_path / name / "last.safetensors") for name in ("whole", "broken"))
    assert differing(one, other) == []
    logs = [RunFolder(tmp_path / name).read_events("step") for name in ("whole", "broken")]
    assert [event.step for event in logs[0]] == [event.step for event in logs[1]] == list(range(1, 13))
    assert [event.values["loss"] for event in logs[0]] == [event.values["loss"] for event in logs[1]]
