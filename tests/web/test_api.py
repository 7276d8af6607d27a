"""The functions for scripts, called with gradio_client as a person would."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

import composer
from composer.catalog import Catalog
from composer.graph.file import read
from composer.graph.file.document import to_document
from composer.web.server import ServerSettings, guarded_app
from composer.web.services import Services

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "saved_graphs" / "classification" / "fashion_mnist.yaml"
GRAPH = SHIPPED.read_text()
IMAGE = ROOT / "examples" / "fashion_mnist" / "02_trouser.png"
WRONG = GRAPH.replace("out_features: 10}", "in_features: 3, out_features: 10}")
NAME = "classification/fashion_mnist.yaml"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with Services.open(tmp_path_factory.mktemp("graphs")) as services, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        config = uvicorn.Config(guarded_app(ServerSettings(), services), log_level="error", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.05)
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        yield Client(address, verbose=False, httpx_kwargs={"timeout": 60})
        server.should_exit = True
        thread.join(20)


def test_the_operations_are_there_and_documented(client: Client) -> None:
    endpoints: Any = client.view_api(return_format="dict")
    assert endpoints is not None
    found = endpoints["named_endpoints"]
    assert set(found) == {"/list_components", "/check", "/shapes", "/code", "/run"}
    assert all(endpoint["description"] for endpoint in found.values())
    assert [item["parameter_name"] for item in found["/check"]["parameters"]] == ["graph"]


def test_list_components_is_the_catalog(client: Client) -> None:
    found = {item["type"]: item for item in client.predict(api_name="/list_components")}
    assert found.keys() == Catalog.default().components.keys()
    assert found["ResNet"]["kind"] == "backbones"
    assert "depth" in [parameter["name"] for parameter in found["ResNet"]["parameters"]]


def test_check_finds_nothing_wrong_with_a_shipped_graph(client: Client) -> None:
    assert client.predict(GRAPH, api_name="/check") == {"ok": True, "problems": []}


def test_check_reports_a_wrong_size_with_its_fix(client: Client) -> None:
    found = client.predict(WRONG, api_name="/check")
    assert not found["ok"]
    [problem] = found["problems"]
    assert (problem["code"], problem["where"]["node"]) == ("shape-mismatch", "classifier")
    assert problem["fix"]["edits"] == [{"path": ["nodes", "classifier", "params", "in_features"], "set": 128}]


@pytest.mark.parametrize("text", ["", "nodes: [", "!!python/object:os.system {}", "{", "[1, 2]", "\0", "a: &x [*x]"])
def test_check_reports_a_text_that_is_no_graph(client: Client, text: str) -> None:
    found = client.predict(text, api_name="/check")
    assert not found["ok"] or text == ""
    assert all(problem["message"] for problem in found["problems"])


def test_a_document_is_taken_as_a_graph_file_is(client: Client) -> None:
    text = json.dumps(to_document(read(SHIPPED)))
    assert client.predict(text, api_name="/check")["ok"]
    assert client.predict("{schema: 1, name: braces}", api_name="/check")["problems"][0]["code"] != "bad-document"


def test_shapes_are_those_of_the_library(client: Client) -> None:
    found, expected = client.predict(GRAPH, api_name="/shapes"), composer.infer_shapes(read(SHIPPED))
    assert found["parameters"] == expected.parameters
    assert found["flops"]["predict"] == expected.flops("predict")
    assert found["ports"]["tensor"]["stem_conv.out"] == "B 32 28 28"
    assert [row["node"] for row in found["nodes"]] == list(expected.nodes)


@pytest.mark.parametrize("mode", ["tensor", "loss", "predict"])
def test_code_is_what_runs(client: Client, mode: str) -> None:
    assert client.predict(GRAPH, mode, api_name="/code") == composer.compile(read(SHIPPED)).code[mode]


@pytest.mark.parametrize(
    ("graph", "mode", "text"),
    [(WRONG, "tensor", "shape-mismatch"), (GRAPH, "train", "no outputs for the mode 'train'"), ("{", "loss", "yaml")],
)
def test_code_of_a_wrong_graph_or_mode_is_refused_with_the_reason(
    client: Client, graph: str, mode: str, text: str
) -> None:
    with pytest.raises(AppError, match=text):
        client.predict(graph, mode, api_name="/code")


def test_run_answers_what_the_image_shows(client: Client) -> None:
    found = client.predict(GRAPH, handle_file(str(IMAGE)), shipped=NAME, api_name="/run")
    assert found["classes"][0]["name"] == "Trouser"
    assert found["notes"][0].startswith("Weights: fashion_mnist.safetensors")
    assert "image" not in found


def test_run_takes_uploaded_weights_and_gives_losses(client: Client) -> None:
    weights = handle_file(str(SHIPPED.with_suffix(".safetensors")))
    given = {"mode": "loss", "weights": weights, "label": 1, "api_name": "/run"}
    found = client.predict(GRAPH, handle_file(str(IMAGE)), **given)
    assert 0.4 < found["losses"]["loss"] < 0.6
    assert found["notes"][0] == "Weights: fashion_mnist.safetensors, uploaded."


@pytest.mark.parametrize(
    ("graph", "given", "text"),
    [
        (WRONG, {}, "shape-mismatch"),
        (GRAPH, {"device": "cuda:9"}, "no such device"),
        (GRAPH, {"shipped": "../../etc/passwd"}, "bad-file-name"),
        (GRAPH, {"shipped": "classification/resnet18.yaml"}, "no weights beside"),
        (GRAPH, {"image": handle_file(str(SHIPPED))}, "bad-image"),
        (GRAPH, {"weights": handle_file(str(IMAGE))}, "pickle-refused"),
    ],
)
def test_run_reports_the_problem_without_a_traceback(
    client: Client, graph: str, given: dict[str, Any], text: str
) -> None:
    with pytest.raises(AppError, match=text) as refused:
        client.predict(graph, api_name="/run", **given)
    assert "Traceback" not in str(refused.value)
