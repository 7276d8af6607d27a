"""Two machines train together: two network namespaces, each with its own torchrun, joined by a cable."""

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from composer.training.runs.folder import RunFolder

ROOT = Path(__file__).parents[2]
NETWORK = "10.83.47"


def ip(*arguments):
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"'ip {' '.join(arguments)}' is refused here: {done.stderr.strip()}")


@pytest.fixture
def hosts():
    """The names of two network namespaces that reach each other and nothing else."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and the command ip (Debian: iproute2)")
    names = [f"composer{os.getpid()}{side}" for side in "ab"]
    cables = [f"c{os.getpid()}{side}" for side in "ab"]
    with ExitStack() as stack:
        for name in names:
            ip("netns", "add", name)
            stack.callback(subprocess.run, ["ip", "netns", "delete", name], check=False)
        ip("link", "add", cables[0], "netns", names[0], "type", "veth", "peer", "name", cables[1], "netns", names[1])
        for number, (name, cable) in enumerate(zip(names, cables, strict=True), 1):
            ip("-n", name, "address", "add", f"{NETWORK}.{number}/24", "dev", cable)
            ip("-n", name, "link", "set", cable, "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield dict(zip(names, cables, strict=True))


def launched(hosts, out, *more):
    """torchrun on both hosts at once, with two processes each."""
    started = []
    for number, (name, cable) in enumerate(hosts.items(), 1):
        options = ["--nnodes", "2", "--nproc-per-node", "2", "--max-restarts", "1", "--rdzv-id", "colours"]
        options += ["--rdzv-backend", "c10d", "--rdzv-endpoint", f"{NETWORK}.1:29500"]
        # The names of both hosts are the same here, so neither would see that the endpoint is its own.
        options += ["--local-addr", f"{NETWORK}.{number}", "--rdzv-conf", f"is_host={int(number == 1)}"]
        command = ["ip", "netns", "exec", name, sys.executable, "-m", "torch.distributed.run", *options]
        command += ["-m", "tests.training.launched", str(out), *more]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": cable}
        errors = (out.parent / f"{out.name}.{number}.err").open("w+")
        started.append((subprocess.Popen(command, cwd=ROOT, env=environment, stdout=errors, stderr=errors), errors))
    for process, errors in started:
        code = process.wait(timeout=600)
        errors.seek(0)
        assert code == 0, errors.read()[-4000:]
        errors.close()


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_two_hosts_train_together_and_go_on_after_one_has_lost_a_process(tmp_path, hosts):
    launched(hosts, tmp_path / "whole", "ddp")
    launched(hosts, tmp_path / "broken", "ddp", "7", "3")
    one, other = (load_file(tmp_path / name / "last.safetensors") for name in ("whole", "broken"))
    for name, weight in one.items():  # DDP finds the order in which it sums anew: the last digit may differ
        torch.testing.assert_close(other[name], weight, rtol=1e-5, atol=1e-6)
    (start, again) = RunFolder(tmp_path / "broken").read_events("start")
    assert start.values["processes"] == again.values["processes"] == 4
    assert again.step == 7
