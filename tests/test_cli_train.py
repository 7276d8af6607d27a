"""`composer train` and `composer evaluate`: from a folder of images to weights that answer."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

import composer
from composer.cli import training_input
from composer.cli.app import app
from composer.training import loads_recipe, read_recipe
from composer.training.progress import Progress
from composer.training.runs.folder import RunFolder

GRAPH = """\
schema: 1
name: tiny
inputs:
  image: {type: Image, shape: [B, 3, 8, 8], preprocess: {resize: [8, 8], mean: [128, 128, 128], std: [64, 64, 64]}}
data_samples:
  label: {type: Label, shape: [B]}
nodes:
  conv: {type: Conv2d, params: {out_channels: 6, kernel_size: 3}, inputs: {input: image}}
  neck: {type: GlobalAveragePooling, inputs: {feature: conv.out}}
  head: {type: LinearClsHead, params: {num_classes: CLASSES}, inputs: {feature: neck.out}}
  loss: {type: CrossEntropyLoss, inputs: {pred: head.out, target: label}}
  prediction: {type: ClassPrediction, inputs: {logits: head.out}}
outputs:
  tensor: {features: neck.out}
  loss: {loss: loss.out}
  predict: {scores: prediction.scores, labels: prediction.labels}
"""
COLOURS = {"blue": (30, 40, 220), "green": (40, 210, 40), "red": (220, 30, 30)}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("tiny.yaml").write_text(GRAPH.replace("CLASSES", "3"))
    Path("ten.yaml").write_text(GRAPH.replace("CLASSES", "10"))
    draw = np.random.RandomState(0)
    for split, count in (("train", 8), ("val", 3)):
        for name, colour in COLOURS.items():
            Path("images", split, name).mkdir(parents=True)
            for number in range(count):
                pixels = np.clip(draw.normal(colour, 12, (9, 9, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(Path("images", split, name, f"{number}.png"))
    return tmp_path


def ran(*words, code=0, stdin=None):
    result = CliRunner().invoke(app, [*map(str, words)], input=stdin)
    assert result.exit_code == code, result.output
    return result


def trained(*words, code=0):
    return ran("train", *words, "--batch", 6, "--workers", 0, "--device", "cpu", code=code)


def test_a_graph_and_a_folder_become_weights_that_answer(folder):
    result = trained("tiny.yaml", "--data", "images", "--steps", 6, "--lr", 0.05, "--seed", 3, "--out", "run")
    assert "24 samples of 3 classes to train on, 9 to measure on" in result.stderr
    assert "finished after 6 steps: accuracy" in result.stdout and "run: run" in result.stdout
    assert "composer run run/best.safetensors --input IMAGE" in result.stdout
    run = RunFolder.open("run")
    assert run.read_status().state == "finished"
    recipe = run.recipe
    assert (recipe.steps, recipe.epochs, recipe.seed, recipe.batches.batch) == (6, None, 3, 6)
    assert recipe.optimizer is not None and recipe.optimizer.lr == 0.05
    assert recipe.data.train.path == str(folder / "images")
    first, ahead = run.read_events()[:2]
    assert (first.kind, ahead.kind) == ("start", "forecast")
    assert ahead.values["memory"] > ahead.values["peak"] > 0 and ahead.values["batch"] == 6
    answered = ran("run", "run/best.safetensors", "--input", "images/val/red/0.png", "--device", "cpu")
    assert any(name in answered.stdout for name in COLOURS)
    measured = json.loads(ran("evaluate", "run", "--workers", 0, "--device", "cpu", "--json").stdout)
    assert measured["samples"] == 9 and measured["values"]["accuracy"] == run.evaluation()["values"]["accuracy"]
    table = ran("evaluate", "run/last.safetensors", "--data", "images/train", "--workers", 0, "--device", "cpu")
    assert "accuracy" in table.stdout and "24 samples of images/train" in table.stderr and "right class" in table.stdout
    again = trained("tiny.yaml", "--data", "images", "--steps", 1, "--out", "run", code=2)
    assert "run-exists" in again.stderr and "--resume run" in again.stderr


class Impatient(Progress):
    """Asks the process to end, as a scheduler does, once it has made a step."""

    def __call__(self, kind, step, values):
        super().__call__(kind, step, values)
        if kind == "step":
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_stopped_run_resumes_at_its_step(folder, monkeypatch):
    trained("tiny.yaml", "--data", "images", "--steps", 6, "--out", "whole")
    with monkeypatch.context() as patch:
        patch.setattr("composer.cli.train.Progress", Impatient)
        result = trained("tiny.yaml", "--data", "images", "--steps", 6, "--out", "part")
    assert "stopped after" in result.stdout and "go on with it:   composer train --resume part" in result.stdout
    stopped = RunFolder.open("part").read_status()
    assert stopped.state == "stopped" and 0 < stopped.step < 6
    assert "stopped" in ran("runs", "part").stdout
    result = ran("train", "--resume", "part", "--device", "cpu")
    assert "going on at" in result.stderr and "finished after 6 steps" in result.stdout
    whole, part = (composer.load(f"{name}/last.safetensors").state_dict() for name in ("whole", "part"))
    assert all((whole[name] == part[name]).all() for name in whole)


PICKY = """\
from typing import Annotated

