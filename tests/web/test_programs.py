"""An uploaded ``.pt2`` file becomes a graph whose weights are there for Run and Save."""

import io
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from starlette.testclient import TestClient
from torch import Tensor, nn

import composer
from composer import GraphError
from composer.catalog import Catalog
from composer.graph.file.document import from_document
from composer.web.programs import Programs
from composer.web.runs.jobs import RunJob, WeightsChoice
from composer.web.runs.messages import Done
from composer.web.runs.program_job import ProgramJob
from composer.web.runs.runner import Runner
from composer.web.server import ServerSettings, guarded_app
from composer.web.services import Services
from composer.web.setup_payloads import KeepWeightsRequest, ProgramResult, TaskView
from composer.web.training.setup import PRELOADED
from composer.web.training.tasks import Tasks
from composer.web.workspace import Workspace
from tests.modules.test_pt2 import HOSTILE, exported

HOST = "127.0.0.1:7860"
SOME = ("no zip", "a pickle of torch.save", "a weight as a pickle", "four billion entries", "10^9 numbers declared")


@pytest.fixture(scope="module")
def tasks() -> Iterator[Tasks]:
    runner = Runner(at_once=2, preload=PRELOADED)
    yield Tasks(runner)
    runner.close()


@pytest.fixture
def programs(tasks: Tasks, tmp_path: Path) -> Programs:
    return Programs(Workspace(tmp_path / "graphs"), tasks)


def ended(tasks: Tasks, view: TaskView) -> TaskView:
    """A task, once it is over."""
    until = time.monotonic() + 250
    while view.state in ("waiting", "working") and time.monotonic() < until:
        time.sleep(0.02)
        view = tasks.look(view.id)
    return view


def read(programs: Programs, content: bytes, name: str = "net.pt2", **bounds: Any) -> TaskView:
    """What becomes of a file, as if it had been uploaded."""
    folder = programs._made()
    source = folder.parents[1] / "upload"
    source.write_bytes(content)
    job = ProgramJob(source, name, folder / f"{name.rpartition('.')[0]}.safetensors")
    return ended(programs.tasks, programs.tasks.start(job, **bounds))


def result_of(view: TaskView) -> ProgramResult:
    assert isinstance(view.result, ProgramResult), view.problems
    return view.result


def test_a_program_becomes_a_graph_whose_weights_are_kept(programs: Programs) -> None:
    found = result_of(read(programs, exported("residual")))
    graph = from_document(json.loads(found.document))
    weights = programs.weights(found.file)
    assert weights is not None and weights.name == "net.safetensors"
    expected = composer.from_pt2(exported("residual"))
    held = load_file(weights)
    assert graph.nodes == expected.graph.nodes
    assert held.keys() == expected.weights.keys()
    assert all(torch.equal(held[name], item) for name, item in expected.weights.items())
    note, *more = found.notes
    assert (note.code, note.severity) == ("imported", "notice")
    assert "outputs differ by at most" in note.message
    assert more == []


def test_lost_training_behaviour_and_placeholders_are_in_the_notes(programs: Programs) -> None:
    class Rotated(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.cumprod(x, 1)

    notes = result_of(read(programs, exported("mobile"))).notes
    assert [(note.code, note.severity) for note in notes] == [("imported", "notice"), ("lost-in-evaluation", "warning")]
    file = io.BytesIO()
    torch.export.save(torch.export.export(nn.Sequential(nn.Linear(4, 4), Rotated()), (torch.randn(2, 4),)), file)
    found = result_of(read(programs, file.getvalue()))
    assert [note.code for note in found.notes] == ["imported", "no-part"]
    assert "outputs were not compared" in found.notes[0].message
    assert programs.weights(found.file) is not None


def test_imported_weights_run_and_are_saved_beside_the_graph(programs: Programs) -> None:
    found = result_of(read(programs, exported("residual")))
    weights = programs.weights(found.file)
    job = RunJob(found.document, "tensor", weights=WeightsChoice("imported", weights, "net.safetensors"))
    end = list(programs.tasks.runner.run(job))[-1]
    assert isinstance(end, Done), end
    graph = from_document(json.loads(found.document))
    saved = programs.workspace.save(graph, "mine/net.yaml", Catalog.default())
    assert saved is not None
    kept = programs.keep(KeepWeightsRequest(name=found.file, file=saved.name))
    assert kept.file == "mine/net.safetensors"
    names: dict[str, Any] = {"composer": composer}
    exec(kept.load, names)  # noqa: S102
    model = names["model"]
    assert model.weights_report is not None
    image = torch.randn(2, 3, 16, 16)
    torch.testing.assert_close(model.eval()(image)["out"], composer.from_pt2(exported("residual")).model(image)["out"])


@pytest.mark.parametrize("kind", SOME)
def test_a_hostile_file_is_refused_with_the_reason_of_the_command(programs: Programs, kind: str) -> None:
    make, expected = HOSTILE[kind]
    view = read(programs, make())
    assert view.state == "failed"
    assert [problem.code for problem in view.problems] == ["cannot-import"]
    assert expected in view.problems[0].message
    assert str(programs.workspace.folder) not in view.problems[0].message


def test_a_file_that_takes_too_long_is_given_up(programs: Programs) -> None:
    view = read(programs, exported("residual"), seconds=0.01)
    assert [problem.code for problem in view.problems] == ["timed-out"]


def test_only_so_many_imports_are_kept_and_what_is_gone_is_reported(programs: Programs) -> None:
    first = programs._made()
    (first / "net.safetensors").write_bytes(b"x")
    os.utime(first, (1, 1))
    name = f"{first.name}/net.yaml"
    assert programs.weights(name) is not None
    for _ in range(20):
        programs._made()
    assert len(list(first.parent.iterdir())) == 8
    assert programs.weights(name) is None
    with pytest.raises(GraphError, match="upload it again"):
        programs.keep(KeepWeightsRequest(name=name, file="net.yaml"))


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.yaml", "/etc/x.yaml", "net.yaml", "a/b/c.yaml", "a/net", "", "a\\b.yaml"]
)
def test_weights_are_found_by_names_of_imports_alone(programs: Programs, name: str) -> None:
    with pytest.raises(GraphError) as refused:
        programs.weights(name)
    assert [problem.code for problem in refused.value.problems] == ["bad-file-name"]


