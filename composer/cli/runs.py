"""``runs``: the trainings in a folder, one of them, or several side by side."""

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from composer.cli.options import AsJson, Folders, catalog_of
from composer.cli.output import print_json, print_problems, print_table, print_text
from composer.edits.difference import diff
from composer.graph import Graph
from composer.problems import GraphError, Problem, time_text
from composer.training.metrics import is_lower_better
from composer.training.progress import NOT_LOSSES
from composer.training.recipe import Recipe
from composer.training.runs.comparison import RunSummary, recipe_changes, summary_of
from composer.training.runs.curves import sparkline
from composer.training.runs.folder import RunFolder, runs_in
from composer.training.runs.status import stop_run

__all__ = ["show_runs"]

_WAIT = 5.0
"""Seconds that a stopped run gets before it is reported as still at work."""


def show_runs(
    folders: Folders,
    places: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FOLDER|RUN...]", help="A folder of runs, a run, or several to compare.", show_default=False
        ),
    ] = None,
    stop: Annotated[bool, typer.Option("--stop", help="Have these runs save and end at their next step.")] = False,
    kill: Annotated[bool, typer.Option("--kill", help="End them at once; the last checkpoint stays.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the trainings in a folder (by default runs/), show all of one, or compare several.

    Compared are the curves, the best and last numbers, the recipes and the graphs.
    """
    given = places or [Path("runs")]
    if stop or kill:
        _stop([RunFolder.open(place) for place in given], kill)
        return
    if len(given) > 1:
        _compare([RunFolder.open(place) for place in given], folders, as_json)
        return
    found = runs_in(given[0])
    if len(found) == 1 and found[0].path == given[0]:
        _show(found[0], as_json)
        return
    if not found and places is not None and not given[0].is_dir():
        RunFolder.open(given[0])  # raises what is wrong with it
    summaries = [summary_of(run) for run in found]
    if as_json:
        print_json([{**one.to_json(), "curves": None} for one in summaries])
    elif summaries:
        _list(summaries)
    else:
        print_text(f"no runs in {given[0]}; composer train GRAPH --data FOLDER begins one")


def _stop(runs: Sequence[RunFolder], kill: bool) -> None:
    asked = [run for run in runs if stop_run(run.path / "status.json", kill=kill)]
    until = time.monotonic() + _WAIT
    while any(run.read_status().active for run in asked) and time.monotonic() < until:
        time.sleep(0.05)
    for run in runs:
        status = run.read_status()
        if run not in asked:
            print_text(f"{run.path}: it does not run ({status.state})")
        elif status.active:
            print_text(f"{run.path}: it was asked to, and still works on its step; --kill ends it at once")
        else:
            print_text(f"{run.path}: {status.state} at step {status.step:,}")


def _list(summaries: Sequence[RunSummary]) -> None:
    head = ("run", "graph", "state", "step", "best", "time")
    print_table(head, [_row(one) for one in summaries], right=("step", "time"))
    for one in summaries:
        if one.state in ("died", "failed"):
            print_text(f"{one.name} {one.state}: {one.message}", stderr=True)


def _row(one: RunSummary) -> tuple[str, ...]:
    of = f"/{one.steps:,}" if one.steps else ""
    return one.name, one.graph, one.state, f"{one.step:,}{of}", _best(one), time_text(one.seconds)


def _best(one: RunSummary) -> str:
    return "" if math.isnan(one.best) else f"{one.metric} {one.best:.4g} at {one.best_step:,}"


def _show(run: RunFolder, as_json: bool) -> None:
    one = summary_of(run)
    if as_json:
        print_json({**one.to_json(), "evaluation": run.evaluation(), "environment": run.environments()})
        return
    print_table(("", ""), list(zip(("run", "graph", "state", "step", "best", "time"), _row(one), strict=True)))
    if one.message:
        print_text(one.message)
    rows = [
        (name, sparkline([point.mean for point in curve.points], 40), _number(curve.last))
        for name, curve in one.curves.items()
    ]
    print_table(("number", "over the steps", "last"), rows, right=("last",))
    for line in _next(run, one):
        print_text(line)


def _next(run: RunFolder, one: RunSummary) -> list[str]:
    """What can be done with it."""
    lines = []
    if one.state in ("died", "failed", "stopped") and run.last_checkpoint() is not None:
        lines.append(f"go on with it: composer train --resume {run.path}")
    best = next((run.weights(name) for name in ("best", "last") if run.weights(name).is_file()), None)
    if best is not None:
        lines.append(f"use it:        composer run {best} --input IMAGE")
    return lines


def _compare(runs: Sequence[RunFolder], folders: Sequence[Path], as_json: bool) -> None:
    summaries = [summary_of(run) for run in runs]
    recipes: list[Recipe] = []
    graphs: list[Graph] = []
    problems: list[Problem] = []
    for run in runs:
        try:
            recipes.append(run.recipe)
            graphs.append(run.graph)
        except GraphError as error:
            problems += error.problems
    changes = recipe_changes(recipes) if len(recipes) == len(runs) else []
    catalog = catalog_of(folders)
    differences = [diff(graphs[0], other, catalog) for other in graphs[1:]] if len(graphs) == len(runs) else []
    if as_json:
        print_json(
            {
                "runs": [one.to_json() for one in summaries],
                "recipe": [{"key": change.key, "values": list(change.values)} for change in changes],
                "graph": [difference.to_json() for difference in differences],
            }
        )
        return
    print_problems(problems, stderr=True)
    _list(summaries)
    print_text("")
    _curves(summaries)
    print_text("")
    if changes:
        rows = [(change.key, *(_text(value) for value in change.values)) for change in changes]
        print_table(("recipe", *(one.name for one in summaries)), rows)
    elif len(recipes) == len(runs):
        print_text("the recipes are equal")
    for one, difference in zip(summaries[1:], differences, strict=False):
        print_text("")
        same = f"the graphs of {summaries[0].name} and {one.name} are equal in meaning"
        print_text(f"graph, from {summaries[0].name} to {one.name}:\n{difference}" if difference else same)


def _curves(summaries: Sequence[RunSummary]) -> None:
    """Each number of each run as a line of blocks on one scale, with its last value, and the best where one is."""
    names = list(dict.fromkeys(name for one in summaries for name in one.curves))
    rows = []
    for name in names:
        with_it = [one for one in summaries if name in one.curves]
        means = [[point.mean for point in one.curves[name].points] for one in with_it]
        finite = [value for values in means for value in values if math.isfinite(value)]
        low, high = min(finite, default=0.0), max(finite, default=0.0)
        for one, values in zip(with_it, means, strict=True):
            best = one.curves[name].best(lower=is_lower_better(name)) if name not in NOT_LOSSES else None
            shown = sparkline(values, 32, low=low, high=high)
            rows.append(
                (
                    name if one is with_it[0] else "",
                    one.name,
                    shown,
                    _number(one.curves[name].last),
                    _number(best[0]) if best else "",
                )
            )
    print_table(("number", "run", "over the steps", "last", "best"), rows, right=("last", "best"))


def _number(value: float) -> str:
    return "NaN" if math.isnan(value) else f"{value:.4g}"


def _text(value: Any) -> str:
    return "-" if value is None else str(value)
