"""The workspace: graphs by name, and nothing else of the disk."""

import threading
from pathlib import Path

import pytest

import composer
from composer.catalog import Catalog
from composer.graphfile import dumps, loads
from composer.problems import GraphError
from composer.web.workspace import Workspace

GRAPH = loads("""
schema: 1
name: tiny
inputs: {image: {type: Image, shape: [B, 3, 8, 8]}}
nodes: {act: {type: ReLU, inputs: {input: image}}}
outputs: {tensor: {out: act}}
""")

HOSTILE = [
    "",
    "../evil.yaml",
    "..%2fevil.yaml",
    "/etc/passwd",
    "/tmp/evil.yaml",
    "a/../../evil.yaml",
    "a//b.yaml",
    ".hidden.yaml",
    "a/.git/config.yaml",
    "evil.py",
    "evil.yaml.py",
    "evil.yaml\x00.png",
    "evil.yaml\n",
    "<b>.yaml",
    "a b.yaml",
    "~/evil.yaml",
    "C:\\evil.yaml",
    "a\\..\\..\\evil.yaml",
    "con.yaml",
    "sub/NUL.yaml",
    "é.yaml",
    "x" * 80 + ".yaml",
    "a/b/c/d/e.yaml",
    "$HOME.yaml",
]


@pytest.fixture
def catalog():
    return Catalog.default()


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "graphs", shipped=tmp_path / "shipped")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_is_none_reaches_no_file(workspace, catalog, name, tmp_path):
    for use in (lambda: workspace.save(GRAPH, name, catalog), lambda: workspace.read("workspace", name)):
        with pytest.raises(GraphError) as error:
            use()
        assert error.value.problems[0].code == "bad-file-name"
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("name", ["tiny.yaml", "my-net_2.yaml", "classification/resnet50.yaml"])
def test_what_is_saved_loads_in_python_and_is_listed(workspace, catalog, name):
    saved = workspace.save(GRAPH, name, catalog)
    assert saved.name == name and workspace.names("workspace") == [name]
    assert composer.read(workspace.folder / name) == loads(dumps(GRAPH, catalog))
    assert composer.load(workspace.folder / name).graph.name == "tiny"


def test_a_link_that_leads_out_of_the_folder_is_not_followed(workspace, catalog, tmp_path):
    workspace.folder.mkdir()
    secret = tmp_path / "secret.yaml"
    secret.write_text(dumps(GRAPH))
    (workspace.folder / "link.yaml").symlink_to(secret)
    (workspace.folder / "out").symlink_to(tmp_path)
    assert workspace.names("workspace") == []
    for name in ("link.yaml", "out/secret.yaml"):
        with pytest.raises(GraphError, match="out of the folder"):
            workspace.read("workspace", name)
        with pytest.raises(GraphError, match="out of the folder"):
            workspace.save(GRAPH, name, catalog, overwrite=True)
    assert secret.read_text() == dumps(GRAPH)


def test_a_file_that_changed_underneath_is_not_overwritten_unasked(workspace, catalog):
    first = workspace.save(GRAPH, "tiny.yaml", catalog)
    other = loads(dumps(GRAPH).replace("name: tiny", "name: other"))
    second = workspace.save(other, "tiny.yaml", catalog, version=first.version)
    assert second is not None and second.version != first.version
    assert workspace.save(GRAPH, "tiny.yaml", catalog, version=first.version) is None
    assert workspace.read("workspace", "tiny.yaml").graph().name == "other"
    assert workspace.save(GRAPH, "tiny.yaml", catalog, version=first.version, overwrite=True) is not None
    assert workspace.read("workspace", "tiny.yaml").graph().name == "tiny"


def test_a_new_graph_does_not_replace_a_file_of_its_name_unasked(workspace, catalog):
    workspace.save(GRAPH, "tiny.yaml", catalog)
    assert workspace.save(GRAPH, "tiny.yaml", catalog) is None


def test_of_many_who_save_at_once_one_wins_and_the_others_are_told(workspace, catalog):
    start = workspace.save(GRAPH, "tiny.yaml", catalog)
    results = {}

    def save(number):
        graph = loads(dumps(GRAPH).replace("name: tiny", f"name: net{number}"))
        results[number] = workspace.save(graph, "tiny.yaml", catalog, version=start.version)

    threads = [threading.Thread(target=save, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [number for number, saved in results.items() if saved]
    assert len(winners) == 1
    assert workspace.read("workspace", "tiny.yaml").graph().name == f"net{winners[0]}"


def test_a_file_that_went_away_can_be_saved_again(workspace, catalog):
    saved = workspace.save(GRAPH, "tiny.yaml", catalog)
    (workspace.folder / "tiny.yaml").unlink()
    assert workspace.save(GRAPH, "tiny.yaml", catalog, version=saved.version) is not None


def test_a_folder_that_cannot_be_made_is_told(tmp_path, catalog):
    (tmp_path / "file").write_text("")
    with pytest.raises(GraphError, match="cannot be made") as error:
        Workspace(tmp_path / "file" / "graphs").save(GRAPH, "tiny.yaml", catalog)
    assert error.value.problems[0].code == "cannot-write"


def test_the_weights_of_a_graph_lie_beside_it(workspace, catalog):
    workspace.save(GRAPH, "tiny.yaml", catalog)
    assert workspace.weights_of("workspace", "tiny.yaml") is None
    (workspace.folder / "tiny.safetensors").write_bytes(b"x")
    assert workspace.weights_of("workspace", "tiny.yaml") == workspace.folder / "tiny.safetensors"


def test_the_graphs_that_come_with_composer_are_listed():
    assert "classification/fashion_mnist.yaml" in Workspace(Path("nowhere")).names("shipped")
