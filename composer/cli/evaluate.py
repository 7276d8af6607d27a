"""``evaluate``: how good a model is on samples."""

import math
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.progress import Progress as Bar

from composer.catalog import Catalog
from composer.cli.options import AsJson, Folders, WeightsFile, catalog_of
from composer.cli.output import console, print_json, print_problems, print_table, print_text
from composer.cli.run import device_of
from composer.cli.training_input import given_of
from composer.graph import Graph
from composer.model import Model
from composer.model.compile import load
from composer.problems import GraphError, Problem, Where
from composer.training.data.columns import check_wiring, wiring
from composer.training.data.loading import Loader
from composer.training.data.source import Source, Subset, open_splits
from composer.training.evaluate import Evaluation, evaluate
from composer.training.metrics import metrics_for
from composer.training.recipe import Recipe
from composer.training.runs.folder import RunFolder
from composer.training.samples import spread

__all__ = ["evaluate_model"]

_KNOWN = 10_000
_SHOWN_CLASSES = 40
_CONFUSED = 12


def evaluate_model(
    file: Annotated[
        Path,
        typer.Argument(metavar="GRAPH|RUN|WEIGHTS", help="A run, a saved model, or a graph or recipe with --weights."),
    ],
    folders: Folders,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="The samples; by default those that a run measures on.", show_default=False
        ),
    ] = None,
    weights: WeightsFile = None,
    which: Annotated[Literal["best", "last"], typer.Option(help="Which weights of a run.")] = "best",
    metrics: Annotated[
        str | None, typer.Option(help="Such as accuracy,top_5; by default what fits.", show_default=False)
    ] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Samples at once.", show_default=False)] = None,
    workers: Annotated[int | None, typer.Option(min=0, help="Processes that read images.", show_default=False)] = None,
    precision: Annotated[Literal["fp32", "bf16", "fp16"], typer.Option(help="bf16 and fp16 are autocast.")] = "fp32",
    device: Annotated[
        str | None, typer.Option(help="Such as cpu or cuda:1; by default a GPU if there is one.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure a model on samples: the validation data of a run, or any data set.

    In a folder with train/ and val/ the second is measured. --json also prints each class and the confusion matrix.
    """
    settings: dict[tuple[str, ...], Any] = {("batches", "workers"): workers, ("evaluation", "batch"): batch}
    if metrics is not None:
        settings["evaluation", "metrics"] = [name.strip() for name in metrics.split(",") if name.strip()]
    catalog = catalog_of(folders)
    recipe, model, classes = _opened(file, data, weights, which, settings, catalog)
    if model.weights_report is None:
        print_text(
            "note: no weights were loaded, so the numbers are those of a model that learned nothing", stderr=True
        )
    source, val = open_splits(recipe.data, Path.cwd(), seed=recipe.seed)
    measured = source if val is None else val
    _report_differences(replace(model.graph, classes=model.graph.classes or classes), catalog, recipe, measured)
    found = _measured(model.to(device_of(device)), recipe, catalog, measured, source, precision)
    if as_json:
        print_json({"values": dict(found.values), "samples": found.samples, "seconds": found.seconds, **found.details})
        return
    rows = [(name, "NaN" if math.isnan(value) else f"{value:.4f}") for name, value in found.values.items()]
    print_table(("metric", "value"), rows, right=("value",))
    _classes(found.details)
    print_text(f"{found.samples:,} samples of {_place(recipe, val)} in {found.seconds:.1f} s", stderr=True)


def _opened(
    file: Path,
    data: Path | None,
    weights: Path | None,
    which: str,
    settings: Mapping[tuple[str, ...], Any],
    catalog: Catalog,
) -> tuple[Recipe, Model, tuple[str, ...]]:
    """The recipe that says what is measured, the model, and the names of the classes that a run was trained on."""
    given_settings = {keys: value for keys, value in settings.items() if value is not None}
    if file.is_dir():
        run = RunFolder.open(file)
        found = weights or next((run.weights(name) for name in (which, "last") if run.weights(name).is_file()), None)
        if found is None:
            text = "this run has not written any weights yet"
            raise GraphError(Problem("no-file", Where(file=str(run.weights(which))), text))
        held = {} if data is None else {("data", "hold_back"): 0.0}
        given = given_of(run.path / "recipe.yaml", data, held | given_settings)
        return given.recipe, load(found, catalog=catalog), run.data_classes
    held = {} if data is None else {("data", "hold_back"): 0.0}
    given = given_of(file, data, held | given_settings)
    return given.recipe, load(given.recipe.graph, weights=weights, catalog=catalog), ()


def _report_differences(graph: Graph, catalog: Catalog, recipe: Recipe, source: Source) -> None:
    """Say in what the samples differ from what the model was made for.

    Raises:
        GraphError: They do not fit.
    """
    problems = check_wiring(graph, catalog, recipe, source, training=False)[1]
    if any(problem.severity == "error" for problem in problems):
        raise GraphError(problems)
    print_problems(problems, stderr=True)


def _measured(
    model: Model, recipe: Recipe, catalog: Catalog, source: Source, train: Source, precision: str
) -> Evaluation:
    graph = model.graph
    wires = wiring(graph, catalog, recipe, source, training=False)
    known = Subset(train, spread(len(train), _KNOWN)) if train is not source else None
    chosen = metrics_for(graph, catalog, source, train=known, fields=wires, names=recipe.evaluation.metrics)
    loader = Loader(recipe, graph, catalog, source, wires, training=False)
    reference = None
    if known is not None and any(metric.refers for metric in chosen):
        reference = Loader(recipe, graph, catalog, known, wires, training=False)
    options: dict[str, Any] = {"reference": reference, "precision": precision, "seed": recipe.seed}
    if not sys.stderr.isatty():
        return evaluate(model, loader, chosen, **options)
    with Bar(console=console(stderr=True), transient=True) as bar:
        task = bar.add_task("measuring")
        return evaluate(
            model,
            loader,
            chosen,
            on_progress=lambda done, total: bar.update(task, completed=done, total=total),
            **options,
        )


def _classes(details: Mapping[str, Any]) -> None:
    """What is known of each class, and the confusion matrix of few."""
    for kind in (one for found in details.values() for one in _kinds(found)):
        classes: Sequence[Mapping[str, Any]] = kind.get("classes", ())
        if not classes or len(classes) > _SHOWN_CLASSES:
            continue
        keys = [key for key in classes[0] if key not in ("name", "recall_precision")]
        rows = [(str(one["name"]), *(_number(one[key]) for key in keys)) for one in classes]
        print_text("")
        print_table(("class", *keys), rows, right=keys)
        confusion = kind.get("confusion")
        if confusion and len(classes) <= _CONFUSED:
            names = [str(one["name"]) for one in classes]
            print_text("\nright class in rows, answer in columns")
            rows = [(name, *map(str, row)) for name, row in zip(names, confusion, strict=True)]
            print_table(("", *names), rows, right=names)


def _kinds(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The details of a metric, or of each of the kinds it has (boxes and masks)."""
    return [found] if "classes" in found else [kind for kind in found.values() if isinstance(kind, Mapping)]


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)


def _place(recipe: Recipe, val: Source | None) -> str:
    split = recipe.data.train if recipe.data.val is None else recipe.data.val
    held = ""
    if val is not None and recipe.data.val is None:  # part of the samples that are trained on, or a folder beside them
        held = " (what is held back)" if isinstance(val, Subset) else " (what is there to measure on)"
    near = os.path.relpath(split.path)
    return f"{split.path if near.startswith(os.pardir) else near}{held}"
