"""The prepared script for a GPU runs where there is none."""

import sys

import pytest
import torch

from benchmarks import gpu


def run(monkeypatch, capsys, *options):
    monkeypatch.setattr(sys, "argv", ["gpu", *options])
    gpu.main()
    return capsys.readouterr().out


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_without_a_device_the_script_says_that_nothing_is_measured(monkeypatch, capsys):
    assert "no CUDA device: nothing was measured" in run(monkeypatch, capsys)


def test_regions_and_memory_are_measured_on_a_cpu(monkeypatch, capsys):
    said = run(monkeypatch, capsys, "--device", "cpu", "--quick", "--only", "regions", "memory")
    assert "NMS of 200 boxes: largest difference to the CPU 0" in said
    assert "fashion_mnist, 2 samples, fp32: forecast" in said and "(1.000)" in said


@pytest.mark.slow
def test_rates_and_losses_are_measured_on_a_cpu(monkeypatch, capsys):
    said = run(monkeypatch, capsys, "--device", "cpu", "--quick", "--only", "loop", "rates", "losses")
    assert "of the time by hand" in said and "0 wrong; left out: none" in said
