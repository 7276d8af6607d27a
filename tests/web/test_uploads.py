"""No path of a stranger reaches the disk: only what was uploaded is taken for a file."""

import json
from pathlib import Path

import pytest
from gradio.utils import get_upload_folder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from composer.problems import GraphError
from composer.web.uploads import UploadsOnly, uploaded

META = {"_type": "gradio.FileData"}
INSIDE = str(Path(get_upload_folder()) / "0a1b" / "image.png")


async def echo(request: Request) -> JSONResponse:
    return JSONResponse({"length": len(await request.body())})


@pytest.fixture(scope="module")
def client() -> TestClient:
    routes = [Route(path, echo, methods=["POST"]) for path in ("/queue/join", "/upload", "/component_server/")]
    return TestClient(UploadsOnly(Starlette(routes=routes)))


@pytest.mark.parametrize(
    "file",
    [
        {"path": "/etc/passwd", "meta": META},
        {"path": "/etc/passwd"},
        {"path": "examples/fashion_mnist/02_trouser.png", "meta": META},
        {"path": "http://127.0.0.1/secret", "meta": META},
        {"path": "https://example.org/image.png"},
        {"path": f"{get_upload_folder()}/../../etc/passwd", "meta": META},
        {"path": "", "meta": META},
        {"path": "x\0y", "meta": META},
        {"path": None, "url": "data:image/png;base64,AAAA", "meta": META},
    ],
    ids=str,
)
def test_files_that_were_not_uploaded_are_refused_however_deep_they_stand(client: TestClient, file: object) -> None:
    for data in (file, [file], [{"a": {"b": [1, file]}}]):
        assert client.post("/queue/join", json={"data": data}).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"data": [{"path": INSIDE, "meta": META}]}),
        json.dumps({"data": ["the path /etc/passwd in a text", {"path": ["a", "list"]}, None, 3]}),
        json.dumps({"data": [json.dumps({"path": "/etc/passwd", "meta": META})]}),
        "",
        "{",
        "\0",
    ],
)
def test_bodies_without_foreign_files_pass_unchanged(client: TestClient, body: str) -> None:
    answer = client.post("/queue/join", content=body)
    assert (answer.status_code, answer.json()["length"]) == (200, len(body.encode()))


def test_a_body_nested_too_deeply_is_refused(client: TestClient) -> None:
    assert client.post("/queue/join", content="[" * 90 + "]" * 90).status_code == 403


def test_functions_of_the_server_take_paths_of_their_own(client: TestClient) -> None:
    assert client.post("/component_server/", json={"data": {"path": "encoder"}}).status_code == 200
    assert client.post("/component_server/", json={"data": {"path": "/etc/passwd", "meta": META}}).status_code == 403


def test_uploaded_contents_are_not_inspected_for_paths(client: TestClient) -> None:
    assert client.post("/upload", content=b'{"path": "/etc/passwd"}').status_code == 200


def test_an_uploaded_file_is_found_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    (tmp_path / "uploads").mkdir()
    (tmp_path / "uploads" / "mine.png").write_bytes(b"x")
    (tmp_path / "other.png").write_bytes(b"x")
    (tmp_path / "uploads" / "link.png").symlink_to(tmp_path / "other.png")
    assert uploaded(str(tmp_path / "uploads" / "mine.png")).name == "mine.png"
    for path in ("other.png", "uploads/link.png", "uploads/../other.png", "uploads/gone.png"):
        with pytest.raises(GraphError, match="no-upload"):
            uploaded(str(tmp_path / path))
