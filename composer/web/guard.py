"""What a request must be like before anything of the app sees it, and the headers that every answer carries."""

import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

__all__ = ["CHANGING", "HEADERS", "PATHS", "Guard"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CHANGING = ("POST", "PUT", "PATCH", "DELETE")

HEADERS: Mapping[str, str] = {
    # Gradio starts components with new Function and styles them inline.
    "content-security-policy": "; ".join(
        (
            "default-src 'self'",
            "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}

_API = "/gradio_api"
PATHS: Mapping[str, str] = {
    # path pattern: methods
    r"/": "GET HEAD",
    r"/composer-static/[\w.-]+": "GET HEAD",
    r"/composer-files/[\w-]+": "GET",
    r"/assets/.+": "GET HEAD",
    r"/static/.+": "GET HEAD",
    r"/svelte/.+": "GET HEAD",
    r"/config/?": "GET",
    r"/theme\.css": "GET",
    r"/favicon\.ico": "GET",
    r"/manifest\.json": "GET",
    r"/robots\.txt": "GET",
    r"/login/?": "POST",
    r"/logout": "GET",
    rf"{_API}/(user|login_check|token|app_id|info|theme\.css|queue/status|startup-events)/?": "GET",
    rf"{_API}/(component_server|reset)/?": "POST",
    rf"{_API}/cancel": "POST",
    rf"{_API}/call/(v2/)?\w+/?": "POST",
    rf"{_API}/call/\w+/\w+": "GET",
    rf"{_API}/run/\w+/?": "POST",
    rf"{_API}/queue/join": "POST",
    rf"{_API}/queue/data": "GET",
    rf"{_API}/heartbeat/\w+": "GET",
    rf"{_API}/upload": "POST",
    rf"{_API}/upload_progress": "GET",
    rf"{_API}/file=.+": "GET HEAD",
}
"""What is served; everything else of Gradio (proxies, streams, editors, monitoring) is not there."""

_ROUTES = tuple((re.compile(pattern), methods.split()) for pattern, methods in PATHS.items())
_UPLOADS = f"{_API}/upload"
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Guard:
    """Refuses what no page of this app sends.

    Args:
        app: What is guarded.
        hosts: Names that the app may be called by, beside those of the machine itself. IP addresses are always
            taken where ``public``: a foreign page cannot make a name of its own out of one.
        public: Whether it listens to other machines.
        body_bytes: The largest body.
        upload_bytes: The largest upload.
    """

    app: App
    hosts: Sequence[str] = ()
    public: bool = False
    body_bytes: int = 16 * 2**20
    upload_bytes: int = 1024 * 2**20

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        refused = self._refusal(scope, headers)
        if refused:
            await _answer(send, *refused)
            return
        limit = self.upload_bytes if scope["path"] == _UPLOADS else self.body_bytes
        await self._within(limit, scope, receive, send)

    def _refusal(self, scope: Scope, headers: Mapping[str, str]) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if not self._known(host):
            return 421, "This server does not go by that name; --allow-host adds one."
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        changes = scope["method"] in CHANGING
        if origin is not None and urlsplit(origin).netloc != host:
            return 403, "Requests of other sites are refused."
        if changes and site not in (None, "same-origin", "none"):
            return 403, "Requests of other sites are refused."
        methods = next((found for route, found in _ROUTES if route.fullmatch(scope["path"])), None)
        if methods is None:
            return 404, "There is nothing here."
        if scope["method"] not in methods:
            return 405, "This is not done here."
        limit = self.upload_bytes if scope["path"] == _UPLOADS else self.body_bytes
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > limit:
            return 413, f"The body is larger than {limit} bytes."
        return None

    def _known(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in _LOCAL or name in self.hosts or (self.public and _is_address(name))

    async def _within(self, limit: int, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on with its body counted: a length that was not declared is no way around the limit."""
        read, over, begun = 0, False, False

        async def counted() -> Message:
            nonlocal read, over
            message = await receive()
            read += len(message.get("body", b""))
            if read > limit and not begun:
                over = True
                return {"type": "http.disconnect"}
            return message

        async def dressed(message: Message) -> None:
            nonlocal begun
            if over:
                return
            if message["type"] == "http.response.start":
                begun = True
                sent = {key.lower() for key, _ in message.get("headers", ())}
                extra = [(key.encode(), value.encode()) for key, value in HEADERS.items() if key.encode() not in sent]
                message = {**message, "headers": [*message.get("headers", ()), *extra]}
            await send(message)

        try:
            await self.app(scope, counted, dressed)
        except Exception:
            if not over:
                raise
        if over:
            await _answer(send, 413, f"The body is larger than {limit} bytes.")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


async def _answer(send: Send, status: int, text: str) -> None:
    body = text.encode()
    headers = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(body))), *HEADERS.items()]
    encoded = [(key.encode(), value.encode()) for key, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
