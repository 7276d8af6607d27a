"""``draw``: an image of a graph."""

from pathlib import Path
from typing import Annotated

import typer

from composer.cli.options import File, Folders, catalog_of, graph_of
from composer.cli.output import print_text
from composer.export.draw import draw
from composer.graph.file import atomic_write

__all__ = ["draw_graph"]


def draw_graph(
    file: File,
    folders: Folders,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The SVG file to write; by default FILE's name here.", show_default=False),
    ] = None,
) -> None:
    """Draw a graph as SVG: boxes with their ports, wires with the sizes that they carry. It may have problems."""
    path = out if out is not None else Path(file.stem + ".svg")
    atomic_write(path, draw(graph_of(file), catalog_of(folders)).encode())
    print_text(str(path))
