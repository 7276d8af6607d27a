"""``composer import``, ``weights`` and ``export --to openmmlab``: what they write, report and refuse."""

import datetime
import os
import sys
import types
from collections import OrderedDict, defaultdict

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

import composer
from composer import GraphError
from composer.cli import import_models
from composer.cli.app import app
from composer.openmmlab.checkpoint import read_checkpoint
from composer.openmmlab.config_file import read_config
from composer.openmmlab.config_text import config_text, write_config
from composer.problems import Problem, Where

BASE = """
model = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet', depth=18, num_stages=4, out_indices=(3, ), style='pytorch'),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='LinearClsHead',
        num_classes=1000,
        in_channels=512,
        loss=dict(type='CrossEntropyLoss', loss_weight=1.0),
        topk=(1, 5)))
default_scope = 'mmpretrain'
"""
CONFIG = """_base_ = ['base.py']
model = dict(head=dict(num_classes=7, topk=(1, )))
custom_imports = dict(imports=['mine'])
"""


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture
def config(tmp_path):
    (tmp_path / "base.py").write_text(BASE)
    path = tmp_path / "small.py"
    path.write_text(CONFIG)
    return path


@pytest.fixture
def graph(config):
    path = config.with_suffix(".yaml")
    assert run("import", config, "-o", path).exit_code == 0
    return path


def checkpoint_of(model, **changes):
    """A checkpoint as OpenMMLab's runner saves it."""
    state = OrderedDict(model.state_dict())
    state.update(changes)
    return {
        "meta": {"epoch": 3, "cfg": "model = dict()", "dataset_meta": {"classes": ["a"]}},
        "state_dict": state,
        "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]},
    }


class HistoryBuffer:
    def __init__(self):
        self.history = np.array([1.0, 2.0])


class Strange:
    pass


@pytest.fixture
def elsewhere(monkeypatch):
    """Gives classes the modules that they have where training runs, and takes these away again."""

    def place(kind, module):
        monkeypatch.setattr(kind, "__module__", module)
        parts = module.split(".")
        for count in range(1, len(parts) + 1):
            name = ".".join(parts[:count])
            monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
        setattr(sys.modules[module], kind.__name__, kind)
        return kind

    return place


def test_a_config_becomes_a_graph_that_runs(config, tmp_path):
    out = tmp_path / "graph.yaml"
    result = run("import", config, "-o", out)
    assert result.exit_code == 0, result.output
    assert "graph.yaml: 5 nodes" in result.stdout
    model = composer.load(out).eval()
    assert model(torch.zeros(1, 3, 64, 64), mode="predict")["scores"].shape == (1, 7)


def test_custom_imports_are_reported_with_their_line(config, tmp_path):
    result = run("import", config, "-o", tmp_path / "graph.yaml")
    assert f"{config}:3:1" in result.stderr and "custom_imports is not followed" in result.stderr


def test_a_setting_that_is_not_understood_stops_the_import(config, tmp_path):
    config.write_text("_base_ = 'base.py'\nmodel = dict(backbone=dict(depht=50), headd=dict(type='LinearClsHead'))\n")
    out = tmp_path / "graph.yaml"
    result = run("import", config, "-o", out)
    assert result.exit_code == 1 and not out.exists()
    assert "depht" in result.stderr and "headd" in result.stderr and "--leave-out" in result.stderr
    again = run("import", config, "-o", out, "--leave-out")
    assert again.exit_code == 0 and composer.load(out)
    assert "depht" in again.stderr and "2 settings are not understood: left out" in again.stderr


def test_a_part_outside_the_catalog_becomes_a_placeholder(config, tmp_path):
    config.write_text("_base_ = 'base.py'\nmodel = dict(backbone=dict(_delete_=True, type='Unheard', width=[1, 2]))\n")
    out = tmp_path / "graph.yaml"
    result = run("import", config, "-o", out)
    assert result.exit_code == 0
    assert "outside-catalog model.backbone" in result.stderr and "1 of them placeholders" in result.stdout
    node = composer.read(out).nodes["backbone"]
    assert node.type == "Unheard" and node.params == {"width": (1, 2)}
    with pytest.raises(GraphError, match="Unheard"):
        composer.load(out)


