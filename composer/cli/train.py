"""``train``: a graph and data become a trained model."""

import math
import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from composer.catalog import Catalog
from composer.cli.options import Folders, catalog_of
from composer.cli.output import print_problems, print_text
from composer.cli.run import device_of
from composer.cli.training_input import Given, fitted, given_of, leads, report_changes
from composer.graph import Graph
from composer.model.compile import compile as compile_graph
from composer.problems import Problem
from composer.training.augment import MASKS, SAME_AS, STEPS, SameAs
from composer.training.check.findings import CheckReport, Finding
from composer.training.check.report import check_training
from composer.training.data.index import source_problems
from composer.training.data.source import Source, open_splits
from composer.training.defaults import complete
from composer.training.engine import Outcome, prepare, train
from composer.training.progress import Progress
from composer.training.recipe import Recipe, dumps_recipe, recipe_schema
from composer.training.runs.folder import RunFolder
from composer.training.settings import parse_settings, with_settings

__all__ = ["train_graph"]

_COLOURS = {"ok": "", "warning": "yellow", "error": "bold red"}


def train_graph(
    folders: Folders,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[GRAPH|RECIPE]", help="A graph, a recipe, or a saved model.", show_default=False),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Images, one folder a class; or another data set.", show_default=False),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="How often every sample is seen.", show_default=False)
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="How many steps are made.", show_default=False)] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Samples in a step.", show_default=False)] = None,
    lr: Annotated[float | None, typer.Option(min=0, help="The learning rate.", show_default=False)] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Order, augmentation, first weights.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="The run's folder; by default runs/NAME-DATE-TIME.", show_default=False),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="Such as cpu or cuda:1; by default a GPU if there is one.", show_default=False)
    ] = None,
    workers: Annotated[int | None, typer.Option(min=0, help="Processes that read images.", show_default=False)] = None,
    precision: Annotated[
        Literal["fp32", "bf16", "fp16"] | None, typer.Option(help="bf16 and fp16 are autocast.", show_default=False)
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights to begin with, as safetensors.", show_default=False)
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Set a key of the recipe: optimizer.lr=0.1.", show_default=False
        ),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Go on with a run, exactly where it was.", show_default=False)
    ] = None,
    fix: Annotated[
        bool,
        typer.Option("--fix", help="Change the graph as the data needs it (num_classes, classes); in the run only."),
    ] = False,
    print_recipe: Annotated[
        bool, typer.Option("--print-recipe", help="Print the completed recipe, to edit; train nothing.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Try it in some 25 steps: data, memory, gradients, policy, resume; train nothing."
        ),
    ] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON schema of recipes.")] = False,
) -> None:
    """Train a graph on a folder of images, or by a recipe.

    What is not given is filled in by graph and data; an option holds against what the recipe says. Everything that
    training writes is in the run's folder. Ctrl-C saves and ends; --resume goes on. With torchrun several processes
    train together: torchrun --nproc-per-node 2 -m composer train ...
    """
    if schema:
        typer.echo(recipe_schema({**STEPS, **MASKS, SAME_AS: SameAs}), nl=False)
        return
    options = _settings(epochs, steps, batch, lr, seed, workers, precision, weights) | parse_settings(settings or [])
    if device is not None:
        device_of(device)  # refuses one that is not there
    catalog = catalog_of(folders)
    if resume is not None:
        if file is not None or data is not None or options or out is not None:
            text = "a resumed run keeps its graph, its data and its recipe; it takes --device and --catalog only"
            raise typer.BadParameter(text, param_hint="--resume")
        run = RunFolder.open(resume)
        _report(_trained(None, run.graph, catalog, device, resume=resume))
        return
    if file is None:
        raise typer.BadParameter("name a graph or a recipe, or a run with --resume", param_hint="GRAPH")
    rate = options.pop(("optimizer", "lr"), None)
    given = given_of(file, data, options)
    source, val = open_splits(given.recipe.data, Path.cwd(), seed=given.recipe.seed)
    graph, changed = fitted(given.graph, catalog, given.recipe, source, fix=fix)
    recipe = _with_rate(given.recipe, graph, catalog, source, rate)
    if print_recipe:
        prepared = prepare(recipe, graph, catalog, source, val)
        for problem in (*prepared.problems, *source_problems(source, val)):
            _warn(problem)
        typer.echo(dumps_recipe(prepared.recipe, full=True), nl=False)
        prepared.close()
        return
    if check:
        _check(recipe, graph, catalog, source, val, out or Path("runs"), device)
        return
    if leads():
        report_changes(changed, "graph.yaml of the run" if out is None else f"{out}/graph.yaml")
        _report_data(given, source, val)
    _report(_trained(recipe, graph, catalog, device, out=out, source=source, val=val))


