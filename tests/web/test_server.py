"""The served app: who may reach it, and that nothing sent to it brings it down."""

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from composer.cli.ui import _user
from composer.problems import GraphError
from composer.web.server import ServerSettings, guarded_app, serve
from composer.web.services import Services
from tests.web.test_guard import CHANGING, ENDPOINTS

HOST = "127.0.0.1:7860"
MALFORMED = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"{}",
    b'{"data": null, "fn_index": "x", "session_hash": 3}',
    b'{"data": [' + b"[" * 5000 + b"]" * 5000 + b'], "fn_index": 0}',
    b'{"component_id": 1, "fn_name": "__class__", "data": {}, "session_hash": "a"}',
    b'{"component_id": -1, "fn_name": "composer_edit", "data": {}, "session_hash": "a"}',
    b"\xff\xfe\x00\x01",
    b'{"event_data": ' + b"9" * 400 + b"}",
]


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    with Services.open(tmp_path_factory.mktemp("graphs")) as services:
        yield services


def client_of(services, tmp_path_factory, **settings):
    app = guarded_app(ServerSettings(workspace=tmp_path_factory.mktemp("graphs"), **settings), services)
    return TestClient(app, base_url=f"http://{HOST}", raise_server_exceptions=False)


@pytest.fixture(scope="module")
def client(services, tmp_path_factory):
    with client_of(services, tmp_path_factory) as client:
        yield client


def call(client, name, payload):
    """Call a function of the server as the browser does."""
    config = client.get("/config").json()
    canvas = next(item["id"] for item in config["components"] if item["props"].get("elem_id") == "composer-canvas")
    body = {"component_id": canvas, "fn_name": f"composer_{name}", "data": payload, "session_hash": "test"}
    return client.post("/gradio_api/component_server/", json=body)


@pytest.mark.parametrize(("method", "path"), [item for item in ENDPOINTS if item[0] in CHANGING])
@pytest.mark.parametrize("body", MALFORMED, ids=range(len(MALFORMED)))
def test_a_malformed_body_is_answered_and_the_server_keeps_running(client, method, path, body):
    for kind in ("application/json", "multipart/form-data; boundary=x", "text/plain"):
        answer = client.request(method, path, content=body, headers={"Content-Type": kind})
        assert answer.status_code < 600 and b"Traceback" not in answer.content
    assert call(client, "new", {}).json()["ok"]


def test_the_functions_of_the_server_answer_in_envelopes(client):
    answer = call(client, "new", {}).json()
    assert answer["ok"] and json.loads(answer["result"]["document"])["name"] == "model"
    wrong = call(client, "look", {"document": 3}).json()
    assert not wrong["ok"] and "document" in wrong["error"]["message"]


@pytest.mark.parametrize(
    "payload", [None, [], 3, "x", {"document": None}, {"path": "x"}, {"document": "{", "path": []}]
)
@pytest.mark.parametrize(
    "name",
    [
        *("look", "edit", "open", "read", "save", "fits", "suggest", "copy", "source", "text", "arrange"),
        *("train_start", "train_run", "train_stop", "train_resume", "train_delete"),
        *("train_nodes", "run_values", "run_map"),
        *("setup_unpack", "setup_look", "setup_images", "setup_recipe", "setup_stored", "setup_save", "setup_check"),
        *("setup_task", "setup_cancel", "program_read", "program_keep"),
        *(
            "train_samples",
            "train_evaluation",
            "train_compare",
            "train_open",
            "train_files",
            "train_export",
            "train_keep",
        ),
    ],
)
def test_an_invalid_payload_is_answered_with_a_message(client, name, payload):
    answer = call(client, name, payload)
    assert answer.status_code == 200 and not answer.json()["ok"]
    assert "Traceback" not in answer.text and str(Path(__file__).parents[2]) not in answer.text


def test_boxes_without_a_place_are_placed_beside_those_that_have_one(client):
    size = {"width": 160, "height": 80}
    boxes = [{"id": "image", **size}, {"id": "conv", "place": [400, 80], **size}]
    wires = [{"source": "image", "target": "conv", "out_y": 50, "in_y": 50}]
    answer = call(client, "arrange", {"boxes": boxes, "wires": wires}).json()
    assert answer["result"]["places"] == {"image": [144.0, 80.0]}
    boxes[0]["width"] = 0
    assert "boxes.0.width" in call(client, "arrange", {"boxes": boxes, "wires": wires}).json()["error"]["message"]


def test_other_attributes_of_the_canvas_cannot_be_called(client):
    config = client.get("/config").json()
    canvas = next(item["id"] for item in config["components"] if item["props"].get("elem_id") == "composer-canvas")
    for name in ("__init__", "get_config", "push_to_hub", "composer_", "composer_nothing"):
        body = {"component_id": canvas, "fn_name": name, "data": {}, "session_hash": "test"}
        assert client.post("/gradio_api/component_server/", json=body).status_code == 404


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "app.py", "pyproject.toml", "../../etc/passwd", "%2fetc%2fpasswd", ".git/config"]
)
def test_no_file_of_the_machine_is_served(client, path):
    assert client.get(f"/gradio_api/file={path}").status_code in (403, 404)


