"""Templates of algorithms: what they name is there, and each is read both ways."""

import ast
from pathlib import Path

import pytest

import composer.openmmlab
from composer.catalog import Catalog
from composer.openmmlab.template import Template, template_of, templates

CATALOG = Catalog.default()


@pytest.mark.parametrize("template", templates(), ids=lambda template: template.name)
def test_a_template_names_components_and_ports_that_there_are(template: Template) -> None:
    inside = [item for _, _, body in template.section("graphs") for item in body["nodes"].items()]
    for name, entry in [*((name, entry) for name, _, entry in template.nodes()), *inside]:
        if "type" not in entry:
            continue
        component = CATALOG[entry["type"]]
        assert {key.partition(" (")[0] for key in entry.get("inputs", {})} <= component.input_by_name.keys(), name
        assert entry.get("params", {}).keys() <= component.parameter_by_name.keys(), name
    for _, _, body in template.section("graphs"):
        types = {name.partition(" (")[0]: entry.get("type") for name, entry in body["nodes"].items()}
        for text in body["outputs"].values():
            node, _, port = text.partition(".")
            component = CATALOG.get(types[node])
            assert component is None or port in {one.name for one in component.outputs}, text
    assert {*template.recognized_by} <= {component.name for component in CATALOG}


def test_no_algorithm_is_drawn_or_written_by_code() -> None:
    """Only the one that custom classes are made after is named, as what a class that is not known may be."""
    names = {template.name for template in templates()} - {"ImageClassifier"}
    files = Path(composer.openmmlab.__file__).parent.glob("*.py")
    trees = {path.name: ast.walk(ast.parse(path.read_text(encoding="utf-8"))) for path in files}
    trees.pop("older_configs.py")  # the words of releases before
    named = {
        (file, node.value)
        for file, nodes in trees.items()
        for node in nodes
        if isinstance(node, ast.Constant) and node.value in names
    }
    assert named == set()


def test_a_template_repeats_what_its_config_counts() -> None:
    swav = template_of("SwAV")
    assert swav is not None
    data = swav.repeated([1, 2]).data
    assert data["inputs"] == {"view_1": {}, "view_2": {"share": [3, 7]}, "view_3": {"share": [3, 7]}}
    assert {name: entry["inputs"]["xs"] for name, entry in data["nodes"].items() if name.startswith("crops")} == {
        "crops_1": ["view_1"],
        "crops_2": ["view_2", "view_3"],
    }
    assert data["nodes"]["backbone_2"] == {"weights": {"share": "backbone"}, "flow": "crops_2.out"}
    assert data["nodes"]["neck"]["inputs"] == {"features": ["backbone[-1]", "backbone_2[-1]"]}


@pytest.mark.parametrize("counts", [None, [], "2", [0, 2], [2, True], [2, 1000]])
def test_counts_that_cannot_be_meant_are_the_usual_ones(counts: object) -> None:
    swav = template_of("SwAV")
    assert swav is not None
    assert list(swav.repeated(counts).data["inputs"]) == ["view_1", "view_2"]


def test_a_type_that_is_no_algorithm_has_no_template() -> None:
    for name in ("ImageClassifier2", "../MoCo", "_two_views.yaml", ""):
        assert template_of(name) is None
