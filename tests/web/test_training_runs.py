"""Trainings of the browser: processes of their own, with files as their state."""

import itertools
import json
import math
import os
import re
import time
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from composer.catalog import Catalog
from composer.graph import Graph
from composer.graph.file import dumps, loads
from composer.problems import GraphError
from composer.training.data.source import FORMATS, options_of, path_options
from composer.training.node_statistics import NodeReport, NodeStatistics
from composer.training.recipe import Data, Recipe, Split, loads_recipe
from composer.training.runs.folder import RunFolder
from composer.training.runs.status import process_start
from composer.web.setup_payloads import CheckResult
from composer.web.training import Training
from composer.web.training.folders import confined
from composer.web.training.payloads import (
    TrainCompareRequest,
    TrainHave,
    TrainKeepRequest,
    TrainNameRequest,
    TrainNodesRequest,
    TrainRunRequest,
    TrainRunsRequest,
    TrainStartRequest,
    TrainStopRequest,
)
from composer.web.training.places import Places
from composer.web.training.requests import Request, read_request, write_request
from composer.web.training.start import placed
from composer.web.workspace import Workspace

ROOT = Path(__file__).parents[2]
RECIPE = "graph: graph.yaml\ndata: {train: {path: images}}\nepochs: 1\nevaluation: {best: accuracy}\n"
OUTSIDE = ["../x", "/etc", "a/../../x", "~", "~/x", "a\\..\\x", "", " ", "a\0b", "x" * 2000]


@pytest.fixture
def workspace(tmp_path):
    folder = tmp_path / "graphs"
    (folder / "images" / "cat").mkdir(parents=True)
    return folder


@pytest.fixture
def training(workspace):
    return opened(workspace)


def opened(workspace):
    """What stands behind the tab, as a server has it that was just started; nothing runs by itself."""
    return Training(workspace, (), loads, Catalog.default, lambda graph: None, None)


def graph() -> Graph:
    return Graph(name="tiny")


def made(training, name, steps=3, state="finished", **values):
    """A run as a training leaves it, without one."""
    run = RunFolder.create(training.places.runs / name, loads_recipe(RECIPE), graph())
    run.events.append("start", 0, steps=steps, epoch=0)
    for step in range(1, steps + 1):
        run.events.append("step", step, loss=1 / step, **values)
    run.events.append("evaluation", steps, accuracy=0.5, val_loss=math.nan)
    run.status.write(state, step=steps, steps=steps)
    run.close()
    return run


def look(training, name, **more):
    return training.runs.look(TrainRunRequest(name=name, **more))


def codes(error):
    return [problem.code for problem in error.value.problems]


@pytest.mark.parametrize("name", [*OUTSIDE, "..", ".", ".queue", "a/b", "con", "<b>"])
def test_run_names_that_are_paths_are_refused(training, name):
    for call in (
        lambda: look(training, name[:200]),
        lambda: training.runs.stop(TrainStopRequest(name=name[:200])),
        lambda: training.runs.resume(TrainNameRequest(name=name[:200])),
        lambda: training.runs.delete(TrainNameRequest(name=name[:200])),
    ):
        with pytest.raises(GraphError):
            call()


@pytest.mark.parametrize("name", OUTSIDE)
def test_data_lies_in_the_workspace(workspace, name):
    with pytest.raises(GraphError) as error:
        Places(workspace).data(name)
    assert codes(error) == ["bad-file-name"]


