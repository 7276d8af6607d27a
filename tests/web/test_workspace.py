"""The workspace: graphs by name, and nothing else of the disk."""

import threading
from pathlib import Path

import pytest

import composer
from composer.catalog import Catalog
from composer.graph.file import dumps, loads
from composer.problems import GraphError
from composer.web.filenames import file_name_of, name_fault
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
    " a.yaml",
    "a .yaml",
    "a/ b/c.yaml",
    "a..yaml",
    "~/evil.yaml",
    "C:\\evil.yaml",
    "a\\..\\..\\evil.yaml",
    "con.yaml",
    "sub/NUL.yaml",
    "Lpt1.old.yaml",
    "what?.yaml",
    "a:b.yaml",
    "a\u200bb.yaml",
    "a\u202elmay.yaml",
    "a\ud800.yaml",
    "x" * 101 + ".yaml",
    "模" * 90 + ".yaml",
    "a/b/c/d/e.yaml",
    "a/b/../c.yaml",
    "./a.yaml",
]


@pytest.fixture
def catalog():
    return Catalog.default()


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "graphs", shipped=tmp_path / "shipped")


@pytest.mark.parametrize("name", HOSTILE)
def test_an_invalid_name_reaches_no_file(workspace, catalog, name, tmp_path):
    uses = (
        lambda: workspace.save(GRAPH, name, catalog),
        lambda: workspace.read("workspace", name),
        lambda: workspace.rename(name, "fine.yaml"),
        lambda: workspace.rename("fine.yaml", name),
        lambda: workspace.delete(name),
    )
    for use in uses:
        with pytest.raises(GraphError) as error:
            use()
        assert error.value.problems[0].code == "bad-file-name"
    assert list(tmp_path.rglob("*")) == []


NAMES = [
    "tiny.yaml",
    "my-net_2.yaml",
    "classification/resnet50.yaml",
    "my first model.yaml",
    "模型.yaml",
    "ümlaut.yaml",
    "модель (копия) №2.yaml",
    "ResNet-50, 224 px @ 0.1 $HOME & more.yaml",
    "my models/v1.2/größe.yaml",
    "مدل‌ها.yaml",
    "🦉.yaml",
    "x" * 100 + ".yaml",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_graph_is_listed_and_loads_in_python(workspace, catalog, name):
    saved = workspace.save(GRAPH, name, catalog)
    assert saved.name == name and workspace.names("workspace") == [name]
    assert composer.read(workspace.folder / name) == loads(dumps(GRAPH, catalog))
    assert composer.load(workspace.folder / name).graph.name == "tiny"
    assert workspace.rename(name, "other name.yaml").name == "other name.yaml"
    assert workspace.rename("other name.yaml", name).name == name
    token = workspace.delete(name)
    assert workspace.names("workspace") == []
    assert workspace.restore(token).version == saved.version and workspace.names("workspace") == [name]
    assert not (workspace.folder / ".trash").exists()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("x" * 200 + ".yaml", "too long: it has 200 characters, at most 100"),
        ("模" * 90 + ".yaml", "too long: it takes 270 bytes"),
        ("con.yaml", "Windows keeps for a device"),
        ("a?b.yaml", "contains '?', which Windows forbids"),
        (".hidden.yaml", "begins with a dot"),
        ("../a.yaml", "begins with a dot"),
        ("a\\b.yaml", "Windows forbids"),
        ("/a.yaml", "begins with a slash"),
        ("a//b.yaml", "the name of the folder is empty"),
        ("a\u200bb.yaml", "U+200B (zero width space), which cannot be seen"),
        ("a.yaml.txt", "ends in .yaml"),
    ],
)
def test_a_name_that_is_refused_says_why(workspace, catalog, name, reason):
    with pytest.raises(GraphError) as error:
        workspace.save(GRAPH, name, catalog)
    assert reason in error.value.problems[0].message


def test_an_accent_is_the_same_however_it_is_written(workspace, catalog):
    assert workspace.save(GRAPH, "u\u0308.yaml", catalog).name == "\xfc.yaml"
    assert workspace.save(GRAPH, "\xfc.yaml", catalog) is None  # there already
    (workspace.folder / "e\u0301.yaml").write_text(dumps(GRAPH))  # as macOS has them
    assert workspace.read("workspace", "\xe9.yaml").graph().name == "tiny"
    assert sorted(path.name for path in workspace.folder.iterdir()) == sorted(workspace.names("workspace"))


