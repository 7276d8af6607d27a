"""The commands, and what all of them do alike: exit codes, and how an error is reported."""

import gc
import io
import os
import sys
import traceback
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from composer.cli.options import exit_code
from composer.cli.output import print_problems
from composer.problems import GraphError

__all__ = ["app", "main"]

_EXIT_CODES = """\b
Exit codes:
  0  all is well
  1  the answer is no: a graph has problems or is not in canonical form, two graphs differ, an export is not exact
  2  it could not be done: a wrong option, or a file (graph, weights, image, components) that cannot be used
  3  a fault in composer or in a component; its traceback is shown
"""
_COMMANDS: Mapping[str, tuple[str, str]] = {
    "ui": ("ui.open_ui", "Open the composer in the browser."),
    "list": ("catalog_commands.list_components", "List the components, with their ports."),
    "show": ("catalog_commands.show_component", "Show one component: ports and parameters."),
    "check": ("graph_commands.check_files", "Show all that is wrong with graph files."),
    "fmt": ("graph_commands.format_files", "Write graph files in canonical form."),
    "diff": ("graph_commands.compare_files", "Show what changed in meaning between two."),
    "summary": ("summarize.summarize", "Show sizes, parameters, FLOPs of each node."),
    "draw": ("draw.draw_graph", "Draw a graph as SVG, with the sizes on its wires."),
    "train": ("train.train_graph", "Train a graph on a folder of images, or by a recipe."),
    "evaluate": ("evaluate.evaluate_model", "Measure a model on samples."),
    "runs": ("runs.show_runs", "List trainings, show all of one, or compare some."),
    "run": ("run.run_images", "Run a graph on images."),
    "export": ("export.export_model", "Write a model as Python, ONNX, torch or a config."),
    "push": ("share.push_model", "Put a model on the Hugging Face hub, with a card."),
    "pull": ("share.pull_model", "Fetch a model from the Hugging Face hub."),
    "import": ("import_models.import_model", "Turn a config of OpenMMLab or a .pt2 into a graph."),
    "weights": ("weights.put_weights", "Put a checkpoint's weights under a graph's names."),
}


class _Commands(TyperGroup):
    """The commands, each imported when it is called; what it raises becomes a message and an exit code."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands: dict[str, Any] = dict.fromkeys(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """One of them, or None."""
        if cmd_name not in _COMMANDS:
            return None
        place, short_help = _COMMANDS[cmd_name]
        module, _, function = place.partition(".")
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
        alone.command(cmd_name, short_help=short_help)(getattr(import_module(f"composer.cli.{module}"), function))
        return typer.main.get_command(alone)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List them in the help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, short_help) for name, (_, short_help) in _COMMANDS.items()])

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except GraphError as error:
            print_problems(error.problems, stderr=True)
            _leave_others(exit_code(error.problems))
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
    help="Vision models as graphs: look at them, check them, train them, run them, export them.",
    epilog=_EXIT_CODES,
)


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
    gc.freeze()  # torch's half a million objects stay to the end: no collection goes through them, nor the one at exit
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that lacks a character still gets the line
    try:
        app()
    except SystemExit as end:
        _leave_others(end.code if isinstance(end.code, int) else int(end.code is not None))
        raise
    except Exception:  # noqa: BLE001 - nothing stands above this; a script must not take a fault for an answer
        traceback.print_exc()
        _leave_others(3)
        sys.exit(3)


def _leave_others(status: int) -> None:
    """End at once where several processes train together (torchrun).

    At its ordinary end torch would wait for what it has begun with the others, and they would wait for it; and threads
    that still run as Python takes itself down abort the process now and then.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
