"""Files of runs to take away: each under an address that nobody can guess, and that holds for an hour."""

import secrets
import shutil
import tempfile
import threading
import time
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from composer.web.recent import Recent
from composer.web.training.payloads import TrainFile

__all__ = ["Downloads"]

_SECONDS = 3600.0
_MOST = 500
_ADDRESS = "/composer-files"


class Downloads:
    """Hands out files by tokens; a page never names a path."""

    def __init__(self) -> None:
        self._known: Recent[str, tuple[Path, str, float]] = Recent(_MOST)
        self._folders: list[tuple[Path, float]] = []
        self._lock = threading.Lock()

    @property
    def route(self) -> Route:
        """What answers at ``/composer-files/TOKEN``."""
        return Route(_ADDRESS + "/{token}", self.answer, methods=["GET"])

    def offer(self, path: Path, name: str) -> TrainFile:
        """Make a file ready to be taken.

        Args:
            path: The file.
            name: What it is called on the other side.

        Raises:
            OSError: There is no such file.
        """
        size = path.stat().st_size
        token = secrets.token_urlsafe(24)
        self._known.put(token, (path, name, time.monotonic() + _SECONDS))
        return TrainFile(name=name, size=size, address=f"{_ADDRESS}/{token}")

    def folder(self) -> Path:
        """A new folder for files that are made to be taken; it is gone after an hour."""
        now = time.monotonic()
        with self._lock:
            for path, until in self._folders:
                if until < now:
                    shutil.rmtree(path, ignore_errors=True)
            self._folders = [(path, until) for path, until in self._folders if until >= now]
            made = Path(tempfile.mkdtemp(prefix="composer-files-"))
            self._folders.append((made, now + _SECONDS))
        return made

    async def answer(self, request: Request) -> Response:
        """Send a file, or say that there is none."""
        found = self._known.get(request.path_params["token"])
        if found is None or found[2] < time.monotonic() or not found[0].is_file():
            return PlainTextResponse("This download is no longer there: ask for it again.", status_code=404)
        path, name, _ = found
        return FileResponse(path, filename=name, media_type="application/octet-stream")

    def close(self) -> None:
        """Forget all of them."""
        self._known.clear()
        with self._lock:
            for path, _ in self._folders:
                shutil.rmtree(path, ignore_errors=True)
            self._folders.clear()
