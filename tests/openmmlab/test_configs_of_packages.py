"""Bases that lie among the configs of a package, and values that are imported."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

import composer
from composer import GraphError
from composer.cli.app import app
from composer.openmmlab.config_file import read_config

BASE = "model = dict(type='ImageClassifier', backbone=dict(type='ResNet', depth=18), head=dict(type='UnheardHead'))"
CONFIG = "_base_ = 'mmcls::_base_/models/resnet18.py'\nmodel = dict(head=dict(in_channels=512))"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config that inherits from one of mmcls, whose configs lie in the folder ``configs``."""
    base = tmp_path / "configs" / "_base_" / "models" / "resnet18.py"
    base.parent.mkdir(parents=True)
    base.write_text(BASE)
    path = tmp_path / "mine.py"
    path.write_text(CONFIG)
    return path


def test_a_base_of_a_package_is_followed_where_its_folder_is_named(config: Path) -> None:
    found = read_config(config, configs={"mmcls": config.parent / "configs"})
    assert found.model["backbone"] == {"type": "ResNet", "depth": 18}
    assert found.model["head"] == {"type": "UnheardHead", "in_channels": 512}
    assert [file.name for file in found.files] == ["mine.py", "resnet18.py"]


@pytest.mark.parametrize("named", [{}, {"mmdet": "configs"}])
def test_without_its_folder_the_refusal_says_how_to_name_it(config: Path, named: dict[str, str]) -> None:
    with pytest.raises(GraphError, match=r"composer import --configs mmcls=FOLDER"):
        read_config(config, configs=named)


def test_a_base_that_is_not_in_the_folder_is_reported_with_its_path(config: Path) -> None:
    with pytest.raises(GraphError, match=r"there is no file .*elsewhere"):
        read_config(config, configs={"mmcls": config.parent / "elsewhere"})


def test_the_command_takes_the_folder(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "graph.yaml"
    arguments = ["import", str(config), "-o", str(out), "--leave-out"]
    refused = CliRunner().invoke(app, arguments)
    assert refused.exit_code == 1 and "--configs mmcls=FOLDER" in refused.output
    taken = CliRunner().invoke(app, [*arguments, "--configs", f"mmcls={config.parent / 'configs'}"])
    assert taken.exit_code == 0, taken.output
    assert composer.read(out).nodes["backbone"].type == "ResNet"


@pytest.mark.parametrize("written", ["mmcls", "=configs", "mmcls=none"])
def test_an_invalid_folder_of_configs_is_refused(config: Path, written: str) -> None:
    result = CliRunner().invoke(app, ["import", str(config), "--configs", written])
    assert result.exit_code == 1 and f"no-folder --configs {written}" in result.output


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from math import pi\nx = pi\nmodel = dict(type='A')", ["x"]),
        ("from math import pi\nx = dict(y=[pi, 2])\nmodel = dict(type='A', z=pi)", ["x.y.0", "model.z"]),
        ("from lab import A\nx = dict(type=A)\nmodel = dict(type=A)", []),
        ("from math import pi\nmodel = dict(type='A')", []),
    ],
)
def test_imported_names_that_are_used_as_values_are_reported(tmp_path: Path, source: str, expected: list[str]) -> None:
    path = tmp_path / "config.py"
    path.write_text(source)
    notes = read_config(path).notes
    assert [note.where.subject for note in notes if note.code == "config-imported-value"] == expected
