"""Recipes: read strictly, written in one form, and refused with all problems at once."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import composer
from composer import GraphError
from composer.catalog import Catalog
from composer.graph.file import read
from composer.problems import Problem
from composer.training import Recipe, dumps_recipe, loads_recipe, read_recipe, write_recipe
from composer.training.augment import MASKS, STEPS
from composer.training.defaults import check_recipe
from composer.training.recipe import Span, recipe_schema

FASHION = Path(__file__).parents[2] / "saved_graphs/classification/fashion_mnist.yaml"
SMALL = "graph: model.yaml\ndata: {train: {path: images}}\n"

WHOLE = """\
schema: 1
graph: model.yaml
weights: start.safetensors
data:
  train: {path: train.json, format: coco, images: train}
  val: {path: val.json, format: coco, images: val}
  bad: skip
augment:
  image: [{random_resized_crop: {scale: [0.2, 1]}}, flip]
batches: {batch: 256, accumulate: 2, workers: 4}
optimizer: {type: SGD, lr: 0.1, weight_decay: 1e-4, momentum: 0.9}
schedule: {warmup: 5 epochs, type: step, at: [60 epochs, 80%], gamma: 0.2}
epochs: 100
precision: bf16
clip: {norm: 35}
ema: {decay: 0.999}
policy:
  backbone: {lr: 0.1, freeze: {until: 10%}}
  backbone.stem: {freeze: true}