@pytest.mark.parametrize(
    "file", [{"path": "/etc/passwd"}, {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}]
)
def test_a_file_that_nobody_uploaded_is_refused_on_the_api(client, file):
    answer = client.post("/gradio_api/call/run", json={"data": ["", file, "tensor", None, "", "cpu", -1, 2, 0]})
    assert answer.status_code == 403


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/../../x.yaml", "x.py", "<script>.yaml"])
def test_open_and_save_take_checked_names_only(client, name):
    document = call(client, "new", {}).json()["result"]["document"]
    assert not call(client, "open", {"place": "workspace", "name": name}).json()["ok"]
    assert not call(client, "save", {"document": document, "name": name}).json()["ok"]


def test_with_a_password_nothing_is_reported_without_signing_in(services, tmp_path_factory):
    with client_of(services, tmp_path_factory, users=[("ada", "a long password")]) as client:
        assert client.get("/config").status_code == 401
        assert client.post("/gradio_api/component_server/", json={}).status_code == 401
        assert client.post("/gradio_api/upload", files={"files": b"x"}).status_code == 401
        wrong = client.post("/login", data={"username": "ada", "password": "another password"})
        assert wrong.status_code == 400
        assert client.post("/login", data={"username": "ada", "password": "a long password"}).status_code == 200
        assert client.get("/config").status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.10", "lab.example"])
def test_listening_to_other_machines_without_a_password_is_refused_with_the_reason(host, tmp_path):
    with pytest.raises(GraphError, match="--auth") as error:
        serve(ServerSettings(host=host, workspace=tmp_path))
    assert error.value.problems[0].code == "no-password"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.0.0.2"])
def test_this_machine_alone_is_not_public(host):
    assert not ServerSettings(host=host).public


def test_a_short_password_is_refused(tmp_path):
    with pytest.raises(GraphError, match="shorter than 8"):
        serve(ServerSettings(host="0.0.0.0", users=[("ada", "short")], workspace=tmp_path))


def test_a_password_may_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("COMPOSER_PASSWORD", "from outside")
    assert _user("ada") == ("ada", "from outside")
    assert _user("ada:own:with colon") == ("ada", "own:with colon")
    monkeypatch.delenv("COMPOSER_PASSWORD")
    with pytest.raises(GraphError, match="COMPOSER_PASSWORD"):
        _user("ada")


STREAMING = """
import socket, sys
import uvicorn
from composer.web.server import _Server

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"begun", "more_body": True})
    while (await receive())["type"] != "http.disconnect":
        pass

sock = socket.socket()
sock.bind(("127.0.0.1", 0))
sock.listen()
config = uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=60)
ready = lambda: print(sock.getsockname()[1], flush=True)
_Server(config, lambda: print("jobs ended", flush=True), ready, lambda: None).run(sockets=[sock])
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_jobs_and_the_server_while_a_page_is_open(number):
    command = [sys.executable, "-c", STREAMING]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        port = int(process.stdout.readline())
        with socket.create_connection(("127.0.0.1", port)) as page:
            page.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            received = b""
            while b"begun" not in received:
                received += page.recv(1000)
            process.send_signal(number)
            output, wrong = process.communicate(timeout=50)  # the stream of an open page has no end
    assert output == "jobs ended\n"
    assert "ERROR" not in wrong


HELD_WHILE_STARTING = """
import time
from composer.cli import ui

def import_module(name):
    try:
        print("starting", flush=True)
        time.sleep(60)
    finally:
        time.sleep(60)

ui.importlib.import_module = import_module
ui.open_ui([])
"""

HELD_WHILE_SERVING = """
import socket, threading, time
import uvicorn
from composer.cli.ui import _end_soon
from composer.web.server import _Server

async def app(scope, receive, send):
    print("held", flush=True)
    time.sleep(60)

sock = socket.socket()
sock.bind(("127.0.0.1", 0))
sock.listen()
socket.create_connection(sock.getsockname()).sendall(b"GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
config = uvicorn.Config(app, log_level="warning", lifespan="off")
_Server(config, lambda: None, lambda: None, _end_soon).run(sockets=[sock])
"""


@pytest.mark.parametrize("program", [HELD_WHILE_STARTING, HELD_WHILE_SERVING], ids=["starting", "serving"])
def test_ctrl_c_ends_the_process_whatever_holds_it(program):
    ignored = f"import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); exec({program!r})"
    with subprocess.Popen([sys.executable, "-c", ignored], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline().strip() in ("starting", "held")
            process.send_signal(signal.SIGINT)
            sent = time.monotonic()
            assert process.wait(timeout=30) == 1
            assert 1.9 < time.monotonic() - sent < 10  # two seconds, and what a busy machine takes to look
        finally:
            process.kill()
