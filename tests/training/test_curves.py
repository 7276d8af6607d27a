"""Curves are thinned without losing outliers, and runs are compared by their results."""

import json
import math
import random

import pytest

from composer.training import loads_recipe
from composer.training.runs.comparison import recipe_changes, summary_of
from composer.training.runs.curves import Curve, sparkline
from tests.training.test_run_folder import a_run


def test_a_thinned_curve_keeps_its_mean_and_its_outliers():
    curve, draw = Curve(most=64), random.Random(0)
    values = [draw.random() for _ in range(10_000)]
    values[777], values[5000] = 9.0, math.nan
    for step, value in enumerate(values):
        curve.add(step, value)
    assert 32 <= len(curve.points) <= 64
    assert sum(point.count for point in curve.points) == 10_000 and sum(point.broken for point in curve.points) == 1
    finite = [value for value in values if math.isfinite(value)]
    total = sum(point.mean * (point.count - point.broken) for point in curve.points)
    assert total / len(finite) == pytest.approx(sum(finite) / len(finite))
    assert max(point.high for point in curve.points) == 9 and curve.best(lower=False)[0] == 9
    assert [point.first for point in curve.points[1:]] == [point.last + 1 for point in curve.points[:-1]]


def test_a_curve_is_the_same_after_it_was_written_and_read():
    curve = Curve(most=8)
    for step, value in enumerate([1.0, math.nan, math.inf, -2.5, 3.0] * 7):
        curve.add(step, value)
    again = Curve.of_json(json.loads(json.dumps(curve.to_json(), allow_nan=False)), most=8)
    for one in (curve, again):
        one.add(99, 0.125)
        one.add(100, math.nan)
    assert json.dumps(again.to_json()) == json.dumps(curve.to_json())
    with pytest.raises(ValueError, match="too many"):
        Curve.of_json(curve.to_json(), most=2)


def test_a_sparkline_scales_with_the_values_and_marks_nan():
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([1.0, math.nan, 1.0]) == "▅!▅"
    assert len(sparkline([float(value) for value in range(1000)], 20)) == 20
    assert sparkline([]) == ""


def test_a_summary_holds_the_results_of_a_run(tmp_path):
    run = a_run(tmp_path)
    for step, value in ((1, 0.5), (2, 0.9), (3, math.nan), (4, 0.7)):
        run.events.append("evaluation", step, accuracy=value, val_loss=1.0)
    run.status.write("finished", step=4, steps=4)
    found = summary_of(run)
    assert (found.metric, found.best, found.best_step) == ("accuracy", 0.9, 2)
    assert (found.state, found.step, found.steps, found.graph) == ("finished", 4, 4, "tiny")
    assert found.last["accuracy"] == 0.7 and 0 <= found.seconds < 60
    assert [row[1] for row in found.to_json()["curves"]["loss"]] == [0.5]


def test_less_loss_is_better_and_a_run_without_evaluations_has_no_best(tmp_path):
    run = a_run(tmp_path)
    assert math.isnan(summary_of(run).best)
    for step, value in ((1, 3.0), (2, 1.0), (3, 2.0)):
        run.events.append("evaluation", step, val_loss=value)
    assert (summary_of(run).best, summary_of(run).best_step) == (1.0, 2)


def test_recipes_differ_in_keys_and_not_in_notes():
    one, other = (
        loads_recipe(f"graph: g.yaml\ndata: {{train: {{path: a}}}}\nmetadata: {{x: {lr}}}\noptimizer: {{lr: {lr}}}\n")
        for lr in (0.1, 0.2)
    )
    assert [(change.key, change.values) for change in recipe_changes([one, other])] == [("optimizer.lr", (0.1, 0.2))]
    assert recipe_changes([one, one]) == []