evaluation: {every: 500 steps, metrics: [accuracy], best: accuracy}
seed: 7
"""


def problems(text: str) -> list[Problem]:
    with pytest.raises(GraphError) as caught:
        loads_recipe(text, "r.yaml")
    return list(caught.value.problems)


@pytest.mark.parametrize("text", [SMALL, WHOLE], ids=["small", "whole"])
@pytest.mark.parametrize("full", [False, True], ids=["short", "full"])
def test_a_written_recipe_is_read_as_the_same(text: str, full: bool) -> None:
    recipe = loads_recipe(text)
    written = dumps_recipe(recipe, full=full)
    assert loads_recipe(written) == recipe
    assert dumps_recipe(loads_recipe(written), full=full) == written


def test_default_values_are_not_written() -> None:
    assert dumps_recipe(loads_recipe(SMALL)) == "schema: 1\ngraph: model.yaml\ndata:\n  train: {path: images}\n"


def test_a_file_is_read_back(tmp_path) -> None:
    recipe = loads_recipe(WHOLE)
    write_recipe(recipe, tmp_path / "recipe.yaml")
    assert read_recipe(tmp_path / "recipe.yaml") == recipe


@pytest.mark.parametrize(
    ("batches", "steps"),
    [
        ("{batch: 4}", {22: 5, 20: 5, 3: 0}),
        ("{batch: 4, drop_last: false}", {22: 6, 20: 5, 3: 1, 0: 0}),
    ],
)
def test_an_epoch_has_a_step_for_each_full_batch_and_one_for_the_rest_that_is_kept(batches, steps) -> None:
    found = loads_recipe(f"{SMALL}epochs: 3\nbatches: {batches}\n")
    assert {samples: found.batches.steps_in_epoch(samples) for samples in steps} == steps
    assert found.total_steps(found.batches.steps_in_epoch(22)) == 3 * steps[22]


def test_a_training_is_as_long_as_its_steps_say_or_its_epochs_or_one_epoch() -> None:
    assert [loads_recipe(f"{SMALL}{length}").total_steps(5) for length in ("steps: 7\n", "epochs: 2\n", "")] == [
        7,
        10,
        5,
    ]


@pytest.mark.parametrize(("drop_last", "total"), [("true", 5), ("false", 6)])
def test_a_schedule_is_compared_with_the_steps_that_are_made(drop_last: str, total: int) -> None:
    text = f"{SMALL}epochs: 1\nbatches: {{batch: 4, drop_last: {drop_last}}}\nschedule: {{warmup: 6 steps}}\n"
    graph = read(FASHION)
    messages = [one.message for one in check_recipe(loads_recipe(text), graph, Catalog.default(), range(22))]
    assert any("the whole training has" in one for one in messages) == (total < 6)


def test_all_faults_are_reported_at_once_at_their_places() -> None:
    text = f"{SMALL}epoch: 3\nschedule: {{warmup: 5 eons}}\npolicy: {{neck: {{freeze: sure, lr: -1}}}}\nseed: -1\n"
    found = {(str(one.where), one.code) for one in problems(text)}
    assert found == {
        ("r.yaml:3:1 epoch", "recipe-key"),
        ("r.yaml:4:12 schedule.warmup", "recipe-value"),
        ("r.yaml:5:17 policy.neck.freeze", "recipe-value"),
        ("r.yaml:5:31 policy.neck.lr", "recipe-value"),
        ("r.yaml:6:1 seed", "recipe-value"),
    }


def test_a_mistyped_key_is_renamed_by_its_fix_and_keeps_its_value() -> None:
    (problem,) = problems(f"{SMALL}epohcs: 3\n")
    assert problem.fix is not None
    assert [(edit.path, edit.value, edit.remove) for edit in problem.fix.edits] == [
        (("epochs",), 3, False),
        (("epohcs",), None, True),
    ]


def test_a_mistyped_key_is_not_reported_as_missing_too() -> None:
    (problem,) = problems(f"{SMALL}policy: {{neck: {{freeze: {{untl: 10%}}}}}}\n")
    assert (problem.code, str(problem.where)) == ("recipe-key", "r.yaml:3:26 policy.neck.freeze.untl")
    assert problem.fix is not None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty-file"),
        ("[1]", "bad-recipe"),
        ("schema: 2\n", "recipe-schema"),
        ("graph: [", "yaml-syntax"),
        (f"{SMALL}x: &a 1\n", "yaml-anchor"),
        (f"{SMALL}seed: {2**63}\n", "recipe-value"),
        (f"{SMALL}precision: fp8\n", "recipe-value"),
        (f"{SMALL}epochs: true\n", "recipe-value"),
        (f"{SMALL}epochs: '3'\n", "recipe-value"),
        (f"{SMALL}optimizer: {{lr: .nan}}\n", "recipe-value"),
    ],
)
def test_invalid_recipes_are_refused_with_their_problem_code(text: str, code: str) -> None:
    assert problems(text)[0].code == code


def test_a_missing_file_is_reported(tmp_path) -> None:
    with pytest.raises(GraphError, match="cannot-read"):
        read_recipe(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("text", "steps"),
    [("5 epochs", 50), ("1 epoch", 10), ("0.5 epochs", 5), ("7 steps", 7), ("10%", 20), ("12.5 %", 25), ("100%", 200)],
)
def test_a_span_is_converted_to_steps(text: str, steps: int) -> None:
    assert Span.parse(text).in_steps(epoch=10, total=200) == steps


@pytest.mark.parametrize(
    "text", ["", "5", "five epochs", "-1 steps", "1.5 steps", "101%", "1 epoch 2 steps", None, 5.0]
)
def test_invalid_spans_are_refused(text: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        Span.parse(text)


def test_a_long_span_is_written_in_full() -> None:
    assert str(Span(1_250_000, "steps")) == "1250000 steps"


@given(st.sampled_from(["epochs", "steps", "%"]), st.integers(0, 100))
def test_a_span_round_trips_through_text(unit: str, amount: int) -> None:
    assert Span.parse(str(Span(amount, unit))) == Span(amount, unit)


def test_the_schema_of_recipes_names_every_key() -> None:
    schema = json.loads(recipe_schema())
    assert {field.alias or name for name, field in Recipe.model_fields.items()} == schema["properties"].keys()
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["graph", "data"]


def test_the_schema_describes_each_step_of_an_augmentation() -> None:
    schema = json.loads(recipe_schema({**STEPS, **MASKS}))
    lists, _ = schema["properties"]["augment"]["anyOf"]
    names, *mappings = lists["additionalProperties"]["items"]["anyOf"]
    assert names == {"enum": sorted([*STEPS, *MASKS])}
    described = {name: params for one in mappings for name, params in one["properties"].items()}
    assert set(described) == {*STEPS, *MASKS}
    assert described["flip"]["properties"]["p"] == {
        "default": 0.5,
        "maximum": 1,
        "minimum": 0,
        "title": "P",
        "type": "number",
    }
    assert all(params["additionalProperties"] is False for params in described.values())


def test_reading_a_recipe_does_not_need_torch_distributed() -> None:
    assert "train" not in vars(composer)
