"""``composer train --check``: findings and advice before a training begins."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import composer
from composer.catalog import Catalog
from composer.graph import FrozenDict
from composer.graph.file import loads
from composer.training import checkpoints
from composer.training.check import report as check_report
from composer.training.check.proof import probe_step, prove_policy
from composer.training.check.report import check_training
from composer.training.data.samples import ArraySource
from composer.training.engine import prepare
from composer.training.memory.budget import step_plan
from composer.training.memory.storages import StorageCounter
from composer.training.node_statistics import node_of
from composer.training.recipe import Recipe

TEXT = """
schema: 1
name: tiny
classes: [a, b, c]
inputs:
  image:
    type: Image
    shape: [B, 3, 16, 16]
    preprocess: {resize: [16, 16], mean: [120.0, 120.0, 120.0], std: [60.0, 60.0, 60.0]}
data_samples:
  label: {type: Label, shape: [B]}
nodes:
  stem: {type: Conv2d, params: {out_channels: 8, kernel_size: 3}, inputs: {input: image}}
  norm: {type: BatchNorm2d, inputs: {input: stem.out}}
  relu: {type: ReLU, inputs: {input: norm.out}}
  pool: {type: GlobalAveragePooling, inputs: {feature: relu.out}}
  teacher: {weights: {momentum: stem, decay: 0.9}, inputs: {input: image}}
  head: {type: LinearClsHead, params: {num_classes: 3}, inputs: {feature: pool.out}}
  loss: {type: CrossEntropyLoss, inputs: {pred: head.out, target: label}}
  prediction: {type: ClassPrediction, inputs: {logits: head.out}}
outputs:
  tensor: {features: pool.out, taught: teacher.out}
  loss: {loss: loss.out}
  predict: {scores: prediction.scores, labels: prediction.labels}
