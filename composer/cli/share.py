"""``push`` and ``pull``: models on the Hugging Face hub."""

import math
import shutil
from pathlib import Path
from typing import Annotated

import typer

from composer.cli.options import Folders, WeightsFile, catalog_of
from composer.cli.output import print_text
from composer.export.sharing import push, write_shared
from composer.model.compile import load
from composer.model.hub import ADDRESS, fetched, repository
from composer.problems import GraphError, Problem, Where
from composer.training.runs.comparison import summary_of
from composer.training.runs.folder import RunFolder

__all__ = ["pull_model", "push_model"]

Repository = Annotated[str, typer.Argument(metavar="OWNER/NAME", help="The repository on the hub.")]


def push_model(
    file: Annotated[Path, typer.Argument(metavar="FILE|RUN", help="A saved model, a graph with --weights, or a run.")],
    name: Repository,
    folders: Folders,
    weights: WeightsFile = None,
    license: Annotated[
        str | None,
        typer.Option("--license", metavar="ID", help="Of the weights, such as apache-2.0.", show_default=False),
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Make a repository that only its owner sees.")] = False,
    folder: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write here what would be pushed, and push nothing.", show_default=False),
    ] = None,
) -> None:
    """Put a model on the Hugging Face hub: weights with their graph as safetensors, and a card.

    The card has the drawing, sizes, inputs, classes, and the figures of a run. composer.load("hf://OWNER/NAME") makes
    the model again.
    """
    repo, revision = repository(name)
    if revision is not None:
        raise typer.BadParameter(
            "a push makes a revision of its own; name the repository alone", param_hint="OWNER/NAME"
        )
    catalog = catalog_of(folders)
    figures: dict[str, float] = {}
    if file.is_dir():
        run = RunFolder.open(file)
        found = [run.weights(name) for name in ("best", "last") if run.weights(name).is_file()]
        if not found:
            text = "the run has no weights yet: neither best.safetensors nor last.safetensors"
            raise GraphError(Problem("no-file", Where(str(file)), text))
        file, figures = found[0], _measured(run)
    model = load(file, weights=weights, catalog=catalog)
    if model.weights_report is None:
        text = f"{file} is a graph without weights: give them with --weights, or name a saved model or a run"
        raise GraphError(Problem("no-weights", Where(str(file)), text))
    if folder is not None:
        write_shared(model, folder, repo, catalog=catalog, figures=figures, license=license)
        print_text(f"{folder}: what would be pushed")
        return
    print_text(push(model, repo, catalog=catalog, figures=figures, license=license, private=private or None))


def _measured(run: RunFolder) -> dict[str, float]:
    """What the evaluation of the best weights found."""
    best = summary_of(run).best_step
    numbers = next((event.numbers() for event in run.read_events("evaluation") if event.step == best), {})
    return {name: value for name, value in numbers.items() if not math.isnan(value)}


def pull_model(
    name: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="The repository, perhaps with @REVISION.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The file to write; by default NAME.safetensors.", show_default=False),
    ] = None,
) -> None:
    """Fetch a model from the Hugging Face hub, as a safetensors file with its graph; nothing of it is run."""
    repo, _ = repository(name)
    source = fetched(ADDRESS + name.removeprefix(ADDRESS))
    path = out if out is not None else Path(f"{repo.rpartition('/')[2]}.safetensors")
    try:
        shutil.copyfile(source, path)
    except OSError as error:
        text = f"the model cannot be written: {error.strerror or error}"
        raise GraphError(Problem("cannot-write", Where(str(path)), text)) from None
    print_text(f"{path}: composer run {path} --input IMAGE")
