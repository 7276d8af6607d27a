"""Files of strangers come as uploads only: a request that names another file, or an address, goes no further.

Gradio takes a file as a mapping with a ``path`` in the request. In an app that is mounted into another one it does not
look where that path lies; it fetches paths that are web addresses; and it never looks at mappings without ``meta``.
"""

import json
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder

from composer.problems import GraphError, Problem, Where

__all__ = ["UploadsOnly", "uploaded"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_REFUSED = b"Files are given as uploads."
_DEEPEST = 64


def uploaded(path: str) -> Path:
    """An uploaded file, by the path that a request has for it.

    Raises:
        GraphError: It is no uploaded file.
    """
    found = Path(path)
    if not _is_uploaded(path) or not found.is_file():
        raise GraphError(Problem("no-upload", Where(found.name[:100]), "this file was not uploaded; upload it again"))
    return found.resolve()


@dataclass(frozen=True)
class UploadsOnly:
    """Refuses requests that name files which were not uploaded.

    Args:
        app: What is guarded; bodies are held in memory, so what is around it bounds their size.
    """

    app: App

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"].endswith("/upload"):
            await self.app(scope, receive, send)
            return
        messages: list[Message] = []
        while not messages or messages[-1].get("more_body"):
            messages.append(await receive())
            if messages[-1]["type"] == "http.disconnect":
                break
        # functions of the server take plain data: there only what says that it is a file is one
        strict = not scope["path"].rstrip("/").endswith("/component_server")
        if not _acceptable(b"".join(message.get("body", b"") for message in messages), strict):
            headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(_REFUSED)).encode())]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": _REFUSED})
            return

        async def again() -> Message:
            return messages.pop(0) if messages else await receive()

        await self.app(scope, again, send)


def _acceptable(body: bytes, strict: bool) -> bool:
    try:
        data = json.loads(body) if body else None
        return all(map(_is_uploaded, _named(data, strict)))
    except (ValueError, RecursionError):
        return True  # no JSON that Gradio could read: nothing in it is taken for a file


def _named(data: Any, strict: bool) -> Iterator[str]:
    """The paths of all files that a request names.

    Args:
        data: The request.
        strict: Whether each mapping with a path counts, and not only those with the mark of a file.
    """
    waiting = [(data, 0)]
    while waiting:
        item, depth = waiting.pop()
        if depth > _DEEPEST:
            yield ""
            return
        if isinstance(item, dict):
            marked = strict or "meta" in item
            if marked and isinstance(item.get("path"), str):
                yield item["path"]
            if marked and str(item.get("url") or "").startswith("data:"):
                yield item["url"]
            waiting.extend((part, depth + 1) for part in item.values())
        elif isinstance(item, list):
            waiting.extend((part, depth + 1) for part in item)


def _is_uploaded(path: str) -> bool:
    try:
        return Path(path).is_absolute() and Path(path).resolve().is_relative_to(Path(get_upload_folder()).resolve())
    except (OSError, ValueError):
        return False
