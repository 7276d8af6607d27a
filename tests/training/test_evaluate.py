"""A model is measured without being changed, and a training keeps what was measured."""

import json
import re

import numpy as np
import pytest
import torch
from PIL import Image
from torch import distributed as dist
from torch import multiprocessing

import composer
from composer.catalog import Catalog
from composer.graph.file import loads
from composer.problems import GraphError
from composer.training import loads_recipe
from composer.training.data import ArraySource
from composer.training.data.columns import wiring
from composer.training.data.loading import Loader
from composer.training.evaluate import Evaluator, evaluate
from composer.training.metrics import metrics_for
from composer.training.runs.folder import RunFolder
from composer.training.samples import SampleDrawer, spread

GRAPH = """\
schema: 1
name: tiny
classes: [dark, light, middle]
inputs:
  image: {type: Image, shape: [B, 3, 8, 8], preprocess: {mean: [128, 128, 128], std: [64, 64, 64]}}
data_samples:
  label: {type: Label, shape: [B]}
nodes:
  conv: {type: Conv2d, params: {out_channels: 6, kernel_size: 3}, inputs: {input: image}}
  norm: {type: BatchNorm2d, inputs: {input: conv.out}}
  pool: {type: AdaptiveAvgPool2d, inputs: {input: norm.out}}
  flat: {type: Flatten, inputs: {input: pool.out}}
  drop: {type: Dropout, inputs: {input: flat.out}}
  head: {type: Linear, params: {out_features: 3}, inputs: {input: drop.out}}
  criterion: {type: CrossEntropyLoss, inputs: {pred: head.out, target: label}}
  answer: {type: ClassPrediction, inputs: {logits: head.out}}
outputs:
  tensor: {features: flat.out}
  loss: {loss: criterion.out}
  predict: {scores: answer.scores, labels: answer.labels}
"""
RECIPE = "graph: g.yaml\ndata: {train: {path: .}}\nbatches: {batch: 4, workers: 0}\n"


def a_source(count=23, seed=0):
    draw = np.random.RandomState(seed)
    labels = draw.randint(0, 3, count)
    images = np.clip(
        np.array([20, 235, 128])[labels][:, None, None, None] + draw.normal(0, 9, (count, 8, 8, 3)), 0, 255
    )
    return ArraySource(images.astype(np.uint8), labels, ("dark", "light", "middle"))


def a_model(seed=0):
    torch.manual_seed(seed)
    return composer.compile(loads(GRAPH))


def parts(model, source, names, rank=0, world=1):
    catalog, recipe = Catalog.default(), loads_recipe(RECIPE)
    wires = wiring(model.graph, catalog, recipe, source)
    loader = Loader(recipe, model.graph, catalog, source, wires, training=False, rank=rank, world=world)
    return loader, metrics_for(model.graph, catalog, source, train=source, fields=wires, names=names)


def test_every_sample_counts_once():
    model, source = a_model(), a_source()
    loader, metrics = parts(model, source, ["accuracy", "loss"])
    found = evaluate(model, loader, metrics)
    model.eval()
    images = torch.cat([composer.preprocess(model.graph, source[index]["image"]) for index in range(23)])
    labels = torch.tensor([int(source[index]["label"]) for index in range(23)])
    with torch.no_grad():
        answers = model(images, mode="predict")["labels"]
        loss = model(images, {"label": labels}, mode="loss")["loss"]
    assert found.samples == 23
    assert found.values["accuracy"] == float((answers == labels).double().mean())
    assert found.values["val_loss"] == pytest.approx(float(loss), rel=1e-5)
    assert found.details["Accuracy"]["classes"][0]["name"] == "dark"


def test_evaluation_leaves_the_model_unchanged():
    model, source = a_model(), a_source()
    model.train()
    model.norm.eval()  # as a policy freezes it
    before = {name: value.clone() for name, value in model.state_dict().items()}
    loader, metrics = parts(model, source, ["accuracy", "loss"])
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first = evaluate(model, loader, metrics)
    assert torch.equal(torch.rand(3), expected)
    assert model.training and model.drop.training and not model.norm.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(value.requires_grad and value.grad is None for value in model.parameters())
    assert evaluate(model, loader, metrics).values == first.values


def test_a_sample_that_cannot_be_read_is_named_and_the_model_is_as_it_was():
    model = a_model()
    source = ArraySource(["gone.png"] * 3, [0, 1, 2])
    loader, metrics = parts(model, source, ["accuracy"])
    with pytest.raises(GraphError, match="sample 0"):
        evaluate(model, loader, metrics)
    assert model.training


def test_knn_searches_the_training_samples():
    model, source = a_model(), a_source()
    loader, metrics = parts(model, source, ["knn_3"])
    found = evaluate(model, loader, metrics, reference=loader)
    assert found.values["knn"] > 0.9


@pytest.mark.parametrize(("among", "seen"), [(7, 7), (100, 23)])
def test_knn_among_sets_the_number_of_training_samples_that_are_searched(among, seen):
    model, source, catalog = a_model(), a_source(), Catalog.default()
    recipe = loads_recipe(RECIPE + f"evaluation: {{metrics: [knn_3], knn_among: {among}}}\n")
    wires = wiring(model.graph, catalog, recipe, source)
    evaluator = Evaluator(recipe, model.graph, catalog, source, wires, train=source)
    assert 0 <= evaluator(model, 1)["knn"] <= 1
    known, _ = evaluator.metrics[0].state()
    assert sum(len(vectors) for vectors, *_ in known) == seen


