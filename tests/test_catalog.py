"""Where components come from: classes, folders and packages; and what a graph file cannot do."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from composer import compile
from composer.catalog import Catalog
from composer.catalog.component import ComponentError
from composer.export.standalone import standalone_source
from composer.graph import Graph
from composer.graph.file import loads
from composer.openmmlab import config_from_graph, import_config
from composer.ports import AnyTensor
from composer.problems import GraphError
from composer.rules import check
from composer.rules.sizes import infer_shapes
from tests.sample_components import CATALOG, Neck, Stem

PART = '''
"""Parts."""

from torch import nn

from composer.ports import AnyTensor

__all__ = ["{name}"]


class {name}(nn.Module):
    """A part."""

    def forward(self, x: AnyTensor) -> AnyTensor:
        return x
'''


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return folder


def problems(error: pytest.ExceptionInfo[GraphError]) -> list[str]:
    return [str(problem) for problem in error.value.problems]


def test_a_catalog_finds_components_by_name() -> None:
    assert CATALOG["Stem"].cls is Stem and CATALOG.get("Stem") is CATALOG["Stem"]
    assert "Stem" in CATALOG and "stem" not in CATALOG
    assert CATALOG.get("stem") is None and CATALOG.get(None) is None
    assert len(CATALOG) == len(list(CATALOG)) == len(CATALOG.components)


def test_a_catalog_lists_its_kinds_and_port_types() -> None:
    mixed = Catalog.of(Stem, kind="stems").with_components(Neck, kind="necks")
    assert {kind: [item.name for item in items] for kind, items in mixed.by_kind.items()} == {
        "necks": ["Neck"],
        "stems": ["Stem"],
    }
    assert {"Image", "FeatureMap", "Detections", "AnyTensor"} <= mixed.port_types.keys()


def test_a_folder_adds_its_files_under_the_kind_of_their_folder(tmp_path: Path) -> None:
    write(tmp_path, "necks/fancy.py", PART.format(name="FancyNeck"))
    write(tmp_path, "top.py", PART.format(name="TopPart"))
    write(tmp_path, "_private.py", "raise RuntimeError")
    write(tmp_path, "necks/notes.txt", "not a part")
    found = Catalog({}).with_folder(tmp_path)
    assert {item.name: item.kind for item in found} == {"FancyNeck": "necks", "TopPart": tmp_path.name}


def test_a_class_written_as_for_openmmlab_takes_the_parameters_of_its_parent(tmp_path: Path) -> None:
    """They are checked, built, read from a config and written to one; a stand-alone file has class and parent."""
    source = """
from components.backbones.resnet import ResNet

__all__ = ["SmallResNet"]


class SmallResNet(ResNet):
    \"\"\"ResNet whose stem keeps the size.\"\"\"

    def __init__(self, depth, deep_stem=False, **kwargs):
        super().__init__(depth, deep_stem=deep_stem, frozen_stages=-1, **kwargs)
        self.conv1.stride = (1, 1)
"""
    catalog = Catalog.default().with_folder(write(tmp_path, "backbones/small_resnet.py", source))
    small, parent = catalog["SmallResNet"], catalog["ResNet"]
    assert small.parameters == tuple(item for item in parent.parameters if item.name != "frozen_stages")
    text = """