@pytest.mark.parametrize(
    ("title", "taken", "name"),
    [
        ("my first model", [], "my first model.yaml"),
        ("my first model", ["my first model.yaml", "My First Model 2.yaml"], "my first model 3.yaml"),
        ("resnet_2", ["resnet_2.yaml"], "resnet_3.yaml"),
        ("模型", ["模型.yaml"], "模型_2.yaml"),
        ("a/b: <c>", [], "a_b_ _c_.yaml"),
        ("../../etc", [], "_.._etc.yaml"),
        ("con", [], "con_.yaml"),
        ("a\tb\u200b", [], "a b.yaml"),
        ("", [], "model.yaml"),
        ("...", ["model.yaml"], "model_2.yaml"),
        ("x" * 300, [], "x" * 90 + ".yaml"),
        ("模" * 300, [], "模" * 76 + ".yaml"),
    ],
)
def test_a_graph_gives_its_file_a_name_that_can_be_used(title, taken, name):
    assert file_name_of(title, taken) == name
    assert name_fault(name) is None


def test_a_new_graph_has_a_name_that_no_other_has(workspace, catalog):
    assert workspace.fresh_title() == "model"
    workspace.save(loads(dumps(GRAPH).replace("name: tiny", "name: model")), "cats.yaml", catalog)
    workspace.save(GRAPH, "model_2.yaml", catalog)
    assert workspace.fresh_title() == "model_3"


def test_a_file_keeps_its_weights_beside_it(workspace, catalog):
    workspace.save(GRAPH, "tiny.yaml", catalog)
    (workspace.folder / "tiny.safetensors").write_bytes(b"x")
    workspace.rename("tiny.yaml", "nets/small.yaml")
    assert workspace.weights_of("workspace", "nets/small.yaml").read_bytes() == b"x"
    token = workspace.delete("nets/small.yaml")
    assert not list((workspace.folder / "nets").iterdir())
    assert workspace.restore(token).name == "nets/small.yaml"
    assert workspace.weights_of("workspace", "nets/small.yaml") is not None


def test_nothing_is_moved_over_another_file(workspace, catalog):
    for name in ("a.yaml", "b.yaml", "c.yaml"):
        workspace.save(GRAPH, name, catalog)
    for name in ("b", "d"):
        (workspace.folder / f"{name}.safetensors").write_bytes(name.encode())
    for name, to in (("a.yaml", "c.yaml"), ("b.yaml", "d.yaml")):  # the file, and the weights beside it
        with pytest.raises(GraphError) as error:
            workspace.rename(name, to)
        assert error.value.problems[0].code == "file-exists"
    token = workspace.delete("a.yaml")
    workspace.save(GRAPH, "a.yaml", catalog)
    with pytest.raises(GraphError, match="by now"):
        workspace.restore(token)
    assert workspace.names("workspace") == ["a.yaml", "b.yaml", "c.yaml"]
    assert (workspace.folder / "d.safetensors").read_bytes() == b"d"


@pytest.mark.parametrize("token", ["", "..", "../..", "0" * 16, "*", "a/b"])
def test_only_what_was_deleted_is_restored(workspace, catalog, token):
    workspace.save(GRAPH, "tiny.yaml", catalog)
    workspace.delete("tiny.yaml")
    with pytest.raises(GraphError, match="not in the trash"):
        workspace.restore(token)
    assert workspace.names("workspace") == []


def test_deleting_a_symbolic_link_keeps_its_target(workspace, catalog):
    workspace.save(GRAPH, "tiny.yaml", catalog)
    (workspace.folder / "link.yaml").symlink_to(workspace.folder / "tiny.yaml")
    workspace.delete("link.yaml")
    assert workspace.names("workspace") == ["tiny.yaml"]


def test_renaming_or_deleting_a_missing_graph_is_refused(workspace):
    for use in (lambda: workspace.rename("gone.yaml", "b.yaml"), lambda: workspace.delete("gone.yaml")):
        with pytest.raises(GraphError, match="no such graph any more"):
            use()


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
        with pytest.raises(GraphError, match="out of the folder"):
            workspace.delete(name)
        with pytest.raises(GraphError, match="out of the folder"):
            workspace.rename(name, "inside.yaml")
    assert secret.read_text() == dumps(GRAPH)


def test_a_file_that_changed_on_disk_is_overwritten_only_when_confirmed(workspace, catalog):
    first = workspace.save(GRAPH, "tiny.yaml", catalog)
    other = loads(dumps(GRAPH).replace("name: tiny", "name: other"))
    second = workspace.save(other, "tiny.yaml", catalog, version=first.version)
    assert second is not None and second.version != first.version
    assert workspace.save(GRAPH, "tiny.yaml", catalog, version=first.version) is None
    assert workspace.read("workspace", "tiny.yaml").graph().name == "other"
    assert workspace.save(GRAPH, "tiny.yaml", catalog, version=first.version, overwrite=True) is not None
    assert workspace.read("workspace", "tiny.yaml").graph().name == "tiny"


def test_a_new_graph_replaces_a_file_of_its_name_only_when_confirmed(workspace, catalog):
    workspace.save(GRAPH, "tiny.yaml", catalog)
    assert workspace.save(GRAPH, "tiny.yaml", catalog) is None


def test_of_concurrent_saves_one_wins_and_the_others_are_refused(workspace, catalog):
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


def test_a_folder_that_cannot_be_made_is_reported(tmp_path, catalog):
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
