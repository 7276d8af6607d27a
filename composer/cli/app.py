"""The commands, and what all of them do alike: exit codes, and how an error is told."""

import io
import sys
import traceback
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from composer.cli.catalog_commands import list_components, show_component
from composer.cli.export import export_model
from composer.cli.graph_commands import check_files, compare_files, format_files
from composer.cli.openmmlab_commands import import_config_file, import_weights
from composer.cli.options import exit_code
from composer.cli.output import print_problems
from composer.cli.picture import draw_graph
from composer.cli.run import run_images
from composer.cli.summarize import summarize
from composer.cli.ui import open_ui
from composer.problems import GraphError

__all__ = ["app", "main"]

_EXIT_CODES = """\b
Exit codes:
  0  all is well
  1  the answer is no: a graph has problems or is not in canonical form, two graphs differ, an export is not exact
  2  it could not be done: a wrong option, or a file (graph, weights, picture, components) that cannot be used
  3  a fault in composer or in a component; its traceback is shown
"""


class _Commands(TyperGroup):
    """Tells what a command raises in words and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except GraphError as error:
            print_problems(error.problems, stderr=True)
            raise typer.Exit(exit_code(error.problems)) from None
        except BrokenPipeError:
            raise
        except OSError as error:
            typer.echo(f"composer: {error}", err=True)
            raise typer.Exit(2) from None


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Vision models as graphs: look at them, check them, run them, export them.",
    epilog=_EXIT_CODES,
)
_COMMANDS: Mapping[str, tuple[Callable[..., None], str]] = {
    "ui": (open_ui, "Open the composer in the browser."),
    "list": (list_components, "List the components, with their ports."),
    "show": (show_component, "Show one component: ports and parameters."),
    "check": (check_files, "Tell all that is wrong with graph files."),
    "fmt": (format_files, "Write graph files in canonical form."),
    "diff": (compare_files, "Tell what changed in meaning between two."),
    "summary": (summarize, "Show sizes, parameters, FLOPs of each node."),
    "draw": (draw_graph, "Draw a graph as SVG, with the sizes on its wires."),
    "run": (run_images, "Run a graph on pictures."),
    "export": (export_model, "Write a model as Python, ONNX, torch or a config."),
    "import": (import_config_file, "Turn a config of OpenMMLab into a graph."),
    "weights": (import_weights, "Put a checkpoint's weights under a graph's names."),
}
for name, (function, short_help) in _COMMANDS.items():
    app.command(name, short_help=short_help)(function)


def _print_version(wanted: bool) -> None:
    if not wanted:
        return
    try:
        typer.echo(f"composer {version('graph-composer')}")
    except PackageNotFoundError:
        typer.echo("composer, run from a source tree that is not installed")
    raise typer.Exit


@app.callback()
def _options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None: ...


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a character still gets the line
    try:
        app()
    except Exception:  # noqa: BLE001 - nothing stands above this; a script must not take a fault for an answer
        traceback.print_exc()
        sys.exit(3)