"""
GRAPH = loads(TEXT)
SPARE = TEXT.replace(
    "  loss: {type: Cross",
    "  spare: {type: LinearClsHead, params: {num_classes: 3}, inputs: {feature: pool.out}}\n  loss: {type: Cross",
)
SPARE = SPARE.replace("taught: teacher.out", "taught: teacher.out, spare: spare.out")


def samples(count=24):
    """Images whose brightness tells their class."""
    draw = np.random.RandomState(0)
    labels = np.arange(count) % 3
    noise = draw.randint(0, 60, (count, 16, 16, 3))
    return ArraySource((noise + labels[:, None, None, None] * 90).astype(np.uint8), labels, ("a", "b", "c"))


def recipe(**changes):
    given = {"graph": "graph.yaml", "data": {"train": {"path": "."}}, "augment": {"image": []}}
    given["batches"] = {"batch": 8, "workers": 0}
    given["optimizer"] = {"type": "AdamW", "lr": 0.01}
    return Recipe.model_validate({**given, **changes})


def checked(graph=GRAPH, source=None, on_finding=None, limit=None, **changes):
    source = samples() if source is None else source
    return check_training(recipe(**changes), graph, Catalog.default(), source, limit=limit, on_finding=on_finding)


def found(report, item):
    return [one for one in report.findings if one.item == item]


@pytest.fixture(scope="module")
def report():
    return checked()


def trained(**changes):
    prepared = prepare(recipe(schedule={"type": "constant"}, **changes), GRAPH, Catalog.default(), samples())
    return prepared.trainer(), next(prepared.train.batches(0, 1))


def test_a_valid_training_passes_every_check(report):
    assert report.state == "ok", report.text()
    assert [one.item for one in report.findings] == list(check_report.CHECKED)


SHORT = TEXT.replace("kernel_size: 3", "kernel_size: 1, stride: 2")


@pytest.mark.parametrize(
    ("text", "asked", "lies", "warned"),
    [(TEXT, None, True, 0), (TEXT, True, True, 0), (SHORT, None, False, 0), (SHORT, True, False, 1)],
    ids=["default on", "requested", "default off", "requested with a warning"],
)
def test_channels_last_is_off_where_onednn_computes_wrongly(text, asked, lies, warned):
    changes = {} if asked is None else {"channels_last": asked}
    prepared = prepare(recipe(**changes), loads(text), Catalog.default(), samples())
    assert prepared.recipe.channels_last is lies
    warnings = [problem for problem in prepared.problems if "channels first" in problem.message]
    assert [problem.severity for problem in warnings] == ["warning"] * warned
    assert all("stem" in problem.message for problem in warnings)
    trainer, batch = prepared.trainer(), next(prepared.train.batches(0, 1))
    for _ in range(50):
        trainer.train_step(batch)


def test_the_memory_of_a_detector_is_reported_as_typical_and_maximum():
    graph = composer.read(Path(__file__).parents[2] / "saved_graphs/detection/faster_rcnn_r50_fpn.yaml")
    image = graph.inputs["image"]
    small = replace(image, shape=("B", 3, 96, 96), preprocess=replace(image.preprocess, resize=(96, 96)))
    graph = replace(graph, inputs=FrozenDict({"image": small}))
    columns = {"boxes": [np.array([[8, 8, 60, 60]], np.float32)] * 4, "box_labels": [np.array([3])] * 4}
    source = ArraySource(np.zeros((4, 96, 96, 3), np.uint8), classes=graph.classes or None, columns=columns)
    settings = recipe(batches={"batch": 2, "workers": 0})
    trial = check_report._Trial(settings, graph, Catalog.default(), source, None, Path(), torch.device("cpu"), None)
    found = next(one for one in check_report._findings(trial) if one.item in ("memory", "step"))
    assert found.item == "memory", found.message
    assert found.values["usual"] < found.values["peak"]
    assert "with what is found now, at most" in found.message and "sampler" in found.message


def test_the_report_is_available_as_text_and_json(report):
    assert all(one.item in report.text() for one in report.findings)
    plain = json.loads(report.dumps())
    assert plain["state"] == "ok" and len(plain["findings"]) == len(report.findings)
    assert found(report, "memory")[0].values["peak"] > 0


def test_on_finding_gets_every_finding_of_the_report():
    seen = []
    report = checked(on_finding=seen.append)
    assert tuple(seen) == report.findings


def test_a_first_loss_is_compared_with_that_of_a_guess(report):
    assert found(report, "first loss")[0].values["guess"] == pytest.approx(np.log(3))


def test_the_memory_that_is_reported_is_that_of_a_step_of_the_engine(report):
    trainer, batch = trained(statistics={"every": "0 steps"})
    batch.inputs = trainer.stepper.moved(batch.inputs)  # an accelerator has no other copy
    counter = StorageCounter()
    counter.count([*trainer.model.parameters(), *trainer.model.buffers()])
    counter.count(value for value in (*batch.inputs.values(), *batch.samples.values()))
    with counter:
        for _ in range(2):
            trainer.train_step(batch)
    assert found(report, "memory")[0].values["peak"] == pytest.approx(counter.peak, rel=0.02)


def test_a_recipe_that_is_wrong_is_a_finding():
    report = checked(policy={"stemm": {"lr": 0.1}})
    assert report.state == "error"
    assert [one.item for one in report.findings] == ["recipe"]
    assert "stemm" in report.text()


def test_insufficient_memory_is_reported_with_the_batch_that_fits():
    peak = found(checked(), "memory")[0].values["peak"]
    short = found(checked(limit=peak // 2), "memory")[0]
    assert short.state == "error" and "accumulate" in short.advice
    tight = found(checked(limit=int(peak * 1.05)), "memory")[0]
    assert tight.state == "warning"
    nothing = found(checked(limit=1000), "memory")[0]
    assert nothing.state == "error" and "not even one sample" in nothing.advice


def test_unreadable_samples_are_reported_as_data_warnings():
    images = [np.zeros((16, 16, 3), np.uint8)] * 11 + [b"no image"]
    source = ArraySource(images, np.arange(12) % 3, ("a", "b", "c"))
    report = checked(source=source, data={"train": {"path": "."}, "bad": "skip"})
    assert report.state == "warning"
    assert any(one.state == "warning" and "sample 11" in one.message for one in found(report, "data"))


def test_images_that_were_not_normalised_are_reported():
    inputs = {
        "image": replace(
            GRAPH.inputs["image"], preprocess=replace(GRAPH.inputs["image"].preprocess, mean=None, std=None)
        )
    }
    found_ = found(checked(replace(GRAPH, inputs=inputs)), "batch")
    assert found_[0].state == "warning" and "preprocess" in found_[0].advice


def test_weights_that_no_loss_depends_on_are_reported_with_their_node():
    text = SPARE
    one = found(checked(loads(text)), "gradients")[0]
    assert one.state == "warning" and "2 trained weights, of spare" in one.message and "freeze" in one.advice
    assert one.values["nodes"]["spare"]["unreached"] and one.values["nodes"]["spare"]["state"] == "warning"


def test_a_learning_rate_that_is_far_too_large_is_reported_with_a_lower_one():
    one = found(checked(optimizer={"type": "SGD", "lr": 5.0, "momentum": 0.99}), "one batch")[0]
    assert one.state == "warning" and "lower optimizer.lr towards 0.5" in one.advice


def test_a_batch_that_cannot_be_learned_at_any_rate_is_an_error():
    report = checked(policy={name: {"freeze": True} for name in ("norm", "head")}, optimizer={"type": "SGD", "lr": 0.0})
    assert found(report, "one batch")[0].state == "error"
    assert "2 frozen" in found(report, "policy")[0].message


def test_a_checkpoint_that_does_not_restore_the_state_is_reported(monkeypatch):
    real = checkpoints.load

    def other(path, **options):
        state = real(path, **options)
        next(iter(state["model"].values())).add_(1e-3)
        return state

    monkeypatch.setattr(check_report.checkpoints, "load", other)
    one = found(checked(), "resume")[0]
    assert one.state == "error" and "differ" in one.message


def test_a_disk_that_is_too_small_is_reported(monkeypatch):
    usage = check_report.shutil.disk_usage(".")
    monkeypatch.setattr(check_report.shutil, "disk_usage", lambda _: usage._replace(free=100))
    assert found(checked(), "disk")[0].state == "error"


@pytest.mark.parametrize(
    ("optimizer", "moved"),
    [
        ({"type": "AdamW", "lr": 1e-3}, 1.0),
        ({"type": "SGD", "lr": 0.1, "momentum": 0.9, "weight_decay": 0.01}, 1.0),
        ({"type": "SGD", "lr": 0.1, "momentum": 0.9, "nesterov": True}, 1.0),
    ],
)
def test_the_first_step_of_each_node_equals_its_policy(optimizer, moved):
    trainer, batch = trained(optimizer=optimizer, policy={"norm": {"freeze": True}, "stem": {"lr": 0.1}})
    proofs = prove_policy(trainer, probe_step(trainer, batch))
    assert all(proof.fine for proof in proofs), proofs
    kinds = {proof.node: proof.kind for proof in proofs}
    assert kinds == {"stem": "trained", "head": "trained", "norm": "frozen", "teacher": "momentum copy"}
    assert [proof.moved for proof in proofs if proof.kind == "trained"] == pytest.approx([moved, moved], rel=0.05)


def test_clipped_gradients_are_part_of_the_expected_step():
    trainer, batch = trained(optimizer={"type": "SGD", "lr": 0.1}, clip={"norm": 0.01})
    proofs = [proof for proof in prove_policy(trainer, probe_step(trainer, batch)) if proof.kind == "trained"]
    assert all(proof.fine and proof.moved < 0.5 for proof in proofs)


def test_weights_that_moved_against_their_policy_are_reported():
    trainer, batch = trained(policy={"norm": {"freeze": True}})
    probe = probe_step(trainer, batch)
    changed = {name: value + 0.25 if value.is_floating_point() else value for name, value in probe.before.items()}
    proofs = prove_policy(trainer, replace(probe, before=changed))
    assert {proof.node for proof in proofs if not proof.fine} == {"stem", "norm", "head", "teacher"}
    assert "0.25" in next(proof.about for proof in proofs if proof.node == "norm")


def test_a_parameter_belongs_to_the_innermost_node():
    assert node_of("a.b.weight", ["a", "a.b", "c"]) == "a.b"
    assert node_of("x.weight", ["a"]) == "x"


def test_memory_settings_of_a_recipe_are_in_the_step_plan():
    full = recipe(precision="bf16", ema={"decay": 0.9}, clip={"norm": 1.0}, batches={"batch": 8, "accumulate": 2})
    plan = step_plan(full.model_copy(update={"channels_last": True}), world=2)
    assert (plan.dtype, plan.accumulate, plan.ema, plan.clip) == (torch.bfloat16, 2, True, True)
    assert plan.channels_last and plan.buckets
