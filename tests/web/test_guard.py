"""The guard lets in what the app's own page sends, and nothing else."""

import asyncio

import httpx
import pytest

from composer.web.guard import CHANGING, HEADERS, PATHS, Guard

EXAMPLES = {
    "/": "/",
    r"/composer-static/[\w.-]+": "/composer-static/composer.js",
    r"/composer-files/[\w-]+": "/composer-files/a-token",
    r"/assets/.+": "/assets/index.js",
    r"/static/.+": "/static/img/logo.svg",
    r"/svelte/.+": "/svelte/svelte.js",
    r"/config/?": "/config",
    r"/theme\.css": "/theme.css",
    r"/favicon\.ico": "/favicon.ico",
    r"/manifest\.json": "/manifest.json",
    r"/robots\.txt": "/robots.txt",
    r"/login/?": "/login",
    r"/logout": "/logout",
    r"/gradio_api/(user|login_check|token|app_id|info|theme\.css|queue/status|startup-events)/?": "/gradio_api/info",
    r"/gradio_api/(component_server|reset)/?": "/gradio_api/component_server/",
    r"/gradio_api/cancel": "/gradio_api/cancel",
    r"/gradio_api/call/(v2/)?\w+/?": "/gradio_api/call/check",
    r"/gradio_api/call/\w+/\w+": "/gradio_api/call/check/0123abc",
    r"/gradio_api/run/\w+/?": "/gradio_api/run/refresh",
    r"/gradio_api/queue/join": "/gradio_api/queue/join",
    r"/gradio_api/queue/data": "/gradio_api/queue/data",
    r"/gradio_api/heartbeat/\w+": "/gradio_api/heartbeat/abc",
    r"/gradio_api/upload": "/gradio_api/upload",
    r"/gradio_api/upload_progress": "/gradio_api/upload_progress",
    r"/gradio_api/file=.+": "/gradio_api/file=/tmp/gradio/x.png",
}
"""A path for every pattern of the guard."""

ENDPOINTS = [(method, EXAMPLES[pattern]) for pattern, methods in PATHS.items() for method in methods.split()]


async def echo(scope, receive, send):
    """An app that reads all of the body, and answers 200 with its length."""
    length, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RuntimeError("the client went away")
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": str(length).encode()})


def ask(method, path, headers=None, host="127.0.0.1:7860", content=None, **settings):
    async def go():
        guard = Guard(echo, body_bytes=1000, upload_bytes=2000, **settings)
        transport = httpx.ASGITransport(app=guard)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
            return await client.request(method, path, headers=headers, content=content)

    return asyncio.run(go())


def test_there_is_an_example_for_every_path():
    assert EXAMPLES.keys() == PATHS.keys()


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_the_apps_own_page_gets_through(method, path):
    own = {"Origin": "http://127.0.0.1:7860", "Sec-Fetch-Site": "same-origin"}
    assert ask(method, path, own).status_code == 200
    assert ask(method, path).status_code == 200  # a script


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:7860", "[::2]", "10.0.0.7"]
)
def test_another_host_name_is_refused_on_every_endpoint(method, path, host):
    assert ask(method, path, {"Host": host}).status_code == 421


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://127.0.0.1:7861", "null", "http://127.0.0.1:7860.evil.example"]
)
def test_another_origin_is_refused_on_every_endpoint(method, path, origin):
    assert ask(method, path, {"Origin": origin}).status_code == 403


@pytest.mark.parametrize(("method", "path"), [item for item in ENDPOINTS if item[0] in CHANGING])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_changes_nothing_even_without_an_origin(method, path, site):
    assert ask(method, path, {"Sec-Fetch-Site": site}).status_code == 403


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_too_large_a_body_is_refused_on_every_endpoint(method, path):
    assert ask(method, path, content=b"x" * 2001).status_code == 413


@pytest.mark.parametrize(("method", "path"), [item for item in ENDPOINTS if item[0] in CHANGING])
def test_a_body_without_a_content_length_is_counted(method, path):
    async def parts():
        for _ in range(30):
            yield b"x" * 100

    assert ask(method, path, content=parts()).status_code == 413


@pytest.mark.parametrize("length", ["-1", "1e3", "many", ""])
def test_a_length_that_is_no_number_is_refused(length):
    assert ask("POST", "/gradio_api/queue/join", {"Content-Length": length}).status_code == 413


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/proxy=https://evil.example",
        "/gradio_api/vibe-edit",
        "/gradio_api/stream/x",
        "/gradio_api/custom_component/1/client/component/index.js",
        "/gradio_api/run-history/connect",
        "/gradio_api/process_recording",
        "/gradio_api/deep_link",
        "/gradio_api/dev/reload",
        "/monitoring",
        "/monitoring/summary",
        "/docs",
        "/openapi.json",
        "/composer-static/../payloads.py",
        "/composer-static/%2e%2e/payloads.py",
    ],
)
def test_endpoints_that_the_page_does_not_need_are_not_served(path):
    assert ask("POST", path).status_code == 404
    assert ask("GET", path).status_code == 404


def test_a_known_path_refuses_other_methods():
    assert ask("POST", "/config").status_code == 405
    assert ask("GET", "/gradio_api/upload").status_code == 405
    assert ask("DELETE", "/").status_code == 405


@pytest.mark.parametrize("answer", [ask("GET", "/"), ask("GET", "/nothing"), ask("GET", "/", {"Host": "evil.example"})])
def test_every_answer_carries_the_security_headers(answer):
    assert {key: answer.headers.get(key) for key in HEADERS} == dict(HEADERS)


def test_names_that_were_allowed_get_through_and_addresses_do_where_it_is_public():
    assert ask("GET", "/", {"Host": "lab.example:7860"}, hosts=("lab.example",)).status_code == 200
    assert ask("GET", "/", {"Host": "10.0.0.7:7860"}, public=True).status_code == 200
    assert ask("GET", "/", {"Host": "lab.example"}, public=True).status_code == 421


def test_a_web_socket_is_closed():
    sent = []

    async def go():
        async def send(message):
            sent.append(message)

        await Guard(echo)({"type": "websocket", "path": "/"}, None, send)

    asyncio.run(go())
    assert sent == [{"type": "websocket.close", "code": 1008}]
