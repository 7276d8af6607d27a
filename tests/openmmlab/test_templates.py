"""Templates of algorithms: what they name is there, and each is read both ways."""

import pytest

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


def test_a_type_that_is_no_algorithm_has_no_template() -> None:
    for name in ("ImageClassifier2", "../MoCo", "_two_views.yaml", ""):
        assert template_of(name) is None