def test_code_in_a_config_is_refused_with_its_line(config):
    config.write_text("_base_ = 'base.py'\nwidth = open('width').read()\n")
    result = run("import", config)
    assert result.exit_code == 1
    assert f"config-not-data {config}:2:9" in result.stderr and "open('width')" in result.stderr


def test_the_package_may_be_given(config, tmp_path):
    result = run("import", config, "--package", "mmnothing")
    assert result.exit_code == 1 and "mmnothing" in result.stderr


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_a_checkpoint_is_put_under_the_names_of_the_graph(graph, tmp_path, legacy):
    source = composer.load(graph)
    torch.manual_seed(7)
    for entry in source.state_dict().values():
        if entry.is_floating_point():
            entry.copy_(torch.rand_like(entry))
    saved = checkpoint_of(source)
    torch.save(saved, tmp_path / "epoch_3.pth", _use_new_zipfile_serialization=not legacy)
    out = tmp_path / "model.safetensors"
    result = run("weights", tmp_path / "epoch_3.pth", "--graph", graph, "-o", out)
    assert result.exit_code == 0, result.output
    assert "meta, optimizer" in result.stderr
    assert "backbone" in result.stdout and "matched" in result.stdout
    again = composer.load(out)
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in source.state_dict().items())


def test_a_safetensors_file_is_a_checkpoint_too(graph, tmp_path):
    save_file(composer.load(graph).state_dict(), tmp_path / "weights.safetensors")
    out = tmp_path / "model.safetensors"
    result = run("weights", tmp_path / "weights.safetensors", "--graph", graph, "-o", out)
    assert result.exit_code == 0 and out.exists()


DISAGREEMENTS = {
    "an entry too many": ({"neck.extra": torch.zeros(1)}, (), "neck.extra"),
    "an entry too few": ({}, ("backbone.conv1.weight",), "backbone.conv1.weight"),
    "another shape": ({"head.fc.bias": torch.zeros(9)}, (), "head.fc.bias"),
    "no tensor": ({"head.steps": 3}, (), "head.steps\n    this is int and no tensor"),
}


@pytest.mark.parametrize(("changes", "removed", "name"), DISAGREEMENTS.values(), ids=DISAGREEMENTS)
def test_a_checkpoint_that_does_not_match_stops_the_command(graph, tmp_path, changes, removed, name):
    saved = checkpoint_of(composer.load(graph), **changes)
    for entry in removed:
        del saved["state_dict"][entry]
    torch.save(saved, tmp_path / "a.pth")
    out = tmp_path / "model.safetensors"
    result = run("weights", tmp_path / "a.pth", "--graph", graph, "-o", out)
    assert result.exit_code == 1 and not out.exists()
    assert name in result.output and "1 entries do not agree" in result.stderr
    assert run("weights", tmp_path / "a.pth", "--graph", graph, "-o", out, "--leave-out").exit_code == 0
    assert out.exists()


def test_a_checkpoint_without_any_match_is_refused_even_with_leave_out(graph, tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "a.pth")
    result = run("weights", tmp_path / "a.pth", "--graph", graph, "--leave-out")
    assert result.exit_code == 2 and "right file" in result.stderr


def test_objects_that_training_leaves_in_a_checkpoint_are_ignored(tmp_path, elsewhere):
    buffer = elsewhere(HistoryBuffer, "mmengine.logging.history_buffer")()
    saved = {
        "state_dict": OrderedDict(a=torch.ones(2)),
        "meta": {"time": datetime.datetime(2026, 1, 1), "counts": defaultdict(list, {"a": [1]}), "lr": np.float32(0.1)},
        "message_hub": {"log_scalars": OrderedDict(loss=buffer), "runtime_info": {"epoch": np.int64(3)}},
    }
    torch.save(saved, tmp_path / "a.pth")
    found = read_checkpoint(tmp_path / "a.pth")
    assert list(found.tensors) == ["a"] and torch.equal(found.tensors["a"], torch.ones(2))
    assert found.beside == ("meta", "message_hub")
    assert "mmengine.logging.history_buffer.HistoryBuffer" in found.stood_in and not found.unknown


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_an_object_of_an_unknown_class_stops_and_is_never_made(graph, tmp_path, elsewhere, legacy):
    saved = {**checkpoint_of(composer.load(graph)), "extra": elsewhere(Strange, "strange.place")()}
    torch.save(saved, tmp_path / "a.pth", _use_new_zipfile_serialization=not legacy)
    out = tmp_path / "model.safetensors"
    result = run("weights", tmp_path / "a.pth", "--graph", graph, "-o", out)
    assert result.exit_code == 1 and not out.exists()
    assert f"unknown-object {tmp_path / 'a.pth'} strange.place.Strange\n    objects of this name" in result.stderr
    assert run("weights", tmp_path / "a.pth", "--graph", graph, "-o", out, "--leave-out").exit_code == 0


