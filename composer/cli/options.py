"""Options and arguments that several commands take, and what they mean."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from composer.catalog import Catalog
from composer.cli.output import print_problems, print_text
from composer.graph import Graph
from composer.graph.file import loads, read
from composer.model.weights import graph_text_of
from composer.problems import GraphError, Problem, Where
from composer.problems.codes import CODES

__all__ = [
    "AsJson",
    "File",
    "Files",
    "Folders",
    "LeaveOut",
    "Mode",
    "WeightsFile",
    "catalog_of",
    "exit_code",
    "graph_of",
    "stop_unless",
    "target_file",
]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="A graph file, or a model saved as .safetensors.")]
Files = Annotated[list[Path], typer.Argument(metavar="FILE", help="Graph files.")]
Folders = Annotated[
    list[Path],
    typer.Option(
        "--catalog",
        metavar="FOLDER",
        help="Enable a folder of components; may be repeated. Its files are run: enable only what you trust.",
        default_factory=list,
        show_default=False,
    ),
]
LeaveOut = Annotated[
    bool, typer.Option("--leave-out", help="Go on without what is not understood; it is reported all the same.")
]
Mode = Literal["tensor", "loss", "predict"]
WeightsFile = Annotated[
    Path | None, typer.Option("--weights", metavar="FILE", help="Weights to load, as safetensors.", show_default=False)
]


def catalog_of(folders: Sequence[Path]) -> Catalog:
    """The components that come with composer, and those of some folders; one that cannot be used ends the command."""
    catalog = Catalog.default()
    try:
        for folder in folders:
            catalog = catalog.with_folder(folder)
    except GraphError as error:
        print_problems(error.problems, stderr=True)
        raise typer.Exit(2) from None
    return catalog


def graph_of(path: Path) -> Graph:
    """The graph in a graph file or in a saved model."""
    return loads(graph_text_of(path), str(path)) if path.suffix == ".safetensors" else read(path)


def exit_code(problems: Sequence[Problem]) -> int:
    """0 where there are warnings at most, 2 where a file or an option is at fault, 1 where the graph is."""
    errors = [problem for problem in problems if problem.severity == "error"]
    return max((CODES[problem.code].exit_code for problem in errors), default=0)


def target_file(out: Path | None, name: str, source: Path) -> Path:
    """Where to write: never over what was read, and over another file only where the caller names it."""
    path = out if out is not None else Path(name)
    if path.exists() and (out is None or path.samefile(source)):
        raise GraphError(Problem("cannot-write", Where(str(path)), "there is such a file: name another with -o"))
    return path


def stop_unless(leave_out: bool, *counts: tuple[str, str, int]) -> None:
    """End the command where something is wrong and nobody said to go on.

    Args:
        leave_out: Whether somebody did.
        counts: What is wrong, what becomes of it, and how many there are.
    """
    found = [item for item in counts if item[2]]
    if leave_out:
        for what, becomes, count in found:
            print_text(f"{count} {what}: {becomes}", stderr=True)
    elif found:
        counted = ", ".join(f"{count} {what}" for what, _, count in found)
        how = "without them" if all(becomes == "left out" for _, becomes, _ in found) else "all the same"
        print_text(f"nothing is written: {counted}; --leave-out goes on {how}", stderr=True)
        raise typer.Exit(1)
