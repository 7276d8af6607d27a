"""Options and arguments that several commands take, and what they mean."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from composer.catalog import Catalog
from composer.cli.output import print_problems
from composer.graph import Graph
from composer.graph.file import loads, read
from composer.model.weights import graph_text_of
from composer.problems import GraphError, Problem
from composer.problems.codes import CODES

__all__ = ["AsJson", "File", "Files", "Folders", "Mode", "WeightsFile", "catalog_of", "exit_code", "graph_of"]

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