from torch import nn

from composer.ports import FeatureMap

__all__ = ["Picky"]


class Picky(nn.Module):
    def forward(self, feature: Annotated[FeatureMap, "B C H W"]) -> Annotated[FeatureMap, "B C H W"]:
        return feature if feature.is_meta or float(feature.detach().sum()) > -1e9 else -feature
"""


def test_a_component_that_branches_on_values_trains_without_a_memory_forecast(folder):
    Path("parts/necks").mkdir(parents=True)
    Path("parts/necks/picky.py").write_text(PICKY)
    text = GRAPH.replace("CLASSES", "3").replace("{feature: conv.out}", "{feature: picky.out}")
    node = "  picky: {type: Picky, inputs: {feature: conv.out}}\n"
    Path("picky.yaml").write_text(text.replace("  neck:", f"{node}  neck:"))
    result = trained("picky.yaml", "--data", "images", "--steps", 1, "--catalog", "parts", "--out", "run")
    assert "finished after 1 steps" in result.stdout
    (ahead,) = RunFolder.open("run").read_events("forecast")
    assert "memory" not in ahead.values and ahead.values["message"].startswith("memory cannot be counted: ")


def test_a_graph_for_other_classes_is_refused_with_the_option_that_fixes_it(folder):
    before = Path("ten.yaml").read_text()
    result = trained("ten.yaml", "--data", "images", "--steps", 1, "--out", "run", code=1)
    assert "data-classes" in result.stderr and "add --fix" in result.stderr and not Path("run").exists()
    result = trained("ten.yaml", "--data", "images", "--steps", 1, "--out", "run", "--fix")
    assert "changed: set classes to those of the data" in result.stderr and "run/graph.yaml" in result.stderr
    assert RunFolder.open("run").graph.classes == ("blue", "green", "red")
    assert Path("ten.yaml").read_text() == before


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("optimizer.type=Lion", "there is no optimizer 'Lion'"),
        ("augment.image=[turn]", "'turn' is no step"),
        ("policy.kneck.lr=2", "did you mean 'neck'?"),
        ("evaluation.metrics=[f1]", "'f1' is no metric"),
        ("ema=true", "found true, expected keys with values: decay,"),
        ("seed=1.5", "found 1.5, expected an integer"),
        ("optimizer.lr=fast", 'found "fast", expected a number'),
        ("optimizer.lr=-1", "found -1, expected at least 0"),
        ("precision=fp8", "found \"fp8\", expected 'fp32', 'bf16' or 'fp16'"),
    ],
)
def test_an_unknown_setting_is_reported_and_no_recipe_is_printed(folder, setting, expected):
    given = ("train", "tiny.yaml", "--data", "images", "--print-recipe", "--set", setting)
    result = ran(*given, code=1)
    assert expected in result.output and "schema:" not in result.output
    assert result.output.count("the graph names no classes") <= 1


def test_ignored_files_and_empty_classes_are_reported_before_the_first_step(folder):
    Path("images/train/red/notes.ico").write_bytes(b"none")
    for file in Path("images/val/red").iterdir():
        file.unlink()
    result = trained("tiny.yaml", "--data", "images", "--epochs", 1).output
    assert "data-left-out" in result and "1 file is no image and was left out: red/notes.ico" in result
    assert "data-empty-class data.val" in result and "1 class has no samples: red" in result
    assert result.index("notes.ico") < result.index("accuracy")


def test_a_damaged_image_stops_a_training_with_the_ways_out_of_it(folder):
    Path("images/train/red/8.png").write_bytes(b"\x89PNG")
    result = ran("train", "tiny.yaml", "--data", "images", "--epochs", 1, code=2).output
    assert "bad-image red/8.png" in result and "or train without such samples: --set data.bad=skip" in result
    trained("tiny.yaml", "--data", "images", "--epochs", 1, "--set", "data.bad=skip", "--out", "skipped")


def test_a_run_remembers_the_classes_of_its_data(folder):
    trained("tiny.yaml", "--data", "images", "--steps", 1, "--out", "run")
    run = RunFolder.open("run")
    assert run.graph.classes == () and run.data_classes == ("blue", "green", "red")
    measure = ("evaluate", "run", "--workers", 0, "--device", "cpu", "--data")
    assert "classes" not in ran(*measure, "images/val").stderr
    Path("images/val").rename("other")
    for name in COLOURS:
        Path("other", name).rename(Path("other", f"dark-{name}"))
    result = ran(*measure, "other").stderr
    assert "the graph's classes are blue, green, red, those of the data dark-blue, dark-green, dark-red" in result
    Path("other", "dark-red").rename("other/red")
    result = ran(*measure, "other", code=1).stderr
    assert "data-classes" in result and "--fix" not in result


def test_a_run_does_not_go_on_with_other_classes(folder, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("composer.cli.train.Progress", Impatient)
        trained("tiny.yaml", "--data", "images", "--steps", 6, "--out", "run")
    for split in ("train", "val"):
        Path("images", split, "red").rename(Path("images", split, "ruby"))
    result = ran("train", "--resume", "run", "--device", "cpu", code=1).stderr
    assert "the classes of the data are blue, green, ruby, and were blue, green, red when the run began" in result
    for split in ("train", "val"):
        Path("images", split, "ruby").rename(Path("images", split, "red"))
    assert "finished after 6 steps" in ran("train", "--resume", "run", "--device", "cpu").stdout


def test_a_user_at_a_terminal_is_asked_before_the_graph_is_fixed(folder, monkeypatch):
    monkeypatch.setattr(training_input, "_may_ask", lambda: True)
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: True)
    trained("ten.yaml", "--data", "images", "--steps", 1, "--out", "run")
    assert RunFolder.open("run").graph.classes == ("blue", "green", "red")
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: False)
    trained("ten.yaml", "--data", "images", "--steps", 1, "--out", "other", code=1)


def test_the_completed_recipe_is_printed_to_edit_and_trains_alike(folder):
    text = ran("train", "ten.yaml", "--data", "images", "--fix", "--epochs", 2, "--print-recipe").stdout
    recipe = loads_recipe(text)
    assert recipe.epochs == 2 and recipe.optimizer is not None and recipe.schedule is not None
    assert not Path("runs").exists()
    Path("mine.yaml").write_text(text)
    trained("mine.yaml", "--fix", "--out", "run", "--steps", 2, "--set", "optimizer.lr=0.125")
    held = RunFolder.open("run").recipe
    assert (held.epochs, held.steps) == (None, 2) and held.optimizer.lr == 0.125


VIT = GRAPH.replace(
    "conv: {type: Conv2d, params: {out_channels: 6, kernel_size: 3}, inputs: {input: image}}",
    "conv: {type: Linear, params: {out_features: 8}, inputs: {input: image}}",
)


@pytest.mark.parametrize("graph", [GRAPH, VIT], ids=["with convolutions", "without convolutions"])
def test_the_printed_recipe_is_the_one_that_is_trained(folder, graph):
    Path("one.yaml").write_text(graph.replace("CLASSES", "3"))
    given = ("one.yaml", "--data", "images", "--steps", 1, "--batch", 6, "--workers", 0)
    printed = loads_recipe(ran("train", *given, "--print-recipe").stdout)
    ran("train", *given, "--out", "run")
    held = RunFolder.open("run").recipe
    keys = ("augment", "batches", "channels_last", "checkpoints", "clip", "optimizer", "schedule", "steps")
    assert [getattr(held, key) for key in keys] == [getattr(printed, key) for key in keys]
    rated = loads_recipe(ran("train", *given, "--lr", 0.5, "--print-recipe").stdout)
    assert rated.clip == printed.clip and rated.optimizer == printed.optimizer.model_copy(update={"lr": 0.5})


def test_paths_of_a_recipe_are_from_its_folder_and_a_saved_model_is_trained_further(folder):
    Path("recipes").mkdir()
    Path("recipes/r.yaml").write_text("graph: ../tiny.yaml\ndata: {train: {path: ../images}}\nsteps: 1\n")
    trained("recipes/r.yaml", "--out", "run")
    result = trained("run/last.safetensors", "--data", "images", "--steps", 1, "--out", "further")
    assert "finished" in result.stdout
    assert RunFolder.open("further").recipe.weights == str(folder / "run" / "last.safetensors")


def test_check_tries_a_training_without_starting_a_run(folder):
    result = ran("train", "tiny.yaml", "--data", "images", "--batch", 6, "--check", "--device", "cpu").stdout
    for item in ("data", "memory", "gradients", "one batch", "resume", "disk"):
        assert item in result
    assert not Path("runs").exists()


def test_the_schema_of_recipes_is_printed():
    assert "properties" in json.loads(ran("train", "--schema").stdout)


def test_a_run_without_a_name_gets_one(folder):
    trained("tiny.yaml", "--data", "images", "--steps", 1)
    (run,) = Path("runs").iterdir()
    assert run.name.startswith("tiny-20")
    assert run.name in ran("runs").stdout


@pytest.mark.parametrize(
    ("words", "code", "expected"),
    [
        (["tiny.yaml"], 1, "--data FOLDER"),
        ([], 2, "name a graph or a recipe"),
        (["gone.yaml", "--data", "images"], 2, "no-file"),
        (["tiny.yaml", "--data", "gone"], 2, "no-file"),
        (["tiny.yaml", "--data", "images", "--epochs", "1", "--steps", "1"], 2, "not both"),
        (["tiny.yaml", "--data", "images", "--set", "epoch=3"], 1, "did you mean 'epochs'?"),
        (["tiny.yaml", "--data", "images", "--set", "evaluation.metrics=[acuracy]"], 1, "did you mean 'accuracy'?"),
        (["tiny.yaml", "--data", "images", "--set", "evaluation.best=acuracy"], 1, "did you mean 'accuracy'?"),
        (["tiny.yaml", "--data", "images", "--device", "abacus"], 2, "abacus"),
        (["tiny.yaml", "--resume", "run"], 2, "keeps its graph"),
        (["--resume", "gone"], 2, "no-run"),
    ],
)
def test_bad_arguments_of_train_are_refused_with_the_reason(folder, words, code, expected):
    result = ran("train", *words, code=code)
    assert expected in " ".join(result.output.split()) and "Traceback" not in result.output
    assert not Path("runs").exists()


def test_options_are_recorded_in_the_recipe_of_the_run_which_trains_again(folder):
    trained("tiny.yaml", "--data", "images", "--epochs", 1, "--seed", 5, "--precision", "bf16", "--out", "run")
    recipe = read_recipe("run/recipe.yaml")
    assert (recipe.epochs, recipe.seed, recipe.precision) == (1, 5, "bf16")
    trained("run/recipe.yaml", "--out", "again")
    one, other = (composer.load(f"{name}/last.safetensors").state_dict() for name in ("run", "again"))
    assert all((one[name] == other[name]).all() for name in one)
