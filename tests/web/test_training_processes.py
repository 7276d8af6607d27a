"""A training that the browser starts is a process of its own: it waits, stops, resumes, is killed or fails."""

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from composer.catalog import Catalog
from composer.graph.file import loads
from composer.training.runs.status import read_status
from composer.web.training import Training
from composer.web.training.payloads import TrainNameRequest, TrainRunRequest, TrainStartRequest, TrainStopRequest

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "saved_graphs/classification/fashion_mnist.yaml").read_text()
RECIPE = """\
data: {train: {path: images}}
steps: 100000
batches: {batch: 4, workers: 0}
checkpoints: {every: 5 steps}
evaluation: {every: 50000 steps}
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("workspace")
    for name in ("one", "two"):
        (folder / "images" / name).mkdir(parents=True)
        for place in range(10):
            grey = np.full((28, 28), 20 if name == "one" else 220, np.uint8)
            Image.fromarray(grey).save(folder / "images" / name / f"{place}.png")
    return folder


def opened(workspace):
    return Training(workspace, (), loads, Catalog.default, lambda graph: None, None)


@pytest.fixture
def training(workspace):
    training = opened(workspace)
    yield training
    for name in training.places.names():
        training.queue.stop(name, kill=True)


def view(training, name):
    training.queue.tick()  # what a server does each second
    return training.runs.look(TrainRunRequest(name=name))


def until(training, name, state, step=0):
    end = time.monotonic() + 180
    while (found := view(training, name)).row.state != state or found.row.step < step:
        assert time.monotonic() < end and found.row.state != "failed", found.row
        time.sleep(0.05)
    return found


def start(training, recipe=RECIPE, **more):
    return training.starter.start(TrainStartRequest(document=DOCUMENT, recipe=recipe, **more)).name


def test_runs_take_turns_stop_with_a_checkpoint_and_go_on(training):
    first, second = start(training, name="first"), start(training, name="second")
    until(training, first, "running", step=1)
    assert view(training, second).row.position == 1
    training.runs.stop(TrainStopRequest(name=first))
    stopped = until(training, first, "stopped")
    assert stopped.resumable == "" and stopped.checkpoint == f"step-{stopped.row.step:08d}"
    other = opened(training.places.workspace)  # another server takes the next one
    until(other, second, "running", step=1)
    training.runs.resume(TrainNameRequest(name=first))
    assert view(training, first).row.state == "queued"
    assert "waits" in view(training, first).resumable
    until(other, second, "running", step=6)
    other.runs.stop(TrainStopRequest(name=second, kill=True))
    killed = until(other, second, "stopped")
    assert "killed" in killed.row.message and killed.resumable == ""
    assert until(training, first, "running", step=stopped.row.step + 1).row.position == 0


def test_a_run_that_is_stopped_while_it_starts_ends(training):
    name = start(training, name="hasty")
    until(training, name, "starting")
    training.runs.stop(TrainStopRequest(name=name))
    found = until(training, name, "stopped")
    assert "before its first step" in found.row.message and "never began" in found.resumable
    assert read_status(training.places.runs / name / "status.json") is None


def test_a_training_that_cannot_start_is_reported_with_the_reason(training, workspace):
    (workspace / "empty" / "cat").mkdir(parents=True)
    name = start(training, RECIPE.replace("images", "empty"), name="no images")
    end = time.monotonic() + 180
    while (found := view(training, name)).row.state in ("queued", "starting"):
        assert time.monotonic() < end
        time.sleep(0.05)
    assert found.row.state == "failed" and "empty" in found.row.message
