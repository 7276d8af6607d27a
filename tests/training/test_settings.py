"""Keys of a recipe set from outside, and writers beside the log."""

import sys

import pytest

from composer.graph.file import loads
from composer.problems import GraphError
from composer.training import loads_recipe
from composer.training.runs.folder import RunFolder
from composer.training.runs.writers import Writers, require_writers
from composer.training.settings import parse_settings, with_settings

RECIPE = loads_recipe("graph: g.yaml\ndata: {train: {path: a}}\nepochs: 3\n")
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


def test_set_changes_any_key_with_values_of_any_type():
    texts = [
        "optimizer.lr=0.5",
        "optimizer.betas=[0.9, 0.95]",
        'policy."backbone.layer1".freeze=true',
        "data.train.format=folder",
        "evaluation.metrics=[accuracy, top_3]",
        "metadata.note=a = b",
    ]
    found = with_settings(RECIPE, parse_settings(texts))
    assert found.optimizer is not None
    assert (found.optimizer.lr, found.optimizer.options) == (0.5, {"betas": [0.9, 0.95]})
    assert found.policy["backbone.layer1"].freeze is True and found.data.train.format == "folder"
    assert found.evaluation.metrics == ["accuracy", "top_3"] and found.metadata == {"note": "a = b"}
    assert found.epochs == 3


def test_setting_none_removes_a_key():
    found = with_settings(RECIPE, {("epochs",): None, ("steps",): 5})
    assert (found.epochs, found.steps) == (None, 5)


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ("optimizer.lrate=1", "recipe-key", None),
        ("epoch=1", "recipe-key", "epochs"),
        ("epochs=many", "recipe-value", "many"),
        ("epochs", "recipe-value", "KEY.KEY=VALUE"),
        ("=3", "recipe-value", "KEY.KEY=VALUE"),
        ("epochs.x=3", "recipe-value", "no keys"),
        ("precision=fp8", "recipe-value", "fp16"),
    ],
)
def test_a_wrong_setting_is_refused_without_line_numbers(text, code, word):
    if text == "optimizer.lrate=1":  # further keys of an optimizer are its class's
        assert with_settings(RECIPE, parse_settings([text])).optimizer.options == {"lrate": 1}
        return
    with pytest.raises(GraphError) as refused:
        with_settings(RECIPE, parse_settings([text]))
    problem = refused.value.problems[0]
    assert problem.code == code and word in problem.message
    assert problem.where.line is None and problem.where.file is None


def test_all_settings_that_cannot_be_read_are_reported_at_once():
    with pytest.raises(GraphError) as refused:
        parse_settings(["a", "b.=1", "c=[1"])
    assert len(refused.value.problems) == 3


def test_a_writer_whose_package_is_missing_is_refused_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "trackio", None)
    with pytest.raises(GraphError) as refused:
        require_writers(["trackio"])
    (problem,) = refused.value.problems
    assert problem.code == "no-package" and "pip install 'graph-composer[trackio]'" in problem.message


def test_tensorboard_gets_the_numbers_of_the_log_and_a_resumed_run_replaces_what_it_repeats(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: PLC0415

    recipe = with_settings(RECIPE, {("log",): ["tensorboard"]})
    run = RunFolder.create(tmp_path / "run", recipe, loads(GRAPH))
    writers = Writers(recipe, run)
    writers("start", 0, {"steps": 4})
    for step in range(1, 5):
        writers("step", step, {"loss": 1 / step, "name": "x"})
    writers.close()
    writers("start", 2, {"steps": 4})
    writers("step", 3, {"loss": 9.0})
    writers("evaluation", 3, {"accuracy": 0.5})
    writers.close()
    run.close()
    found = EventAccumulator(str(run.path / "tensorboard"))
    found.Reload()
    assert [(one.step, round(one.value, 3)) for one in found.Scalars("train/loss")] == [(1, 1.0), (2, 0.5), (3, 9.0)]
    assert [one.value for one in found.Scalars("val/accuracy")] == [0.5]