class Call:
    """Pickles as a call."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_nothing_in_a_checkpoint_runs(tmp_path, legacy):
    mark = tmp_path / "ran"
    hostile = Call(eval, f"open({str(mark)!r}, 'w')")
    file = tmp_path / "a.pth"
    torch.save({"state_dict": {"a": torch.ones(1), "b": hostile}}, file, _use_new_zipfile_serialization=not legacy)
    found = read_checkpoint(file)
    assert found.unknown == ("builtins.eval",) and found.no_tensors == {"b": "builtins.eval"}
    assert not mark.exists()


def test_names_of_the_operating_system_in_a_checkpoint_are_refused(tmp_path):
    torch.save({"a": torch.ones(1), "b": Call(os.system, "true")}, tmp_path / "a.pth")
    with pytest.raises(GraphError, match="system"):
        read_checkpoint(tmp_path / "a.pth")


NOT_WEIGHTS = {
    "text": b"no weights",
    "nothing": b"",
    "the start of an archive": b"PK\x03\x04 and no more",
}


@pytest.mark.parametrize("content", NOT_WEIGHTS.values(), ids=NOT_WEIGHTS)
def test_a_file_that_holds_no_weights_is_refused(tmp_path, content):
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(GraphError, match="bad-weights-file"):
        read_checkpoint(tmp_path / "a.pth")


@pytest.mark.parametrize(
    ("saved", "text"),
    [
        ([1], "found list"),
        ({}, "holds: nothing"),
        ({"a": {"w": torch.ones(1)}, "b": {"w": torch.ones(1)}}, "holds: a, b"),
    ],
)
def test_a_checkpoint_without_a_state_dict_says_what_it_holds(tmp_path, saved, text):
    torch.save(saved, tmp_path / "a.pth")
    with pytest.raises(GraphError, match=text):
        read_checkpoint(tmp_path / "a.pth")


@pytest.mark.parametrize("key", ["state_dict", "model", "anything"])
def test_the_weights_are_found_under_the_usual_names(tmp_path, key):
    torch.save({key: {"w": torch.ones(1)}, "epoch": 3}, tmp_path / "a.pth")
    assert list(read_checkpoint(tmp_path / "a.pth").tensors) == ["w"]


def test_a_graph_is_exported_as_the_config_it_was_imported_from(graph, config, tmp_path):
    out = tmp_path / "back.py"
    result = run("export", graph, "--to", "openmmlab", "-o", out)
    assert result.exit_code == 0, result.output
    assert read_config(out).model == read_config(config).model


def test_a_graph_without_an_openmmlab_config_is_refused(graph, tmp_path):
    text = graph.read_text().replace("feature: neck.out", "feature: backbone.out[-1]")
    text = text.replace("nodes:\n", "nodes:\n  more: {type: ReLU, inputs: {input: image}}\n")
    other = tmp_path / "other.yaml"
    other.write_text(text)
    out = tmp_path / "back.py"
    result = run("export", other, "--to", "openmmlab", "-o", out)
    assert result.exit_code == 1 and not out.exists()


def test_a_file_that_is_there_is_not_overwritten_unless_it_is_named(graph, config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = config.read_text()
    result = run("export", graph, "--to", "openmmlab")
    assert result.exit_code == 2 and "there is such a file: name" in result.stderr and config.read_text() == before
    assert run("import", config, "-o", config).exit_code == 2 and config.read_text() == before
    assert run("export", graph, "--to", "openmmlab", "-o", config).exit_code == 0 and config.read_text() != before


TEXTS = {
    "short": {"type": "A", "n": 1},
    "words that are no names": {"type": "A", "p": {"a-b": 1, "class": 2}},
    "lists": {"type": "A", "p": [[1, 2.5], [], {}, {"q": None}]},
    "long": {"type": "A" * 60, "p": {"q": ["b" * 50] * 3, "r": {"s": {"t": "c" * 90}}}},
    "strange texts": {"type": "it's \\ {x} ü\n", "p": "{{ x }}"},
    "numbers": {"type": "A", "p": [1e-30, -0.5, float("inf"), True]},
}


@pytest.mark.parametrize("model", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("ending", ["py", "json"])
def test_a_written_config_is_read_back_unchanged(tmp_path, model, ending):
    path = tmp_path / f"config.{ending}"
    write_config(model, path)
    assert read_config(path).model == model


def test_a_config_is_written_as_openmmlab_writes_it():
    model = {
        "type": "ImageClassifier",
        "backbone": {"type": "ResNet", "depth": 18},
        "neck": None,
        "head": {"p": "x" * 60},
    }
    assert config_text(model) == (
        "model = dict(\n"
        "    type='ImageClassifier',\n"
        "    backbone=dict(type='ResNet', depth=18),\n"
        "    neck=None,\n"
        f"    head=dict(p='{'x' * 60}'))\n"
    )


def written(folder, model):
    """A config file that holds one model."""
    path = folder / "whole.json"
    write_config(model, path)
    return path


UNWIRED = {
    "type": "UnheardAlgorithm",
    "backbone": {"type": "Unheard"},
    "head": {"type": "UnheardHead", "loss": {"type": "CrossEntropyLoss"}},
}


def test_any_error_of_the_graph_stops_the_import(tmp_path):
    path, out = written(tmp_path, UNWIRED), tmp_path / "graph.yaml"
    result = run("import", path, "-o", out)
    assert result.exit_code == 1 and not out.exists()
    assert "missing-input loss.target" in result.stderr and "unknown-type" not in result.stderr
    assert "nothing is written: 1 errors in the graph; --leave-out goes on all the same" in result.stderr
    again = run("import", path, "-o", out, "--leave-out")
    assert again.exit_code == 0 and set(composer.read(out).nodes) == {"backbone", "head", "loss"}
    assert "missing-input loss.target" in again.stderr and "1 errors in the graph: still in it" in again.stderr


def test_a_graph_that_could_not_be_read_again_is_not_written(tmp_path, monkeypatch):
    def refuse(text, file):
        raise GraphError(Problem("duplicate-id", Where(file), "two things have one id"))

    monkeypatch.setattr(import_models, "loads", refuse)
    out = tmp_path / "graph.yaml"
    result = run("import", written(tmp_path, {"type": "Foo", "backbone": {"type": "Unheard"}}), "-o", out)
    assert result.exit_code == 1 and "duplicate-id" in result.stderr
    assert not out.exists()


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ({"type": "MoCo", "backbone": {"type": "mmselfsup.ResNet", "depth": 18}}, "mmselfsup"),
        ({"type": "Foo", "backbone": {"type": "ResNet", "depth": 18, "_scope_": "mmdet"}}, "mmdet"),
        ({"type": "mmselfsup.MoCo", "backbone": {"type": "mmdet.ResNet", "depth": 18}}, None),
        ({"type": "Foo", "backbone": {"type": "ResNet", "depth": 18}}, None),
    ],
)
def test_a_package_that_only_the_parts_name_is_reported(tmp_path, model, expected):
    path = written(tmp_path, model)
    line = f"read as a config of {expected}, judging by its parts; --package says another one"
    result = run("import", path, "-o", tmp_path / "graph.yaml")
    assert result.exit_code == 0, result.output
    assert (line in result.stderr) == (expected is not None) and ("read as" in result.stderr) == (expected is not None)
    assert "read as" not in run("import", path, "-o", tmp_path / "other.yaml", "--package", "mmdet").stderr