def test_a_link_out_of_the_workspace_is_not_followed(training, workspace, tmp_path):
    (tmp_path / "secret").mkdir()
    (workspace / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(GraphError) as error:
        training.places.data("link")
    assert codes(error) == ["bad-file-name"]
    training.places.runs.mkdir()
    (training.places.runs / "run").symlink_to(tmp_path / "secret")
    with pytest.raises(GraphError):
        training.runs.delete(TrainNameRequest(name="run"))
    assert (tmp_path / "secret").is_dir() and training.places.names() == []


@pytest.mark.parametrize(
    "recipe",
    [
        "data: {train: {path: /etc}}",
        "data: {train: {path: ../x}}",
        "data: {train: {path: images}, val: {path: ../../x}}",
        "data: {train: {path: images, format: csv, images: /etc}}",
        "data: {train: {path: images, masks: [1]}}",
        "data: {train: {path: images}}\nweights: /etc/passwd",
        "data: {train: {path: user/set, format: huggingface}}",
        "data: {train: {path: 'https://evil.example/x'}}",
    ],
)
def test_no_path_of_a_recipe_leaves_the_workspace(training, recipe):
    with pytest.raises(GraphError):
        training.starter.start(TrainStartRequest(document=drawn(), recipe=recipe))
    assert training.places.names() == []


@pytest.mark.parametrize("option", path_options())
def test_no_format_reads_beside_its_data_what_lies_out_of_the_workspace(training, workspace, option):
    (workspace.parent / "secret").mkdir()
    takes = [reader.name for reader in FORMATS if option in options_of(reader)]
    assert takes
    for name, split in itertools.product([*takes, None], ("train", "val")):
        for path in ("../secret", str(workspace.parent / "secret"), "images/../../secret"):
            chosen = Split.model_validate({"path": "images", "format": name, option: path})
            data = {"train": Split(path="images"), split: chosen}
            recipe = Recipe(graph="graph.yaml", data=Data.model_validate(data))
            with pytest.raises(GraphError) as refused:
                placed(recipe, training.places)
            assert codes(refused) == ["bad-file-name"]
            with pytest.raises(GraphError) as refused:
                confined(recipe, workspace, "")
            assert codes(refused) == ["bad-file-name"]


def test_the_options_that_hold_paths_are_those_that_are_documented_as_such():
    described = {
        option
        for reader in FORMATS
        for option in options_of(reader)
        if re.search(rf"^ +{option}: .*from the recipe's folder", reader.opens.__doc__ or "", re.MULTILINE)
    }
    assert described == set(path_options())


def drawn() -> str:
    return (ROOT / "saved_graphs/classification/fashion_mnist.yaml").read_text()


def test_waiting_trainings_are_kept_in_files_in_their_order(training):
    training.queue.at_once = 0
    names = [training.starter.start(TrainStartRequest(document=drawn(), data="images")).name for _ in range(3)]
    assert len(set(names)) == 3
    again = opened(training.places.workspace)
    rows = {row.name: row for row in again.runs.table(TrainRunsRequest()).rows}
    assert [rows[name].position for name in names] == [1, 2, 3]
    assert {row.state for row in rows.values()} == {"queued"}
    training.runs.stop(TrainStopRequest(name=names[0]))
    assert again.queue.waiting() == names[1:]
    assert not (training.places.runs / names[0]).exists()
    assert (training.places.runs / names[1] / "recipe.yaml").is_file()


def test_a_full_disk_refuses_a_training_before_it_begins(training):
    training.queue.least_disk = 2**62
    with pytest.raises(GraphError) as error:
        training.starter.start(TrainStartRequest(document=drawn(), data="images"))
    assert codes(error) == ["cannot-write"] and "free" in error.value.problems[0].message
    assert training.places.names() == []


def test_a_training_that_waits_for_memory_says_so(training):
    training.queue.least_memory = 2**62
    name = training.starter.start(TrainStartRequest(document=drawn(), data="images")).name
    assert look(training, name).row.state == "queued"
    assert "waits for memory" in look(training, name).row.message


def checked(training, recipe="graph: x\ndata: {train: {path: images}}\n", document=None, **counted):
    """Have a check of the training that ``begin`` starts say so."""
    values = {"peak": None, "usual": None, "limit": None, "largest": None, "seconds": None, "low": None, "high": None}
    values |= {"disk": None, "free": None, "device": "cpu", **counted}
    result = CheckResult(state="ok", findings=[], nodes={}, **values)
    drawn_graph = training.starter.graph_of(document or drawn())
    training.setup.forecasts.remember(drawn_graph, training.setup.recipes.whole(recipe, ""), result)


def begin(training, **more):
    return training.starter.start(TrainStartRequest(document=drawn(), data="images", **more)).name


def test_a_training_that_can_never_fit_is_refused_with_the_numbers_and_what_to_do(training):
    checked(training, peak=2**50, largest=7)
    with pytest.raises(GraphError) as error:
        begin(training)
    assert codes(error) == ["out-of-memory"] and training.places.names() == []
    text = error.value.problems[0].message
    assert "1,048,576 GiB at the peak" in text and "set batches.batch to 7 at most (it is 32)" in text
    checked(training, peak=2**50, largest=7, device="cuda")  # of an accelerator's memory, not of this machine's
    begin(training)


def test_a_training_whose_checkpoints_have_no_room_is_refused_with_the_numbers(training):
    checked(training, disk=2**60)
    with pytest.raises(GraphError) as error:
        begin(training)
    assert codes(error) == ["cannot-write"] and training.places.names() == []
    assert "for 2 checkpoints and the weights: lower checkpoints.keep" in error.value.problems[0].message
    checked(training, disk=2**20)
    assert begin(training)


def test_a_training_waits_for_the_memory_that_its_check_counted(training, monkeypatch):
    monkeypatch.setattr("composer.web.training.queue.whole_bytes", lambda: 2**40)
    monkeypatch.setattr("composer.web.training.queue.free_bytes", lambda: 3 * 2**30)
    checked(training, peak=5 * 2**30, largest=16)
    name = begin(training)
    message = look(training, name).row.message
    assert message.startswith("waits for memory: 3 GiB are free, and it takes 5 GiB at the peak by its check")
    assert "set batches.batch to 16 at most (it is 32)" in message
    again = opened(training.places.workspace)  # the numbers are in the folder, for any server
    assert look(again, name).row.message == message
    monkeypatch.setattr("composer.web.training.queue.free_bytes", lambda: 6 * 2**30)
    assert training.queue.shortage(read_request(training.places.run(name))) == ""


def test_only_the_training_that_was_checked_is_held_to_its_check(training):
    document = dumps(loads(drawn()))
    checked(training, document=document, peak=2**50)
    moved = document + "metadata: {layout: {image: [5, 5]}}\n"
    with pytest.raises(GraphError):
        training.starter.start(TrainStartRequest(document=moved, data="images"))
    other = "data: {train: {path: images}}\nbatches: {batch: 2}\n"
    assert training.starter.start(TrainStartRequest(document=document, recipe=other)).name


@pytest.mark.parametrize("needs", [None, 5, {"memory": "much"}, {"memory": True, "x": 1}])
def test_a_request_without_a_check_can_be_read(training, needs):
    folder = made(training, "one").path
    write_request(folder, Request("begin", 1.0))
    data = json.loads((folder / "request.json").read_text())
    (folder / "request.json").write_text(json.dumps({**data, "needs": needs}))
    assert read_request(folder) == Request("begin", 1.0)


def test_the_table_shows_the_results_of_each_run(training):
    made(training, "one")
    [row] = training.runs.table(TrainRunsRequest()).rows
    assert (row.state, row.step, row.metric, row.best, row.best_step) == ("finished", 3, "accuracy", 0.5, 3)
    assert row.graph == "tiny" and row.complete


@pytest.mark.parametrize(("expected", "shown"), [({"memory": 2**30, "peak": 2**20}, 2**30), ({"message": "no"}, None)])
def test_memory_stands_beside_its_forecast(training, expected, shown):
    run = made(training, "a", state="running", memory=3 * 2**20)
    run.write()
    run.events.append("forecast", 0, **expected)
    run.status.write("running", step=3, steps=3)
    found = look(training, "a")
    assert (found.memory, found.forecast) == (3 * 2**20, shown)
    run.status.write("finished", step=3, steps=3)
    assert look(training, "a").forecast is None
    run.close()


def test_a_page_that_opens_has_a_run_with_the_table(training):
    assert training.runs.table(TrainRunsRequest(look="")).run is None
    made(training, "one")
    made(training, "two")
    for wanted, found in (("", "two"), ("one", "one"), ("gone", "two")):
        run = training.runs.table(TrainRunsRequest(look=wanted)).run
        assert run is not None and run.row.name == found and run == look(training, found)
    assert training.runs.table(TrainRunsRequest()).run is None


def test_not_a_number_is_counted_and_never_breaks_the_answer(training):
    made(training, "one", noise=math.inf)
    view = look(training, "one")
    curve = view.curves["noise"]
    assert curve.broken == [1, 1, 1] and curve.mean == [None] * 3 and curve.last is None
    assert view.metrics == {"accuracy": 0.5, "val_loss": None}
    json.loads(view.model_dump_json(), parse_constant=lambda word: pytest.fail(word))


def test_a_page_gets_the_points_that_it_does_not_have(training):
    made(training, "one", steps=10)
    first = look(training, "one").curves["loss"]
    assert first.first == 0 and len(first.step) == 10
    again = look(training, "one", have={"loss": TrainHave(mark=first.mark, points=10)}).curves["loss"]
    assert again.first == 9 and again.step == [10]
    other = look(training, "one", have={"loss": TrainHave(mark="other", points=10)}).curves["loss"]
    assert other.first == 0 and len(other.step) == 10


def test_a_run_whose_process_is_gone_is_shown_as_died_with_the_end_of_its_output(training):
    run = made(training, "one", state="running")
    status = json.loads((run.path / "status.json").read_text())
    (run.path / "status.json").write_text(json.dumps({**status, "pid": 2**22 + 5}))
    (run.path / "output.log").write_text("some words\n\x1b[31mthe last ones")
    view = look(training, "one")
    assert view.row.state == "died" and "the last ones" in view.row.message
    assert "no checkpoint" in view.resumable
    assert view.output == ["some words", "[31mthe last ones"]


def test_a_process_that_ended_before_it_trained_is_reported_with_what_it_printed(training, workspace):
    folder = training.places.runs / "one"
    folder.mkdir(parents=True)
    write_request(folder, Request("begin", time.time(), pid=2**22 + 5, started="x", host=os.uname().nodename))
    (folder / "output.log").write_text("error: the folder holds no images\n")
    view = look(training, "one")
    assert view.row.state == "failed" and "holds no images" in view.row.message


def test_a_run_that_goes_on_is_not_deleted(training):
    folder = made(training, "one").path
    own = os.getpid()
    write_request(folder, Request("resume", time.time(), pid=own, started=process_start(own), host=os.uname().nodename))
    with pytest.raises(GraphError) as error:
        training.runs.delete(TrainNameRequest(name="one"))
    assert codes(error) == ["run-busy"] and folder.is_dir()


def test_a_run_that_goes_on_has_no_rate_and_no_time_left_before_its_first_step(training):
    folder = made(training, "one", state="stopped", rate=20.0).path
    before = look(training, "one")
    assert before.rate is not None
    own = os.getpid()
    write_request(folder, Request("resume", time.time(), pid=own, started=process_start(own), host=os.uname().nodename))
    view = look(training, "one")
    assert (view.row.state, view.rate, view.left) == ("starting", None, None)


def test_a_run_that_ended_is_deleted_with_its_files(training):
    folder = made(training, "one").path
    training.runs.delete(TrainNameRequest(name="one"))
    assert not folder.exists() and training.runs.table(TrainRunsRequest()).rows == []


def test_trained_weights_are_kept_beside_a_graph_that_is_saved(training, workspace):
    run = made(training, "one")
    (workspace / "mine.yaml").write_text(dumps(graph()))
    request = TrainKeepRequest(name="one", file="mine.yaml")
    with pytest.raises(GraphError) as error:
        training.results.keep(request)
    assert codes(error) == ["no-weights"]
    run.weights("last").write_bytes(b"the last ones")
    run.weights("best").write_bytes(b"the best ones")
    assert training.results.keep(request).file == "mine.safetensors"
    assert (workspace / "mine.safetensors").read_bytes() == b"the best ones"
    with pytest.raises(GraphError) as error:
        training.results.keep(TrainKeepRequest(name="one", file="other.yaml"))
    assert codes(error) == ["no-file"]


def test_a_download_is_known_by_its_token_alone(training):
    run = made(training, "one")
    run.weights("best").write_bytes(b"weights")
    files = training.results.files(TrainNameRequest(name="one")).files
    assert [file.name for file in files[:1]] == ["one-best.safetensors"]
    app = Starlette(routes=[training.downloads.route])
    with TestClient(app) as client:
        found = client.get(files[0].address)
        assert found.content == b"weights" and "one-best.safetensors" in found.headers["content-disposition"]
        for other in ("x", "../one", "%2e%2e%2fone", str(run.path)):
            assert client.get(f"/composer-files/{other}").status_code == 404
        run.weights("best").unlink()
        assert client.get(files[0].address).status_code == 404


def test_any_content_of_an_evaluation_file_is_read_or_ignored(training):
    run = made(training, "one")
    request = TrainNameRequest(name="one")
    assert training.results.evaluation(request).step == 0
    for odd in (
        "[]",
        "{",
        '{"step": "x", "A": {"classes": 3, "confusion": [1, [2]], "wrong": [1, {"index": "/etc"}]}}',
    ):
        (run.path / "evaluation.json").write_text(odd)
        assert training.results.evaluation(request).wrong == []
    rows = [{"name": name, "precision": 1, "recall": None, "count": 3} for name in ("cat", "dog")]
    wrong = [{"index": 0, "name": "a.png", "label": 0, "answer": 1, "score": 0.9}]
    node = {"classes": rows, "confusion": [[1, 2], [0, 3]], "wrong": wrong}
    (run.path / "evaluation.json").write_text(json.dumps({"step": 3, "Accuracy": node}))
    found = training.results.evaluation(request)
    assert found.confusion == [[1, 2], [0, 3]]
    assert [(one.right, one.answered, one.count) for one in found.confused] == [("cat", "dog", 2)]
    assert [(one.right, one.answer, one.image) for one in found.wrong] == [("cat", "dog", "")]


def test_two_runs_differ_in_keys_and_parts(training):
    one, other = made(training, "one"), made(training, "other")
    text = (other.path / "recipe.yaml").read_text().replace("epochs: 1", "epochs: 7")
    (other.path / "recipe.yaml").write_text(text)
    found = training.results.compare(TrainCompareRequest(one="one", other="other"))
    assert [(change.key, change.one, change.other) for change in found.recipe] == [("epochs", "1", "7")]
    assert found.graph == []
    (one.path / "recipe.yaml").unlink()
    with pytest.raises(GraphError):
        training.results.compare(TrainCompareRequest(one="one", other="other"))


def test_stop_never_kills_a_process_that_is_not_of_the_run(training):
    run = made(training, "one", state="running")
    found = json.loads((run.path / "status.json").read_text())
    (run.path / "status.json").write_text(json.dumps({**found, "pid": os.getpid(), "started": ""}))
    with pytest.raises(GraphError) as error:
        training.runs.stop(TrainStopRequest(name="one", kill=True))
    assert codes(error) == ["no-run"]  # and this process goes on


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kind": "x"}', '{"kind": "begin", "at": "now"}', "[" * 10000])
def test_a_damaged_request_is_ignored(tmp_path, text):
    (tmp_path / "request.json").write_text(text)
    assert read_request(tmp_path) is None


def test_runs_are_no_graphs_of_the_gallery(training, workspace):
    made(training, "one")
    (workspace / "mine.yaml").write_text(dumps(graph()))
    assert Workspace(workspace).names("workspace") == ["mine.yaml"]
    for name in ("runs/one/graph.yaml", "Runs/mine.yaml"):
        with pytest.raises(GraphError) as error:
            Workspace(workspace).save(graph(), name, Catalog.default())
        assert codes(error) == ["bad-file-name"]


NODES = """
schema: 1
name: two
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
data_samples:
  label: {type: Label, shape: [B]}
classes: [cat, dog]
nodes:
  pool: {type: GlobalAveragePooling, inputs: {feature: image}}
  head: {type: LinearClsHead, params: {num_classes: 2}, inputs: {feature: pool.out}}
  loss: {type: CrossEntropyLoss, inputs: {pred: head.out, target: label}}
outputs:
  loss: {loss: loss.out}
"""


def test_the_newest_node_statistics_are_read_with_nan_by_name(training):
    run = RunFolder.create(training.places.runs / "a", loads_recipe(RECIPE), loads(NODES))
    nothing = training.nodes.look(TrainNodesRequest(name="a"))
    assert (nothing.step, nothing.nodes, nothing.differs) == (None, {}, None)
    head = NodeStatistics(mean=math.nan, std=1.5, bad=3, weight=2.0, gradient=math.inf)
    for step in (1, 51):
        report = NodeReport({"pool": NodeStatistics(0.5, 0.25), "head": head}, first_bad="head")
        run.events.append("nodes", step, **report.to_values())
    run.close()
    found = training.nodes.look(TrainNodesRequest(name="a"))
    assert (found.step, found.first_bad, found.outputs, list(found.nodes)) == (51, "head", True, ["pool", "head"])
    node = found.nodes["head"]
    assert (node.mean, node.std, node.bad, node.gradient) == (None, 1.5, 3, None)
    assert node.not_finite == ["mean", "gradient"]
    assert json.dumps(found.model_dump(mode="json"), allow_nan=False)


def test_another_graph_than_that_of_the_run_is_reported_by_its_nodes(training):
    RunFolder.create(training.places.runs / "a", loads_recipe(RECIPE), loads(NODES)).close()

    def differs(text):
        return training.nodes.look(TrainNodesRequest(name="a", document=text)).differs

    assert differs(NODES) == ""
    assert differs(NODES.replace("cat, dog", "mouse, dog")) == ""
    renamed = differs(NODES.replace("pool", "gap"))
    assert renamed == "The graph on the canvas is not that of the run: it lacks pool; it has beside gap."
    other = differs(NODES.replace("GlobalAveragePooling", "Nothing"))
    assert other == "The graph on the canvas is not that of the run: of another type are pool."
    assert differs("nonsense").startswith("The graph on the canvas has problems")


@pytest.mark.parametrize("name", ["gone", *OUTSIDE])
def test_nodes_of_runs_that_are_not_there_are_refused(training, name):
    with pytest.raises((GraphError, ValueError)):
        training.nodes.look(TrainNodesRequest(name=name))
