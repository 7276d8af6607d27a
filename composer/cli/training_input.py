"""What ``train`` and ``evaluate`` are given: a graph, a recipe, a saved model or a run, and options that change it."""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import typer

from composer.catalog import Catalog
from composer.cli.options import graph_of
from composer.cli.output import print_problems, print_text
from composer.graph import Graph
from composer.graph.file import read
from composer.graph.file.document import edit
from composer.graph.file.yamltext import parse
from composer.model import Model
from composer.model.compile import load
from composer.problems import Fix, GraphError, Problem, Where
from composer.training.data.columns import check_wiring
from composer.training.data.source import Source, open_splits
from composer.training.defaults import complete
from composer.training.recipe import Recipe, read_recipe
from composer.training.runs.folder import RECIPE, RunFolder, resolved
from composer.training.settings import with_settings

__all__ = ["Given", "Training", "fitted", "given_of", "is_recipe", "leads", "report_changes", "training_of"]

_SAMPLES = 10_000
"""How many samples a recipe without data is completed for."""

_ROUNDS = 10
"""Times that fixes are applied; one may show what another hid."""


@dataclass(frozen=True)
class Given:
    """A recipe with paths that hold from here, and its graph.

    Args:
        recipe: The recipe.
        graph: The graph.
        file: The file that was named.
    """

    recipe: Recipe
    graph: Graph
    file: Path


def given_of(file: Path, data: Path | None, settings: Mapping[tuple[str, ...], Any]) -> Given:
    """Read a graph, a recipe or a saved model, with options in place of what the recipe says.

    Args:
        file: The file: a graph, a recipe, or a model with its weights (``.safetensors``), which training begins with.
        data: A folder or a file of samples, in place of the recipe's.
        settings: Keys of the recipe with their values.

    Raises:
        GraphError: A file is missing or wrong, or there is no data.
    """
    samples: dict[tuple[str, ...], Any] = {}
    if data is not None:
        samples = {("data", "train"): {"path": os.path.abspath(data)}, ("data", "val"): None}
    if is_recipe(file):
        recipe = resolved(read_recipe(file), file.resolve().parent)
        return Given(with_settings(recipe, samples | dict(settings)), read(recipe.graph), file)
    graph = graph_of(file)
    if data is None and ("data", "train") not in settings and ("data", "train", "path") not in settings:
        text = (
            "a graph alone does not say what it is trained on: add --data FOLDER, with one folder of images a class, "
        )
        text += "or another data set"
        raise GraphError(Problem("recipe-missing", Where("--data"), text))
    begun = {"graph": os.path.abspath(file), "data": {"train": {"path": "."}}}
    if file.suffix == ".safetensors":
        begun["weights"] = os.path.abspath(file)
    recipe = Recipe.model_validate(begun)
    return Given(with_settings(recipe, samples | dict(settings)), graph, file)


def fitted(graph: Graph, catalog: Catalog, recipe: Recipe, source: Source, *, fix: bool) -> tuple[Graph, list[str]]:
    """The graph as the data needs it: what does not fit is reported, and mended if that was asked for.

    On a terminal the user is asked.

    Args:
        graph: The graph.
        catalog: Its catalog.
        recipe: The recipe.
        source: The samples.
        fix: Whether to apply what mends it.

    Returns:
        The graph, and what was changed.

    Raises:
        GraphError: It does not fit.
    """
    changed: list[str] = []
    asked = False
    for _ in range(_ROUNDS):
        _, problems = check_wiring(graph, catalog, recipe, source)
        errors = [problem for problem in problems if problem.severity == "error"]
        fixes = [problem.fix for problem in problems if problem.fix is not None and problem.fix.edits]
        mends = all(problem.fix is not None and problem.fix.edits for problem in errors)
        if errors and mends and not fix and not asked and _may_ask():
            print_problems(problems, stderr=True)
            fix = asked = typer.confirm("Train with these changes? The file of the graph stays as it is.", default=True)
        if fix and fixes:
            graph = _mended(graph, fixes)
            changed += [one.message for one in fixes]
            continue
        if errors:
            raise GraphError(_with_hint(problems, errors, mends and not fix))
        return graph, changed
    raise GraphError(errors)


@dataclass(frozen=True)
class Training:
    """A training that is written for another program.

    Args:
        recipe: The recipe, complete; its paths are as they are written.
        model: The model of its graph.
        per_epoch: Steps of an epoch; None where the data is not here.
    """

    recipe: Recipe
    model: Model
    per_epoch: int | None


def training_of(file: Path, catalog: Catalog) -> Training:
    """Read a recipe, the recipe of a run, or a graph that is trained as by default, and complete it.

    Args:
        file: A recipe, the folder of a run, a graph or a saved model.
        catalog: The components.

    Raises:
        GraphError: A file is missing or wrong.
    """
    if file.is_dir():
        file = RunFolder.open(file).path / RECIPE
    if is_recipe(file):
        recipe = read_recipe(file)
        placed = resolved(recipe, file.resolve().parent)
    else:
        recipe = placed = Recipe.model_validate({"graph": str(file), "data": {"train": {"path": "."}}})
    model = load(Path(placed.graph), catalog=catalog)
    source: Any = range(_SAMPLES)
    if is_recipe(file):
        with suppress(GraphError):  # the data may be elsewhere
            source = open_splits(placed.data, Path.cwd(), seed=recipe.seed)[0]
    completed = complete(placed, model.graph, catalog, source, model)
    there = not isinstance(source, range)
    as_written = completed.model_copy(update={"data": recipe.data, "graph": recipe.graph, "weights": recipe.weights})
    return Training(as_written, model, max(completed.batches.steps_in_epoch(len(source)), 1) if there else None)


def leads() -> bool:
    """Whether this is the only process that trains, or the first of several."""
    return int(os.environ.get("RANK", "0") or 0) == 0


def _mended(graph: Graph, fixes: Sequence[Fix]) -> Graph:
    """The graph with fixes applied; an edit that several of them make is made once."""
    return edit(graph, *dict.fromkeys(fixes)) if all(_hashable(one) for one in fixes) else edit(graph, *fixes)


def _hashable(fix: Fix) -> bool:
    try:
        hash(fix)
    except TypeError:
        return False
    return True


def _with_hint(problems: Sequence[Problem], errors: Sequence[Problem], mends: bool) -> list[Problem]:
    """The problems, the last of which says how the fixes are applied."""
    if not mends or not leads():
        return list(problems)
    text = (
        f"{errors[-1].message}\nadd --fix to train with the changes that are offered; the graph's file stays as it is"
    )
    return [replace(one, message=text) if one is errors[-1] else one for one in problems]


def _may_ask() -> bool:
    alone = "WORLD_SIZE" not in os.environ
    return alone and sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def is_recipe(file: Path) -> bool:
    """Whether a file is a recipe, and not a graph; one that cannot be read is reported as a graph."""
    if file.suffix == ".safetensors":
        return False
    try:
        data, _ = parse(file.read_bytes(), str(file))
    except (OSError, GraphError):
        return False
    return isinstance(data, dict) and "nodes" not in data and ("data" in data or "graph" in data)


def report_changes(changed: Sequence[str], where: str) -> None:
    """Say what was changed in a graph."""
    for one in changed:
        print_text(f"changed: {one}", stderr=True)
    if changed:
        print_text(f"the run keeps the changed graph, as {where}", stderr=True)
