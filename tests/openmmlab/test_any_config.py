"""Any dict of the outer shape of a config ends in a graph or an error, and its graph in a config or an error."""

import copy
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import composer
from composer import GraphError
from composer.catalog import Catalog
from composer.graph.file import dumps
from composer.openmmlab import config_from_graph, import_config
from tests.openmmlab.masked_images import MASKED_IMAGES
from tests.openmmlab.originals import ORIGINALS
from tests.openmmlab.siamese import SIAMESE
from tests.openmmlab.test_detectors import CONFIGS as DETECTORS
from tests.openmmlab.test_pretext_algorithms import CASES as PRETEXT

CONFIGS: dict[str, tuple[Any, str]] = {
    **{f"classifier {name}": (original.config, "mmpretrain") for name, original in ORIGINALS.items()},
    **{f"detector {name}": (config, "mmdet") for name, config in DETECTORS.items()},
    **{f"hidden patches {name}": (case.config, "mmpretrain") for name, case in MASKED_IMAGES.items()},
    **{f"views {name}": (config, "mmpretrain") for name, config in SIAMESE.items()},
    **{f"pretext {name}": case for name, case in PRETEXT.items()},
}
GONE = object()
JUNK = st.sampled_from(
    [
        GONE,
        None,
        [],
        {},
        [{}],
        0,
        -1,
        1.5,
        "x",
        True,
        [1, 2],
        (1, 2),
        {"a": 1},
        {"type": "X"},
        {"type": None},
        {"type": 3},
        {"type": ["a"]},
        [{"type": "FPN"}],
        [{"assigner": {"type": "MaxIoUAssigner"}}],
        float("nan"),
    ]
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a config, but for the type of the whole model."""
    if path and path != ("type",):
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


@st.composite
def spoilt(draw: st.DrawFn) -> tuple[Any, str]:
    """A config in which one or two places hold something else, and its package."""
    found, package = CONFIGS[draw(st.sampled_from(sorted(CONFIGS)))]
    config = copy.deepcopy(found)
    for _ in range(draw(st.integers(1, 2))):
        *outer, last = draw(st.sampled_from(list(places(config)) or [("x",)]))
        inside = config
        for key in outer:
            inside = inside[key]
        if (value := draw(JUNK)) is GONE:
            del inside[last]
        else:
            inside[last] = copy.deepcopy(value)
    return config, package


def list_of_stages() -> tuple[Any, str]:
    """``train_cfg.rpn`` as a list, as cascades of proposals have it."""
    config = copy.deepcopy(DETECTORS["faster_rcnn"])
    config["train_cfg"]["rpn"] = [config["train_cfg"]["rpn"]] * 2
    return config, "mmdet"


@settings(max_examples=120, deadline=None)
@given(spoilt())
@example(list_of_stages())
def test_any_config_becomes_a_graph_and_a_config_again_or_a_graph_error(given: tuple[Any, str]) -> None:
    config, package = given
    with suppress(GraphError):
        graph = import_config(config, package).graph
        composer.check(graph)
        dumps(graph, Catalog.default())
        config_from_graph(graph)


def test_a_list_in_place_of_a_dict_is_one_problem() -> None:
    config, package = list_of_stages()
    found = import_config(config, package)
    (problem,) = found.not_understood
    assert problem.where.subject == "model.train_cfg.rpn"
    assert problem.message.startswith("expected a dict, found [{")
    assert [item for item in composer.check(found.graph) if item.severity == "error"] == []
    assert config_from_graph(found.graph) == config
    assert import_config(DETECTORS["faster_rcnn"], package).not_understood == ()


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        ("faster_rcnn", {"train_cfg": [1]}, "model.train_cfg"),
        ("faster_rcnn", {"train_cfg": {"rcnn": {}}}, "model.train_cfg.rpn"),
        ("faster_rcnn", {"test_cfg": {"rcnn": []}}, "model.test_cfg.rcnn"),
        ("retinanet", {"test_cfg": "x"}, "model.test_cfg"),
    ],
)
def test_settings_that_should_be_dicts_are_reported(name: str, change: dict[str, Any], expected: str) -> None:
    problems = import_config({**DETECTORS[name], **change}, "mmdet").not_understood
    assert [problem.where.subject for problem in problems] == [expected]
