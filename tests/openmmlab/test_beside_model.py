"""Settings that stand beside a model are read as if they stood in it, and loops over the data are none of them."""

from pathlib import Path
from typing import Any

import pytest

from composer.openmmlab import config_from_graph, graph_from_config, import_config
from composer.openmmlab.config_file import ConfigFile, read_config
from composer.openmmlab.plain import same
from tests.openmmlab.originals import classifier, linear, resnet
from tests.openmmlab.test_detectors import retinanet, two_stage

FASTER_RCNN: dict[str, Any] = two_stage()
RETINANET: dict[str, Any] = retinanet()
BUILT_WITH = ("train_cfg", "test_cfg")


def split(config: dict[str, Any]) -> dict[str, Any]:
    """The config with ``train_cfg`` and ``test_cfg`` beside the model, as in mmdet 2.0 to 2.7."""
    model = {key: value for key, value in config.items() if key not in BUILT_WITH}
    return {"model": model, **{key: config[key] for key in BUILT_WITH}}


def file_of(data: dict[str, Any]) -> ConfigFile:
    return ConfigFile(Path("config.py"), data, None, (), ())


@pytest.mark.parametrize("config", [FASTER_RCNN, RETINANET], ids=["faster_rcnn", "retinanet"])
def test_train_cfg_and_test_cfg_beside_the_model_belong_to_it(config: dict[str, Any]) -> None:
    expected = graph_from_config(config)
    found = graph_from_config(file_of(split(config)))
    assert "loss" in found.outputs
    assert (found.nodes, found.graphs, found.outputs) == (expected.nodes, expected.graphs, expected.outputs)
    assert same(config_from_graph(found), config)


def test_settings_inside_the_model_override_those_beside_it() -> None:
    other = {**RETINANET["test_cfg"], "score_thr": 0.9}
    model = {key: value for key, value in RETINANET.items() if key != "train_cfg"}
    found = file_of({"model": model, "train_cfg": RETINANET["train_cfg"], "test_cfg": other})
    assert same(found.model, RETINANET)
    none = file_of({"model": {**model, "test_cfg": None}, "train_cfg": None, "test_cfg": other})
    assert same(none.model, {**model, "test_cfg": other})


@pytest.mark.parametrize(
    "loops",
    [
        {"train_cfg": {"by_epoch": True, "max_epochs": 100, "val_interval": 1}, "test_cfg": {}},
        {"train_cfg": {"type": "IterBasedTrainLoop", "max_iters": 9, "mine": 1}, "test_cfg": {"type": "TestLoop"}},
        {"train_cfg": {"type": "EpochBasedTrainLoop", "max_epochs": 2, "dynamic_intervals": [(1, 1)]}},
        {"train_cfg": None, "test_cfg": None},
    ],
)
def test_loop_settings_of_mmengine_are_not_model_settings(loops: dict[str, Any]) -> None:
    model = classifier(resnet(), linear())
    assert file_of({"model": model, **loops}).model == model
    inside = {**RETINANET}
    assert same(file_of({"model": inside, **loops}).model, inside)
    assert import_config(file_of({"model": model, **loops})).notes == ()


def test_settings_in_both_places_are_reported_where_they_differ(tmp_path: Path) -> None:
    path = tmp_path / "config.py"
    reported = {}
    for name, score in (("same", 0.05), ("other", 0.3)):
        path.write_text(
            f"model = dict(type='RetinaNet', test_cfg=dict(score_thr=0.05))\ntest_cfg = dict(score_thr={score})\n"
        )
        found = read_config(path)
        assert found.model["test_cfg"] == {"score_thr": 0.05}
        reported[name] = [(note.code, note.where.line) for note in found.notes]
    assert reported == {"same": [], "other": [("config-beside-model", 2)]}


@pytest.mark.parametrize("place", ["model", "beside"])
@pytest.mark.parametrize("key", ["train_cfg", "test_cfg"])
def test_a_setting_that_no_stage_has_is_reported(place: str, key: str) -> None:
    config = {**FASTER_RCNN, key: {**FASTER_RCNN[key], "rcn": {}}}
    found = import_config(config if place == "model" else file_of(split(config)))
    assert [note.where.subject for note in found.not_understood] == [f"model.{key}.rcn"]
