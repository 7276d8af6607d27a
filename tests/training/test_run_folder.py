"""The folder of a run: it opens after any interruption and reports the state of its process."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import composer
from composer.graph.file import loads
from composer.problems import GraphError
from composer.training import loads_recipe
from composer.training.runs.folder import RunFolder, new_folder, new_name, resolved, runs_in
from composer.training.runs.status import Status, StatusWriter, process_start, read_status, stop_run

GRAPH = """\
schema: 1
name: tiny
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  conv: {type: Conv2d, params: {out_channels: 2, kernel_size: 3}, inputs: {input: image}}
outputs:
  tensor: {features: conv.out}
"""
RECIPE = "graph: tiny.yaml\ndata: {train: {path: images}}\nepochs: 2\n"

RUNNING = textwrap.dedent("""
    import sys, time
    from composer.training.runs.folder import RunFolder
    run = RunFolder(sys.argv[1]).write()
    run.status.write("running", "step 7 of 9", step=7, steps=9)
    print("there", flush=True)
    time.sleep(600)
""")


def a_run(folder: Path, name: str = "run") -> RunFolder:
    recipe = resolved(loads_recipe(RECIPE), folder)
    run = RunFolder.create(folder / name, recipe, loads(GRAPH))
    run.events.append("start", 0)
    run.events.append("step", 1, loss=0.5)
    run.status.write("running", step=1, steps=2)
    return run


def codes(error) -> list[str]:
    return [problem.code for problem in error.value.problems]


def test_a_run_holds_its_graph_recipe_and_environment(tmp_path):
    run = a_run(tmp_path)
    again = RunFolder.open(run.path)
    assert again.graph == loads(GRAPH)
    assert again.recipe.graph == "graph.yaml" and again.recipe.data.train.path == str(tmp_path / "images")
    assert len(again.recipe.metadata["hashes"]["graph"]) == 64
    (environment,) = again.environments()
    assert environment["packages"]["torch"] == torch.__version__ and environment["command"] == sys.argv
    assert [event.kind for event in again.read_events()] == ["start", "step"]
    assert again.last_event() == again.read_events()[-1]
    assert again.checkpoints.is_dir()


def test_weights_carry_the_graph_and_can_be_those_of_an_average(tmp_path):
    run, model = a_run(tmp_path), composer.compile(loads(GRAPH))
    run.write_weights("last", model)
    run.write_weights("best", model, {name: torch.zeros_like(value) for name, value in model.state_dict().items()})
    assert torch.equal(composer.load(run.weights("last")).conv.weight, model.conv.weight)
    assert not composer.load(run.weights("best")).conv.weight.any()


def test_a_run_does_not_start_in_a_folder_that_is_not_empty(tmp_path):
    run = a_run(tmp_path)
    run.close()
    with pytest.raises(GraphError) as refused:
        a_run(tmp_path)
    assert codes(refused) == ["run-exists"]
    fix = refused.value.problems[0].fix
    assert fix is not None and f"--resume {run.path}" in fix.message
    (tmp_path / "empty").mkdir()
    a_run(tmp_path, "empty")


def test_a_run_that_was_killed_before_it_had_a_recipe_begins_anew(tmp_path):
    run = a_run(tmp_path)
    run.close()
    (run.path / "recipe.yaml").unlink()
    (run.path / ".composer-0123.tmp").touch()
    again = a_run(tmp_path)
    assert [event.kind for event in again.read_events()] == ["start", "step"]
    assert not list(run.path.glob(".*"))


@pytest.mark.parametrize("name", ["graph.yaml", "notes.txt", "checkpoints"])
def test_a_run_does_not_start_in_a_folder_with_files_of_the_user(tmp_path, name):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / name).touch()
    with pytest.raises(GraphError) as refused:
        a_run(tmp_path)
    assert codes(refused) == ["run-exists"]


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, lambda path: None])
def test_a_folder_that_is_no_run_is_refused(tmp_path, make):
    make(tmp_path / "other")
    with pytest.raises(GraphError) as refused:
        RunFolder.open(tmp_path / "other")
    assert codes(refused) == ["no-run"]


def test_two_writers_are_refused(tmp_path):
    run = a_run(tmp_path)
    with pytest.raises(GraphError) as refused:
        RunFolder.open(run.path).write()
    assert codes(refused) == ["run-busy"]
    run.close()
    again = RunFolder.open(run.path).write()
    assert len(again.environments()) == 2


def test_two_hundred_truncations_never_keep_a_run_from_being_opened(tmp_path):
    run = a_run(tmp_path)
    run.write_evaluation(1, {"accuracy": 0.5})
    run.close()
    files = [path for path in run.path.iterdir() if path.is_file()]
    draw = random.Random(0)
    for _ in range(200):
        shutil.rmtree(tmp_path / "cut", ignore_errors=True)
        shutil.copytree(run.path, tmp_path / "cut")
        for path in draw.sample(files, draw.randint(1, len(files))):
            os.truncate(tmp_path / "cut" / path.name, draw.randint(0, path.stat().st_size))
        found = RunFolder.open(tmp_path / "cut")
        found.read_status()
        found.last_event(), found.last_checkpoint(), found.evaluation(), found.environments()
        assert [event.step for event in found.read_events()] in ([], [0], [0, 1])
        with found.write().events as log:
            log.append("step", 2)
        assert found.read_events()[-1].step == 2


def test_a_damaged_recipe_or_graph_is_reported_when_it_is_read(tmp_path):
    run = a_run(tmp_path)
    os.truncate(run.path / "recipe.yaml", 20)
    (run.path / "graph.yaml").unlink()
    found = RunFolder.open(run.path)
    with pytest.raises(GraphError):
        found.recipe.model_dump()
    with pytest.raises(GraphError):
        found.graph.modes  # noqa: B018


def test_another_graph_or_other_data_is_refused_on_resume(tmp_path):
    run = RunFolder.create(tmp_path / "run", loads_recipe(RECIPE), loads(GRAPH), hashes={"train": "a"})
    run.refuse_changes({"train": "a", "val": "b"})
    text = (run.path / "graph.yaml").read_text()
    (run.path / "graph.yaml").write_text(text.replace("kernel_size: 3", "kernel_size: 1"))
    with pytest.raises(GraphError) as refused:
        RunFolder.open(run.path).refuse_changes({"train": "c"})
    assert codes(refused) == ["run-changed", "run-changed"]


def test_recipe_paths_are_relative_to_the_run_folder():
    text = "graph: g.yaml\nweights: ../w.safetensors\ndata: {train: {path: a}, val: {path: /b}}\n"
    found = resolved(loads_recipe(text), Path("/home/me/recipes"))
    assert (found.graph, found.weights) == ("/home/me/recipes/g.yaml", "/home/me/w.safetensors")
    assert found.data.val is not None and (found.data.train.path, found.data.val.path) == ("/home/me/recipes/a", "/b")
    beside = resolved(
        loads_recipe("graph: g.yaml\ndata: {train: {path: a.json, images: b, split: c}}"), Path("/home/me")
    )
    assert beside.data.train.options == {"images": "/home/me/b", "split": "c"}
    kept = resolved(loads_recipe("graph: g.yaml\ndata: {train: {path: mnist, format: huggingface}}"), Path("/home/me"))
    assert kept.data.train.path == "mnist"
    odd = resolved(loads_recipe("graph: g.yaml\ndata: {train: {path: a, format: coco, images: 5}}"), Path("/home/me"))
    assert odd.data.train.options == {"images": 5}, "refused where the data is read, with the other options"


def test_a_killed_process_is_reported_as_died_with_its_last_checkpoint(tmp_path):
    run = a_run(tmp_path)
    run.close()
    with subprocess.Popen([sys.executable, "-c", RUNNING, run.path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "there\n"
        assert run.read_status().state == "running"
        (run.checkpoints / "step-7.pt").touch()
        (run.path / "output.log").write_bytes(b"training\nRuntimeError: \xff bad\n\n")
        process.send_signal(signal.SIGKILL)
    status = run.read_status()
    assert (status.state, status.step) == ("died", 7)
    for words in ("step 7 of 9", "RuntimeError", "step-7.pt", f"composer train --resume {run.path}"):
        assert words in status.message


def test_a_run_that_never_wrote_a_checkpoint_says_so(tmp_path):
    run = a_run(tmp_path)
    path = run.path / "status.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "pid": 2**22 + 1}))
    assert "no checkpoint was written" in run.read_status().message


def test_another_process_with_the_same_number_is_not_taken_for_it(tmp_path):
    writer = StatusWriter(tmp_path / "status.json")
    writer.write("running")
    found = read_status(tmp_path / "status.json")
    assert found is not None and found.state == "running" and found.started == process_start(os.getpid())
    writer.status = replace(writer.status, started="another boot:1")
    writer.write("running")
    found = read_status(tmp_path / "status.json")
    assert found is not None and found.state == "died"


@pytest.mark.parametrize("state", ["finished", "stopped", "failed"])
def test_a_run_that_ended_in_order_has_not_died(tmp_path, state):
    writer = StatusWriter(tmp_path / "status.json")
    writer.status = replace(writer.status, pid=2**22 + 1)
    writer.write(state, "why")
    found = read_status(tmp_path / "status.json")
    assert found is not None and (found.state, found.message) == (state, "why")


def test_a_run_of_another_machine_dies_with_its_heartbeat(tmp_path):
    writer = StatusWriter(tmp_path / "status.json")
    writer.status = replace(writer.status, host="elsewhere", pid=2**22 + 1)
    writer.write("running")
    found = read_status(tmp_path / "status.json")
    assert found is not None and found.state == "running"
    (tmp_path / "status.json").write_text(json.dumps(replace(found, heartbeat=time.time() - 3600).to_json()))
    found = read_status(tmp_path / "status.json")
    assert found is not None and found.state == "died"
    writer.write("running")
    with pytest.raises(GraphError) as refused:
        stop_run(tmp_path / "status.json")
    assert codes(refused) == ["run-elsewhere"]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"state": "happy"}', '{"state": ' * 3000])
def test_a_damaged_status_file_is_treated_as_missing(tmp_path, text):
    (tmp_path / "status.json").write_text(text)
    assert read_status(tmp_path / "status.json") is None


def test_a_status_with_wrong_values_keeps_the_right_ones():
    assert Status.of_json({"state": "finished", "step": "many", "steps": 4, "new": 1}) == Status("finished", steps=4)


def test_heartbeats_are_seldom_written_and_a_state_always(tmp_path):
    writer = StatusWriter(tmp_path / "status.json")
    writer.write("running")
    before = (tmp_path / "status.json").read_text()
    for step in range(100):
        writer.beat(step=step)
    assert (tmp_path / "status.json").read_text() == before
    writer.write("stopped", step=100)
    found = read_status(tmp_path / "status.json")
    assert found is not None and (found.state, found.step) == ("stopped", 100)


def test_a_run_is_asked_to_stop_or_killed(tmp_path):
    for kill, expected in ((False, signal.SIGTERM), (True, signal.SIGKILL)):
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
        run = a_run(tmp_path)
        run.close()
        with subprocess.Popen([sys.executable, "-c", RUNNING, run.path], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None and process.stdout.readline() == "there\n"
            assert stop_run(run.path / "status.json", kill=kill)
            assert process.wait(60) == -expected
        assert not stop_run(run.path / "status.json")


def test_runs_are_found_the_newest_first(tmp_path):
    for number, name in enumerate(["one", "deep/two", "three"]):
        run = a_run(tmp_path, name)
        run.close()
        os.utime(run.path / "recipe.yaml", (number, number))
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "recipe.yaml").write_text(RECIPE)
    assert [run.name for run in runs_in(tmp_path)] == ["three", "two", "one"]
    assert [run.name for run in runs_in(tmp_path / "one")] == ["one"]
    assert runs_in(tmp_path / "nowhere") == []


def test_a_new_run_is_named_by_its_graph_and_the_time():
    graph = replace(loads(GRAPH), name="a/b c")
    assert new_name(graph, 0).startswith("a-b-c-19")


def test_runs_that_begin_in_the_same_second_have_folders_of_their_own(tmp_path):
    recipe, graph = loads_recipe(RECIPE), loads(GRAPH)
    name = new_name(graph, 0)
    places = [new_folder(tmp_path / "runs", name) for _ in range(3)]
    for place in places:
        RunFolder.create(place, recipe, graph)
    assert [place.name for place in places] == [name, f"{name}-2", f"{name}-3"]
    assert len(runs_in(tmp_path / "runs")) == 3
    (tmp_path / "file").write_text("")
    with pytest.raises(GraphError, match="cannot be made"):
        new_folder(tmp_path / "file", name)
