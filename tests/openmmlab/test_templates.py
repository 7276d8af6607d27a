"""Templates of algorithms: what they name is there, and each is read both ways."""

import pytest

from composer.catalog import Catalog
from composer.openmmlab.template import Template, template_of, templates

CATALOG = Catalog.default()


@pytest.mark.parametrize("template", templates(), ids=lambda template: template.name)
def test_a_template_names_components_and_ports_that_there_are(template: Template) -> None:
    for name, _, entry in template.nodes():
        if "type" not in entry:
            continue
        component = CATALOG[entry["type"]]
        assert {key.partition(" (")[0] for key in entry.get("inputs", {})} <= component.input_by_name.keys(), name
        assert entry.get("params", {}).keys() <= component.parameter_by_name.keys(), name
    assert {*template.tells} <= {component.name for component in CATALOG}


def test_a_type_that_is_no_algorithm_has_no_template() -> None:
    for name in ("ImageClassifier2", "../MoCo", "_two_views.yaml", ""):
        assert template_of(name) is None
