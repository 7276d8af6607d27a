"""Starts the composer in the browser, on this machine by default."""

import asyncio
import gc
import os
import secrets
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from types import FrameType

import gradio as gr
import uvicorn
from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from composer.problems import GraphError, Problem, Where
from composer.web.app import STATIC, blocks_of, page_styles, theme
from composer.web.guard import Guard
from composer.web.services import Services
from composer.web.uploads import UploadsOnly

__all__ = ["ServerSettings", "guarded_app", "serve"]

_PORTS_TRIED = 20
_SHORTEST_PASSWORD = 8
_SECONDS_TO_ANSWER = 0.5
_SECONDS_TO_STOP = 1
_SECONDS_BETWEEN_LOOKS = 0.1
_SECONDS_BETWEEN_PROGRESS = 1.0


@dataclass(frozen=True)
class ServerSettings:
    """How the app is served.

    Args:
        host: Address to listen on.
        port: Port; where none is said, the first free one from 7860.
        workspace: Folder of the person's graphs.
        folders: Folders of components to enable.
        users: Name and password of those who may use it; empty for everyone who can reach it.
        allowed_hosts: Names under which it may be called, beside those of this machine.
        static: Where the bundle lies.
        upload_megabytes: The largest upload.
        runs_at_once: How many trainings run at the same time; the others wait.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    workspace: Path = Path("graphs")
    folders: Sequence[Path] = ()
    users: Sequence[tuple[str, str]] = field(default=(), repr=False)
    allowed_hosts: Sequence[str] = ()
    static: Path = STATIC
    upload_megabytes: int = 1024
    runs_at_once: int = 1

    @property
    def public(self) -> bool:
        """Whether other machines can reach it."""
        if self.host == "localhost":
            return False
        try:
            return not ip_address(self.host).is_loopback
        except ValueError:
            return True


def serve(
    settings: ServerSettings,
    ready: Callable[[str], None] = lambda address: None,
    stopping: Callable[[], None] = lambda: None,
) -> None:
    """Serve until stopped.

    Args:
        settings: How.
        ready: Called with the address once requests are answered.
        stopping: Called as soon as a signal asks for the end.

    Raises:
        GraphError: It would listen to other machines without a password, or the port is taken.
    """
    _refuse_open_door(settings)
    taken = _listen(settings)
    port = taken.getsockname()[1]
    with Services.open(settings.workspace, settings.folders, runs_at_once=settings.runs_at_once) as services:
        app = guarded_app(settings, services)
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=_SECONDS_TO_STOP,
        )
        shown = f"[{settings.host}]" if ":" in settings.host else settings.host
        services.warm_up()
        gc.collect()
        gc.freeze()  # components and torch stay for good: looking through them again and again would stall edits
        ready_at = partial(ready, f"http://{shown}:{port}")
        _Server(config, services.dock.runner.close, ready_at, stopping).run(sockets=[taken])


class _Server(uvicorn.Server):
    """A server that stops though pages are open: their event streams would go on for as long as they are.

    Args:
        config: How it serves.
        end_jobs: Ends what runs for the pages, once the server is to stop.
        ready: Called once requests are answered.
        stopping: Called as soon as a signal asks for the end, also while a request holds the event loop.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        end_jobs: Callable[[], None],
        ready: Callable[[], None],
        stopping: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self.end_jobs = end_jobs
        self.ready = ready
        self.stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note that a signal asks for the end."""
        self.stopping()
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer requests."""
        await super().startup(sockets)
        if self.started:
            self.ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the jobs, give what is being answered a moment, and hang up."""
        self.end_jobs()
        asyncio.get_running_loop().call_later(_SECONDS_TO_ANSWER, self._hang_up)
        await super().shutdown(sockets)

    def _hang_up(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.close()


def guarded_app(settings: ServerSettings, services: Services) -> Guard:
    """The whole app behind its guard."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    inner = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    inner.mount("/composer-static", StaticFiles(directory=settings.static), name="composer-static")
    inner.router.routes.append(services.training.downloads.route)
    blocks = blocks_of(services, settings.static)
    blocks.queue(max_size=200, default_concurrency_limit=4, api_open=True)
    # Gradio looks for queued calls a thousand times a second, which costs an idle server 6 % of a core
    blocks._queue.sleep_when_free = _SECONDS_BETWEEN_LOOKS
    blocks._queue.progress_update_sleep_when_free = _SECONDS_BETWEEN_PROGRESS
    app = gr.mount_gradio_app(
        inner,
        blocks,
        path="/",
        server_name=settings.host,
        footer_links=[],
        run_history=False,
        auth=_login(settings.users) if settings.users else None,
        auth_message="composer: sign in" if settings.users else None,
        show_error=True,
        ssr_mode=False,
        max_file_size=settings.upload_megabytes * 2**20,
        enable_monitoring=False,
        mcp_server=False,
        pwa=False,
        theme=theme(),
        css=page_styles(),
    )
    hosts = (*settings.allowed_hosts, *([] if settings.public else [settings.host]))
    blocks.has_launched = True  # else Gradio takes any file of the machine for an upload
    return Guard(UploadsOnly(app), hosts, settings.public, upload_bytes=settings.upload_megabytes * 2**20)


def _login(users: Sequence[tuple[str, str]]) -> object:
    known = dict(users)

    def check(name: str, password: str) -> bool:
        expected = known.get(name, "")
        same = secrets.compare_digest(password.encode(), expected.encode())
        return name in known and same

    return check


def _refuse_open_door(settings: ServerSettings) -> None:
    if settings.public and not settings.users:
        text = f"{settings.host} can be reached by other machines, and whoever reaches this app can run models on it: "
        text += "give a name and a password with --auth, or listen on 127.0.0.1"
        raise GraphError(Problem("no-password", Where(f"--host {settings.host}"), text))
    for name, password in settings.users:
        if not name or len(password) < _SHORTEST_PASSWORD:
            text = f"the password of '{name}' is shorter than {_SHORTEST_PASSWORD} characters"
            raise GraphError(Problem("weak-password", Where("--auth"), text))


def _listen(settings: ServerSettings) -> socket.socket:
    first = 7860 if settings.port is None else settings.port
    ports = range(first, first + (_PORTS_TRIED if settings.port is None else 1))
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    for port in ports:
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((settings.host, port))
        except OSError as error:
            sock.close()
            last = error
            continue
        sock.listen(256)
        return sock
    where = Where(f"{settings.host}:{first}" + ("" if len(ports) == 1 else f" to {ports[-1]}"))
    raise GraphError(Problem("cannot-listen", where, f"listening failed: {last.strerror}; --port names another port"))