schema: 1
name: small
inputs: {image: {type: Image, shape: [B, 3, 32, 32]}}
nodes: {backbone: {type: SmallResNet, params: {depth: DEPTH, base_channels: 8}, inputs: {image: image}}}
outputs: {tensor: {features: "backbone.out[-1]"}}
"""
    faults = check(loads(text.replace("DEPTH", "19, frozen_stages: 1")), catalog)
    assert [(problem.code, problem.where.subject) for problem in faults] == [
        ("bad-parameter", "backbone.depth"),
        ("unknown-parameter", "backbone.frozen_stages"),
    ]
    graph = loads(text.replace("DEPTH", "18"))
    assert check(graph, catalog) == []
    model = compile(graph, catalog=catalog)
    image = torch.randn(1, 3, 32, 32)
    assert model(image)["features"].shape == (1, 64, 2, 2)
    config = {"type": "SmallResNet", "base_channels": 8, "depth": 18}
    head = {"type": "LinearClsHead", "num_classes": 10, "in_channels": 64, "loss": {"type": "CrossEntropyLoss"}}
    whole = {"type": "ImageClassifier", "backbone": config, "neck": {"type": "GlobalAveragePooling"}, "head": head}
    imported = import_config(whole, catalog=catalog).graph
    assert imported.nodes["backbone"].params == {"depth": 18, "base_channels": 8}
    assert config_from_graph(imported, catalog=catalog)["backbone"] == config
    alone: dict[str, Any] = {"__name__": "alone"}
    exec(standalone_source(model).text, alone)  # noqa: S102 - what composer wrote
    twin = alone["Small"]()
    twin.load_state_dict(model.state_dict())
    assert torch.equal(twin.eval()(image)["features"], model.eval()(image)["features"])


def test_adding_a_folder_leaves_the_old_catalog_unchanged(tmp_path: Path) -> None:
    before = Catalog.of(Stem)
    after = before.with_folder(write(tmp_path, "part.py", PART.format(name="Part")))
    assert [item.name for item in before] == ["Stem"]
    assert [item.name for item in after] == ["Stem", "Part"]


def test_a_folder_may_be_added_again(tmp_path: Path) -> None:
    once = Catalog({}).with_folder(write(tmp_path, "part.py", PART.format(name="Part")))
    assert once.with_folder(tmp_path)["Part"].cls is once["Part"].cls


def test_the_type_names_of_a_catalog_are_unique(tmp_path: Path) -> None:
    write(tmp_path, "a/part.py", PART.format(name="Part"))
    write(tmp_path, "b/part.py", PART.format(name="Part"))
    with pytest.raises(GraphError) as error:
        Catalog({}).with_folder(tmp_path)
    (text,) = problems(error)
    assert text.startswith("duplicate-component Part\n") and "both have a component of this name" in text


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ("\ndef broken(:", ["component-file {folder}/part.py:2\n", "importing it failed: SyntaxError"]),
        ("raise ValueError('no')", ["component-file {folder}/part.py:1\n", "importing it failed: ValueError: no"]),
        ("\n\nimport no_such_module", ["component-file {folder}/part.py:3\n", "No module named 'no_such_module'"]),
        ("x = 1", ["component-file", "it has no __all__: list the component classes in it"]),
        ("__all__ = ['Lost']", ["bad-component {folder}/part.py Lost\n", "which the file does not define"]),
        ("__all__ = ['x']\nx = 1", ["bad-component", "1 is not a class derived from torch.nn.Module"]),
        (
            PART.format(name="Part").replace("x: AnyTensor", "x: int"),
            ["bad-component {folder}/part.py:", " Part\n", "input 'x' has no port type"],
        ),
    ],
    ids=["syntax", "raises", "imports nothing", "no __all__", "a missing name", "no class", "no port type"],
)
def test_a_broken_file_is_named_with_what_is_wrong(tmp_path: Path, source: str, texts: list[str]) -> None:
    with pytest.raises(GraphError) as error:
        Catalog({}).with_folder(write(tmp_path, "part.py", source))
    (text,) = problems(error)
    assert all(part.format(folder=tmp_path.name) in text for part in texts)


FAILING = """
from torch import nn

from composer.ports import AnyTensor

__all__ = ["Failing"]


class OwnError(RuntimeError):
    \"\"\"An error.\"\"\"


class Failing(nn.Module):
    \"\"\"Fails in the place that it is given.\"\"\"

    def __init__(self, where: str = "") -> None:
        super().__init__()
        self.where = where
        if where == "build":
            raise OwnError(f"no {type(self)}")

    def forward(self, x: AnyTensor) -> AnyTensor:
        if self.where == "sizes" or (self.where == "run" and x.device.type != "meta"):
            raise OwnError("no")
        if self.where == "value" and x.device.type != "meta":
            raise ValueError("no")
        return x