def _check(
    recipe: Recipe, graph: Graph, catalog: Catalog, source: Source, val: Source | None, out: Path, device: str | None
) -> None:
    """Try a training before it begins, and print each finding as it comes."""
    place = next((folder for folder in (out, *out.absolute().parents) if folder.is_dir()), Path.cwd())

    def show(finding: Finding) -> None:
        print_text(CheckReport((finding,)).text(), _COLOURS[finding.state])

    report = check_training(recipe, graph, catalog, source, val, out=place, device=device_of(device), on_finding=show)
    if report.state == "error":
        raise typer.Exit(1)


def _settings(
    epochs: int | None,
    steps: int | None,
    batch: int | None,
    lr: float | None,
    seed: int | None,
    workers: int | None,
    precision: str | None,
    weights: Path | None,
) -> dict[tuple[str, ...], Any]:
    """What the options are in a recipe; a length in epochs takes the place of one in steps, and the other way."""
    if epochs is not None and steps is not None:
        raise typer.BadParameter("give --epochs or --steps, not both", param_hint="--steps")
    found: dict[tuple[str, ...], Any] = {
        ("epochs",): epochs,
        ("steps",): steps,
        ("batches", "batch"): batch,
        ("optimizer", "lr"): lr,
        ("seed",): seed,
        ("batches", "workers"): workers,
        ("precision",): precision,
        ("weights",): None if weights is None else os.path.abspath(weights),
    }
    given = {keys: value for keys, value in found.items() if value is not None}
    if epochs is not None or steps is not None:
        given[("steps",) if epochs is not None else ("epochs",)] = None
    return given


def _with_rate(recipe: Recipe, graph: Graph, catalog: Catalog, source: Source, rate: Any) -> Recipe:
    """The recipe with a learning rate; where it names no optimizer, with that of the defaults."""
    if rate is None:
        return recipe
    if recipe.optimizer is None:
        completed = complete(recipe, graph, catalog, source, compile_graph(graph, catalog))
        recipe = recipe.model_copy(update={"optimizer": completed.optimizer, "clip": completed.clip})
    return with_settings(recipe, {("optimizer", "lr"): rate})


def _trained(
    recipe: Recipe | None,
    graph: Graph,
    catalog: Catalog,
    device: str | None,
    **more: Any,
) -> Outcome:
    """Train, and show how it goes in the first process."""
    if not leads():
        return train(recipe, graph=graph, catalog=catalog, device=device, **more)
    with Progress(graph.name or "training") as progress:
        return train(
            recipe,
            graph=None if recipe is None else graph,
            catalog=catalog,
            device=device,
            on_event=progress,
            warned=_warn,
            **more,
        )


def _warn(problem: Problem) -> None:
    print_problems([problem], stderr=True)


def _report_data(given: Given, source: Source, val: Source | None) -> None:
    classes = f" of {len(source.classes)} classes" if source.classes else ""
    measured = "nothing is measured" if val is None else f"{len(val):,} to measure on"
    held = (
        given.recipe.data.val is None
        and val is not None
        and getattr(val, "source", None) is getattr(source, "source", 0)
    )
    aside = " (held back)" if held else ""
    print_text(f"{len(source):,} samples{classes} to train on, {measured}{aside}", stderr=True)


def _report(outcome: Outcome) -> None:
    """How it ended, and what can be done now."""
    if not leads():
        return
    numbers = "  ".join(f"{name} {value:.4g}" for name, value in outcome.metrics.items() if not math.isnan(value))
    print_text(f"{outcome.state} after {outcome.step:,} steps{': ' if numbers else ''}{numbers}")
    if outcome.best is not None:
        best = outcome.best
        print_text(f"best {best.metric} {best.value:.4g} at step {best.step:,}")
    if outcome.folder is None:
        return
    run = RunFolder(outcome.folder)
    print_text(f"run: {run.path}")
    if outcome.state == "stopped":
        print_text(f"go on with it:   composer train --resume {run.path}")
    weights = next((run.weights(name) for name in ("best", "last") if run.weights(name).is_file()), None)
    if weights is not None:
        if "predict" in outcome.model.graph.modes:
            print_text(f"use it:          composer run {weights} --input IMAGE")
        print_text(f"look at the run: composer runs {run.path}")
