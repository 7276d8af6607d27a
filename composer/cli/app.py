"""The commands, and what all of them do alike: exit codes, and how an error is told."""

import io
import sys
import traceback
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from composer.cli import catalog_commands, graph_commands, model_commands
from composer.cli.output import print_problems
from composer.problems import GraphError

__all__ = ["app", "main"]

_EXIT_CODES = """\b
Exit codes:
  0  all is well
  1  the answer is no: a graph has problems, is not in canonical form, differs from the other, or its export is not exact
  2  it could not be done: a wrong option, or a file (graph, weights, picture, components) that cannot be used
  3  a fault in composer or in a component; its traceback is shown
"""

# Problems of what was given beside the graph; any other problem is one of the graph itself.
_NOT_OF_THE_GRAPH = {
    "bad-mode",
    "bad-weights-file",
    "missing-field",
    "missing-input",
    "no-file",
    "no-graph",
    "pickle-refused",
    "unknown-input",
    "weights-dtype",
    "weights-mismatch",
    "which-input",
}


class _Commands(TyperGroup):
    """Tells what a command raises in words and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except GraphError as error:
            print_problems(error.problems, stderr=True)
            code = 2 if any(problem.code in _NOT_OF_THE_GRAPH for problem in error.problems) else 1
            raise typer.Exit(code) from None
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
for group in (catalog_commands, graph_commands, model_commands):
    for name, function in group.COMMANDS.items():
        app.command(name, epilog="Exit codes: see composer --help.")(function)


@app.callback()
def _options(
    ctx: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", is_eager=True, help="Print the version and stop.")] = False,
) -> None:
    if show_version:
        typer.echo(f"composer {version('graph-composer')}")
        raise typer.Exit


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a character still gets the line
    try:
        app()
    except Exception:  # noqa: BLE001: nothing stands above this; a script must not take a fault for an answer
        traceback.print_exc()
        sys.exit(3)