"""


def failing(folder: Path, where: str) -> tuple[Graph, Catalog]:
    catalog = Catalog.default().with_folder(
        write(folder / (where or "fine") / "my_parts", f"necks/{where or 'fine'}.py", FAILING)
    )
    graph = loads(
        "schema: 1\ninputs: {image: {type: Image, shape: [B, 3, 4, 4]}}\n"
        f"nodes: {{part: {{type: Failing, params: {{where: '{where}'}}, inputs: {{x: image}}}}}}\n"
        "outputs: {tensor: {out: part}}"
    )
    return graph, catalog


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("build", "OwnError: no <class 'my_parts_necks_build.Failing'> (my_parts/necks/build.py:20)"),
        ("sizes", "OwnError: no (my_parts/necks/sizes.py:24)"),
    ],
)
def test_a_component_that_cannot_be_built_or_run_is_reported_with_its_line(
    tmp_path: Path, where: str, expected: str
) -> None:
    graph, catalog = failing(tmp_path, where)
    [problem] = infer_shapes(graph, catalog).problems
    assert problem.message.endswith(expected) and "composer_" not in str(problem)


def test_an_error_inside_a_forward_is_reported_with_its_line(tmp_path: Path) -> None:
    image = torch.zeros(1, 3, 4, 4)
    with pytest.raises(RuntimeError, match=r"^no") as error:
        compile(*failing(tmp_path, "run"))(image)
    assert error.value.__notes__ == ["in the node part (tensor mode) (my_parts/necks/run.py:24)"]
    assert type(error.value).__module__ == "my_parts_necks_run"
    with pytest.raises(GraphError, match=r"no \(my_parts/necks/value.py:26\)"):
        compile(*failing(tmp_path, "value"))(image)
    assert compile(*failing(tmp_path, ""))(image)["out"] is image


def test_two_files_that_would_share_a_module_are_kept_apart(tmp_path: Path) -> None:
    for name in ("One", "Two"):
        write(tmp_path / name, "my_parts/twin.py", PART.format(name=name))
    catalog = Catalog({})
    for name in ("One", "Two"):
        catalog = catalog.with_folder(tmp_path / name / "my_parts")
    assert {component.cls.__module__ for component in catalog} == {"my_parts_twin", "my_parts_twin_2"}


def test_all_broken_components_are_reported_at_once(tmp_path: Path) -> None:
    write(tmp_path, "a.py", "__all__ = ['Lost', 'x']\nx = 1")
    write(tmp_path, "b.py", "y = 1")
    with pytest.raises(GraphError) as error:
        Catalog({}).with_folder(tmp_path)
    assert len(problems(error)) == 3


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GraphError) as error:
        Catalog({}).with_folder(tmp_path / "none")
    assert problems(error) == [f"no-folder {tmp_path / 'none'}\n    there is no such folder of components"]


def test_classes_that_are_no_components_are_refused() -> None:
    class Bad(nn.Module):
        def forward(self, x: int) -> AnyTensor:
            return x

    with pytest.raises(ComponentError, match=r"Bad\.forward: input 'x' has no port type"):
        Catalog.of(Bad)


def test_the_default_catalog_holds_what_composer_ships_and_is_made_once() -> None:
    assert Catalog.default() is Catalog.default()
    assert {"Conv2d", "ResNet"} <= Catalog.default().components.keys()
    assert Catalog.default()["Conv2d"].kind == "layers"


def test_an_installed_package_adds_its_components(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "sample_parts_package/necks/part.py", PART.format(name="PackagedPart"))
    write(tmp_path, "sample_parts_package/shared/common.py", "raise RuntimeError")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = Catalog({}).with_package("sample_parts_package")
    assert {item.name: item.kind for item in found} == {"PackagedPart": "necks"}


@pytest.mark.parametrize(
    "kind", ["colorsys", "colorsys.rgb_to_hsv", "tests.sample_components.Stem", "../part", "part.py"]
)
def test_a_graph_file_imports_nothing_whatever_its_types_are_called(kind: str, tmp_path: Path) -> None:
    write(tmp_path, "part.py", PART.format(name="Part"))
    text = f"schema: 1\nnodes:\n  a: {{type: '{kind}'}}\noutputs:\n  tensor: {{out: a}}\n"
    before = set(sys.modules)
    found = check(loads(text, str(tmp_path / "graph.yaml")), CATALOG)
    assert [problem.code for problem in found] == ["unknown-type"]
    assert set(sys.modules) == before


SMALL_PART = """
from typing import Annotated
from torch import nn
from composer.ports import Image

__all__ = ["Part"]


class Part(nn.Module):
    def __init__(self, width: int = {width}) -> None:
        super().__init__()

    def forward(self, x: Image) -> Image:
        return x
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import sys\nsys.exit(0)\n", "importing it failed: SystemExit"),
        (SMALL_PART.format(width=1).replace('["Part"]', "[nn.Module]"), "list the names of the classes"),
        (SMALL_PART.format(width=1).replace("-> Image", '-> "Image["'), "cannot be resolved"),
    ],
    ids=["it exits", "a class in __all__", "an annotation that is no Python"],
)
def test_a_folder_with_a_faulty_file_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "part.py").write_text(text)
    with pytest.raises(GraphError) as error:
        Catalog.of().with_folder(tmp_path)
    assert expected in str(error.value)


def test_hidden_and_shared_folders_are_not_run(tmp_path: Path) -> None:
    for folder in (".venv", "_private", "shared", "site-packages"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "part.py").write_text("raise RuntimeError")
    (tmp_path / "part.py").write_text(SMALL_PART.format(width=1))
    assert [component.name for component in Catalog.of().with_folder(tmp_path)] == ["Part"]


def test_a_file_that_was_edited_is_read_again(tmp_path: Path) -> None:
    for width in (1, 2):
        (tmp_path / "part.py").write_text(SMALL_PART.format(width=width))
        assert Catalog.of().with_folder(tmp_path)["Part"].parameters[0].default == width


def test_a_component_without_a_docstring_has_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "part.py").write_text(SMALL_PART.format(width=1))
    assert Catalog.of().with_folder(tmp_path)["Part"].doc == ""