def test_progress_is_reported_over_all_batches():
    model, source = a_model(), a_source()
    loader, metrics = parts(model, source, ["knn_1"])
    calls = []
    evaluate(model, loader, metrics, reference=loader, on_progress=lambda done, total: calls.append((done, total)))
    assert calls == [(done, 12) for done in range(1, 13)]


def test_a_training_keeps_its_evaluation_and_draws_samples(tmp_path):
    model, source, catalog = a_model(), a_source(), Catalog.default()
    recipe = loads_recipe(RECIPE)
    run = RunFolder.create(tmp_path / "run", recipe, model.graph)
    wires = wiring(model.graph, catalog, recipe, source)
    evaluator = Evaluator(recipe, model.graph, catalog, source, wires, train=source, run=run)
    values = evaluator(model, 12)
    assert list(values) == ["accuracy", "mean_class_accuracy", "val_loss"]
    kept = run.evaluation()
    assert kept["step"] == 12 and kept["values"]["accuracy"] == values["accuracy"]
    folder = run.samples / "step-00000012"
    assert len(list(folder.glob("*.jpg"))) == 8
    answers = json.loads((folder / "answers.json").read_text())
    assert [one["index"] for one in answers] == spread(23, 8) and answers[0]["answers"][0]["name"] in source.classes
    evaluator(model, 24)
    again = json.loads((run.samples / "step-00000024" / "answers.json").read_text())
    assert [one["name"] for one in again] == [one["name"] for one in answers]
    run.close()


def test_predicted_boxes_are_drawn_beside_the_ground_truth(tmp_path):
    torch.manual_seed(0)
    model = composer.compile(composer.read("saved_graphs/detection/digits.yaml"))
    boxes = [np.array([[8, 8, 40, 40]], np.float32), np.zeros((0, 4), np.float32)]
    labels = [np.array([3]), np.zeros(0, np.int64)]
    images = np.zeros((2, 96, 96), np.uint8)
    source = ArraySource(images, classes=model.graph.classes, columns={"boxes": boxes, "box_labels": labels})
    paths = SampleDrawer(Catalog.default(), source).draw(model, tmp_path / "drawn")
    answers = json.loads((tmp_path / "drawn" / "answers.json").read_text())
    assert answers[0]["truth"] == [{"label": 3, "name": "3", "box": [8, 8, 40, 40]}] and answers[1]["truth"] == []
    pixels = np.asarray(Image.open(paths[0]).convert("L"))
    assert pixels.shape == (384, 384) and pixels[4 * 40, 4 * 20] > 128 and model.training


@pytest.mark.parametrize(("length", "count"), [(0, 8), (3, 8), (8, 8), (9, 8), (1000, 8)])
def test_spread_samples_are_distinct_and_evenly_spaced(length, count):
    found = spread(length, count)
    assert len(found) == min(length, count) == len(set(found)) and all(0 <= index < length for index in found)


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        ("DefaultCPUAllocator: can't allocate memory", "out-of-memory", "evaluation: {batch: N} takes fewer"),
        ("sizes do not fit", "step-failed", "measuring failed: RuntimeError: sizes do not fit"),
    ],
)
def test_a_model_that_fails_while_it_is_measured_is_a_problem(monkeypatch, error, code, says):
    model = a_model()
    loader, metrics = parts(model, a_source(), ["accuracy"])

    def fail(*_, **__):
        raise RuntimeError(error)

    monkeypatch.setattr(model.conv, "forward", fail)
    with pytest.raises(GraphError, match=re.escape(says)) as refused:
        evaluate(model, loader, metrics)
    assert refused.value.problems[0].code == code


def measured_by_one_of_two(rank, store, results):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    model = a_model()
    loader, metrics = parts(model, a_source(), ["accuracy", "knn_3", "loss"], rank, 2)
    results.put(dict(evaluate(model, loader, metrics, reference=loader).values))
    broken = ArraySource([np.zeros((8, 8, 3), np.uint8), "gone.png"] * 4, [0, 1] * 4)
    loader, metrics = parts(model, broken, ["accuracy"], rank, 2)
    try:
        evaluate(model, loader, metrics)
    except GraphError as error:
        results.put([problem.code for problem in error.problems])
    dist.destroy_process_group()


def test_two_processes_measure_the_same_as_one_and_fail_together(tmp_path):
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    processes = [context.Process(target=measured_by_one_of_two, args=(r, tmp_path / "s", results)) for r in range(2)]
    for process in processes:
        process.start()
    found = [results.get(timeout=200) for _ in range(4)]
    for process in processes:
        process.join()
    model = a_model()
    loader, metrics = parts(model, a_source(), ["accuracy", "knn_3", "loss"])
    alone = evaluate(model, loader, metrics, reference=loader).values
    values = [one for one in found if isinstance(one, dict)]
    assert [one["accuracy"] for one in values] == [alone["accuracy"]] * 2
    assert [one["knn"] for one in values] == [alone["knn"]] * 2
    assert values[0]["val_loss"] == pytest.approx(alone["val_loss"], rel=1e-5)
    assert [one for one in found if isinstance(one, list)] == [["no-file"]] * 2
