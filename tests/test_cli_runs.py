"""`composer runs`: a list, one run, several side by side."""

import json
import signal
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from composer.cli.app import app
from composer.graph.file import loads
from composer.training import loads_recipe
from composer.training.runs.folder import RunFolder

GRAPH = """\
schema: 1
name: tiny
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  conv: {type: Conv2d, params: {out_channels: 2, kernel_size: KERNEL}, inputs: {input: image}}
outputs:
  tensor: {features: conv.out}
"""
RECIPE = "graph: tiny.yaml\ndata: {train: {path: images}}\nepochs: 2\noptimizer: {lr: RATE}\n"


def a_run(folder, name, rate="0.1", kernel="3"):
    run = RunFolder.create(
        folder / name, loads_recipe(RECIPE.replace("RATE", rate)), loads(GRAPH.replace("KERNEL", kernel))
    )
    run.events.append("start", 0, steps=8)
    for step in range(1, 9):
        run.events.append("step", step, loss=float(rate) / step, waited=step / 10)
    run.events.append("evaluation", 4, accuracy=0.5)
    run.events.append("evaluation", 8, accuracy=0.25)
    run.status.write("finished", step=8, steps=8)
    run.close()
    return run


def ran(*words, code=0):
    result = CliRunner().invoke(app, ["runs", *map(str, words)])
    assert result.exit_code == code, result.output
    return result.stdout


def test_runs_are_listed_with_their_results(tmp_path):
    a_run(tmp_path, "one")
    a_run(tmp_path, "two")
    head, *rows = ran(tmp_path).splitlines()
    assert head.split() == ["run", "graph", "state", "step", "best", "time"]
    assert sorted(row.split()[0] for row in rows) == ["one", "two"]
    assert all("finished" in row and "8/8" in row and "accuracy 0.5 at 4" in row for row in rows)
    assert [one["best"] for one in json.loads(ran(tmp_path, "--json"))] == [0.5, 0.5]


def test_an_empty_folder_of_runs_explains_how_to_start_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "composer train GRAPH --data FOLDER" in ran()
    assert "composer train" in ran(tmp_path)


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    result = CliRunner().invoke(app, ["runs", str(tmp_path / "gone")])
    assert result.exit_code == 2 and "no-run" in result.stderr
    result = CliRunner().invoke(app, ["runs", str(tmp_path), str(tmp_path)])
    assert result.exit_code == 2 and "no-run" in result.stderr


def test_one_run_is_reported_with_its_curves_and_what_can_be_done_with_it(tmp_path):
    run = a_run(tmp_path, "one")
    run.weights("best").touch()
    text = ran(run.path)
    assert "█" in text and "loss" in text and "accuracy" in text
    assert f"composer run {run.weights('best')} --input IMAGE" in text
    assert json.loads(ran(run.path, "--json"))["curves"]["loss"][0] == [1, 0.1]


def test_two_runs_are_compared_by_curves_recipe_and_graph(tmp_path):
    one, two = a_run(tmp_path, "one"), a_run(tmp_path, "two", rate="0.2", kernel="5")
    text = ran(one.path, two.path)
    assert next(line for line in text.splitlines() if line.startswith("optimizer.lr")).split() == [
        "optimizer.lr",
        "0.1",
        "0.2",
    ]
    assert "kernel_size" in text and "epochs" not in text
    found = json.loads(ran(one.path, two.path, "--json"))
    assert found["recipe"] == [{"key": "optimizer.lr", "values": [0.1, 0.2]}]
    assert len(found["runs"]) == 2 and found["graph"]


def test_only_losses_and_metrics_have_a_best_value(tmp_path):
    text = ran(a_run(tmp_path, "one").path, a_run(tmp_path, "two").path)
    lines = {line.split()[0]: line.split() for line in text.splitlines() if "█" in line}
    assert lines["loss"][-2:] == ["0.0125", "0.0125"]
    assert lines["accuracy"][-2:] == ["0.25", "0.5"]
    assert lines["waited"][-1] == "0.8" and lines["waited"][-2] != "0.8"


def test_equal_recipes_and_graphs_are_reported_as_equal(tmp_path):
    text = ran(a_run(tmp_path, "one").path, a_run(tmp_path, "two").path)
    assert "the recipes are equal" in text and "equal in meaning" in text


def test_a_damaged_run_does_not_hide_the_others(tmp_path):
    a_run(tmp_path, "one")
    two = a_run(tmp_path, "two")
    for path in ("graph.yaml", "recipe.yaml", "status.json"):
        (two.path / path).write_bytes(b"\xff{")
    assert "one" in ran(tmp_path) and "two" in ran(tmp_path)
    assert "one" in ran(tmp_path / "one", two.path)


@pytest.mark.parametrize(("option", "expected"), [("--stop", signal.SIGTERM), ("--kill", signal.SIGKILL)])
def test_a_run_is_stopped_from_elsewhere(tmp_path, option, expected):
    run = a_run(tmp_path, "one")
    code = (
        "import sys, time; from composer.training.runs.folder import RunFolder; run = RunFolder(sys.argv[1]).write(); "
    )
    code += "run.status.write('running'); print('there', flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", code, run.path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "there\n"
        assert "running" in ran(tmp_path)
        assert "died" in ran(run.path, option)
        assert process.wait(60) == -expected
    assert "does not run" in ran(run.path, option)
