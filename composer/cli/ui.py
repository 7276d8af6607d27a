"""``ui``: the composer in the browser."""

import faulthandler
import importlib
import os
import signal
import threading
import webbrowser
from pathlib import Path
from typing import Annotated, Any

import typer

from composer.cli.options import Folders, catalog_of
from composer.cli.output import print_text
from composer.problems import GraphError, Problem, Where

__all__ = ["open_ui"]

_PASSWORD = "COMPOSER_PASSWORD"
_SECONDS_TO_END = 2


def open_ui(
    folders: Folders,
    workspace: Annotated[
        Path, typer.Option(help="The folder that Save writes to and Open lists; made when it is needed.")
    ] = Path("graphs"),
    host: Annotated[str, typer.Option(help="Address to listen on; another one than this machine's needs --auth.")] = (
        "127.0.0.1"
    ),
    port: Annotated[
        int | None,
        typer.Option(help="Port; by default the first free one from 7860.", min=0, max=65535, show_default=False),
    ] = None,
    auth: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[:PASSWORD]",
            help=f"Who may sign in; may be repeated. A password that is left out is that in {_PASSWORD}.",
            show_default=False,
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A host name that the app may be called by; may be repeated.", show_default=False
        ),
    ] = None,
    runs_at_once: Annotated[
        int, typer.Option(metavar="N", help="Trainings that run at the same time; the others wait.", min=1, max=64)
    ] = 1,
    browser: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    static: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Open the composer in the browser: assemble, check, run and save graphs without writing code."""
    signal.signal(signal.SIGINT, _interrupt)  # a shell starts what runs in the background with Ctrl+C ignored
    catalog_of(folders)  # a folder that cannot be used is reported here, and not in the browser
    server = importlib.import_module(
        "composer.web.server"
    )  # Gradio takes seconds to import, and other commands do without
    settings = server.ServerSettings(
        host=host,
        port=port,
        workspace=workspace,
        folders=folders,
        users=[_user(text) for text in auth or ()],
        allowed_hosts=allow_host or (),
        runs_at_once=runs_at_once,
        **({"static": static} if static else {}),
    )

    def ready(address: str) -> None:
        print_text(f"composer is at {address}\ngraphs are saved in {workspace.resolve()}; stop with Ctrl+C")
        if browser:
            threading.Timer(0.5, webbrowser.open, [address]).start()

    server.serve(settings, ready, _end_soon)


def _interrupt(number: int, frame: Any) -> None:
    _end_soon()
    raise KeyboardInterrupt


def _end_soon() -> None:
    """End the process in two seconds, whatever holds it, also the freeing of all modules on a busy machine.

    That needs no Python: a thread waits that never runs any. Files are written whole or not at all.
    """
    faulthandler.dump_traceback_later(_SECONDS_TO_END, exit=True, file=Path(os.devnull).open("wb"))  # noqa: SIM115


def _user(text: str) -> tuple[str, str]:
    name, colon, password = text.partition(":")
    if not colon:
        password = os.environ.get(_PASSWORD, "")
    if not password:
        message = f"there is no password for '{name}': write {name}:PASSWORD, or set {_PASSWORD}"
        raise GraphError(Problem("no-password", Where("--auth"), message))
    return name, password