def test_symbolic_links_in_the_import_folder_are_not_followed(programs: Programs, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "net.safetensors").write_bytes(b"secret")
    folder = programs._made()
    (folder / "net.safetensors").symlink_to(tmp_path / "secret" / "net.safetensors")
    (folder.parent / "led").symlink_to(tmp_path / "secret")
    assert programs.weights(f"{folder.name}/net.yaml") is None
    assert programs.weights("led/net.yaml") is None
    other = Programs(Workspace(tmp_path / "other"), programs.tasks)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / ".imports").symlink_to(tmp_path / "secret")
    assert other.weights("led/net.yaml") is None
    with pytest.raises(GraphError, match="it is a link"):
        other._made()


# --- over HTTP ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Path]]:
    folder = tmp_path_factory.mktemp("graphs")
    with Services.open(folder) as services:
        app = guarded_app(ServerSettings(workspace=folder, upload_megabytes=2), services)
        with TestClient(app, base_url=f"http://{HOST}", raise_server_exceptions=False) as client:
            yield client, folder


Ask = Callable[[str, Any], Any]


@pytest.fixture
def ask(served: tuple[TestClient, Path]) -> Ask:
    client, _ = served
    config = client.get("/config").json()
    canvas = next(item["id"] for item in config["components"] if item["props"].get("elem_id") == "composer-canvas")

    def go(name: str, payload: Any) -> Any:
        body = {"component_id": canvas, "fn_name": f"composer_{name}", "data": payload, "session_hash": "test"}
        return client.post("/gradio_api/component_server/", json=body).json()

    return go


def sent(client: TestClient, content: bytes, name: str = "program.pt2") -> Any:
    return client.post("/gradio_api/upload", files={"files": (name, content)})


def done(ask: Ask, payload: Any) -> Any:
    answer = ask("program_read", payload)
    assert answer["ok"], answer
    view = answer["result"]
    until = time.monotonic() + 250
    while view["state"] in ("waiting", "working") and time.monotonic() < until:
        time.sleep(0.05)
        view = ask("setup_task", {"id": view["id"]})["result"]
    return view


@pytest.mark.parametrize(
    "name", ["net.pt2", "../../net.pt2", "..\\net.pt2", "<b>net</b>.PT2", ".pt2", "net", "日本.pt2"]
)
def test_an_upload_becomes_a_graph_whatever_it_is_called(served: tuple[TestClient, Path], ask: Ask, name: str) -> None:
    client, folder = served
    (path,) = sent(client, exported("shared")).json()
    view = done(ask, {"path": path, "name": name})
    assert view["state"] == "done", view
    file = view["result"]["file"]
    assert (folder / ".imports" / file).with_suffix(".safetensors").is_file()
    assert not Path(path).exists()
    assert {one.name for one in folder.iterdir()} == {".imports"}
    assert ask("program_keep", {"name": file, "file": "../x.yaml"})["error"]["problems"][0]["code"] == "bad-file-name"


def test_only_uploads_are_read_and_a_refused_one_leaves_no_files(served: tuple[TestClient, Path], ask: Ask) -> None:
    client, folder = served
    before = set((folder / ".imports").iterdir())
    other = folder / "mine.pt2"
    other.write_bytes(exported("shared"))
    for path in (str(other), "/etc/passwd", "", "../mine.pt2"):
        assert not ask("program_read", {"path": path, "name": "mine.pt2"})["ok"]
    other.unlink()
    (path,) = sent(client, b"no program").json()
    view = done(ask, {"path": path, "name": "bad.pt2"})
    assert (view["state"], view["problems"][0]["subject"]) == ("failed", "bad.pt2")
    until = time.monotonic() + 20
    while Path(path).exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not Path(path).exists()
    assert set((folder / ".imports").iterdir()) <= before


def test_an_upload_that_is_too_large_is_refused_before_it_is_kept(served: tuple[TestClient, Path]) -> None:
    client, _ = served
    assert sent(client, b"x" * (2 * 2**20 + 1)).status_code == 413


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}])
def test_other_sites_upload_nothing(served: tuple[TestClient, Path], headers: dict[str, str]) -> None:
    client, _ = served
    answer = client.post("/gradio_api/upload", files={"files": ("x.pt2", b"x")}, headers=headers)
    assert answer.status_code in (403, 421)
