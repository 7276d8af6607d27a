"""``composer.from_pt2``: a program of ``torch.export`` becomes a graph, and nothing of a file is unpickled or run."""

import io
import json
import pickle
import stat
import struct
import sys
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from typer.testing import CliRunner

import composer
from composer import GraphError
from composer.cli.app import app
from tests.modules.zoo import zoo

Entries = dict[str, bytes]


@cache
def exported(name: str, free: bool = False, train: bool = False) -> bytes:
    """A module of the zoo as a ``.pt2`` file."""
    module, example = zoo(name)
    shapes = tuple({0: torch.export.Dim("batch")} for _ in example) if free else None
    file = io.BytesIO()
    torch.export.save(torch.export.export(module.train(train), example, dynamic_shapes=shapes), file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "free"),
    [
        ("residual", False),
        ("vit", True),
        ("windows", False),
        ("shared", False),
        ("arithmetic", True),
        ("encoder", False),
    ],
)
def test_a_program_becomes_the_same_function(name: str, free: bool) -> None:
    module, example = zoo(name)
    found = composer.from_pt2(exported(name, free))
    assert found.report.placeholders == {}
    assert found.report.evaluation is not None
    assert found.report.evaluation <= 1e-5
    more = [torch.cat([item, item[:1]]) for item in example]  # another batch than that of the file
    with torch.no_grad():
        expected = module.eval()(*more)
        given = dict(zip(found.graph.inputs, more, strict=True))
        result = found.model(given)
    expected = expected if isinstance(expected, tuple) else (expected,)
    for one, other in zip(result.values(), expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_a_program_gives_the_graph_that_its_module_gives() -> None:
    module, example = zoo("residual")
    one, other = composer.from_module(module, *example), composer.from_pt2(exported("residual"))
    assert other.graph.nodes == one.graph.nodes
    assert other.graph.graphs == one.graph.graphs
    assert all(torch.equal(item, one.weights[name]) for name, item in other.weights.items())


def test_layers_are_rebuilt_so_that_the_graph_trains() -> None:
    """Statistics and dropout, which a program of evaluation fixes, act again."""
    found = composer.from_pt2(exported("mobile"))
    model = found.model.train()
    before = model.state_dict()["features._1.block._1.running_mean"].clone()
    F.cross_entropy(model(torch.randn(2, 3, 16, 16))["out"], torch.tensor([0, 1])).backward()
    assert not torch.equal(before, model.state_dict()["features._1.block._1.running_mean"])
    assert [part.p for part in model.modules() if isinstance(part, nn.Dropout)] == [0.2]


def test_a_program_exported_in_training_keeps_dropout_and_statistics() -> None:
    found = composer.from_pt2(exported("mobile", train=True))
    drops = [round(part.drop_prob, 6) for part in found.model.modules() if type(part).__name__ == "DropPath"]
    assert drops == [0.1, 0.2]
    assert found.report.evaluation is not None


def test_a_program_exported_in_evaluation_reports_the_layers_that_training_loses() -> None:
    (lost,) = composer.from_pt2(exported("mobile")).report.lost
    assert "in which features.1.drop_path, features.2.drop_path, features.3.drop_path did nothing" in lost
    (attention,) = composer.from_pt2(exported("encoder")).report.lost
    assert "a dropout of attention weights, if there is one," in attention
    assert composer.from_pt2(exported("mobile", train=True)).report.lost == ()
    assert composer.from_pt2(exported("residual")).report.lost == ()
    found = [(problem.code, problem.severity) for problem in composer.from_pt2(exported("mobile")).report.problems()]
    assert found == [("imported", "notice"), ("lost-in-evaluation", "warning")]


def test_attention_is_one_layer_again() -> None:
    found = composer.from_pt2(exported("encoder"))
    layer = found.graph.graphs["transformer_encoder_layer"]
    assert layer.nodes["self_attn"].type == "MultiheadAttention"
    assert "encoder.layers_0.self_attn.in_proj_weight" in found.weights


class Rotated(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.cumprod(F.relu(x), 1) + 1


def test_an_operation_without_a_part_is_a_placeholder_and_is_not_run() -> None:
    file = io.BytesIO()
    torch.export.save(torch.export.export(nn.Sequential(nn.Linear(4, 4), Rotated()), (torch.randn(2, 4),)), file)
    report = composer.from_pt2(file.getvalue()).report
    assert list(report.placeholders) == ["_1.cumprod"]
    assert report.evaluation is None


def test_the_command_writes_graph_and_weights(tmp_path: Path) -> None:
    (tmp_path / "vit.pt2").write_bytes(exported("vit", True))
    target = tmp_path / "graph.yaml"
    result = CliRunner().invoke(app, ["import", str(tmp_path / "vit.pt2"), "-o", str(target)])
    assert result.exit_code == 0, result.output
    assert "outputs differ by at most" in result.output
    assert "warning: the program was exported in evaluation" in result.output
    model = composer.load(target, weights=target.with_suffix(".safetensors"))
    assert model(torch.randn(3, 3, 16, 16))["out"].shape == (3, 5)
    one = tmp_path / "one.safetensors"
    assert CliRunner().invoke(app, ["import", str(tmp_path / "vit.pt2"), "-o", str(one)]).exit_code == 0
    assert composer.load(one).graph.name == "vit"


# hostile files


class Opened:
    """What runs if anything unpickles it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (sys.exit, (77,))


def entries() -> Entries:
    with zipfile.ZipFile(io.BytesIO(exported("residual"))) as archive:
        return {item.filename: archive.read(item) for item in archive.infolist()}


def packed(files: Entries, compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def place(files: Entries, end: str) -> str:
    return next(name for name in files if name.endswith(end))


def changed(end: str, change: Callable[[Any], Any]) -> bytes:
    """The file with one of its documents changed."""
    files = entries()
    name = place(files, end)
    document = json.loads(files[name])
    files[name] = json.dumps(change(document) or document).encode()
    return packed(files)


def meta(**parts: Any) -> bytes:
    """The file with what is declared of its first weight changed."""

    def change(document: Any) -> None:
        first = next(iter(document["config"].values()))
        for key, value in parts.items():
            (first if key in first else first["tensor_meta"])[key] = value

    return changed("model_weights_config.json", change)


def node(**parts: Any) -> bytes:
    """The file with its first operation changed."""
    return changed("model.json", lambda document: document["graph_module"]["graph"]["nodes"][0].update(parts))


def integers(*sizes: int) -> list[dict[str, int]]:
    return [{"as_int": size} for size in sizes]


def with_files(**files: bytes) -> bytes:
    found = entries()
    root = next(iter(found)).split("/")[0]
    return packed(found | {f"{root}/{name.replace('__', '/')}": content for name, content in files.items()})


def linked() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in entries().items():
            info = zipfile.ZipInfo(name)
            if name.endswith("weight_3"):
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
                content = b"/etc/passwd"
            archive.writestr(info, content)
    return file.getvalue()


def doubled() -> bytes:
    file = io.BytesIO(packed(entries()))
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(file, "a") as archive:
        archive.writestr(next(iter(entries())), b"other")
    return file.getvalue()


def many_entries() -> bytes:
    """An end record that declares four billion entries."""
    content = bytearray(packed(entries()))
    at = content.rfind(b"PK\x05\x06")
    content[at + 8 : at + 16] = struct.pack("<HHI", 65_535, 65_535, 2**31)
    return bytes(content)


def overlapping() -> bytes:
    """Two entries of the directory that lie on the same bytes."""
    content = bytearray(packed(entries()))
    first = zipfile.ZipFile(io.BytesIO(content)).start_dir
    second = content.find(b"PK\x01\x02", first + 4)
    content[second + 42 : second + 46] = content[first + 42 : first + 46]
    return bytes(content)


def pickled_weight() -> bytes:
    files = entries()
    files[place(files, "weights/weight_0")] = pickle.dumps(Opened())
    name = place(files, "model_weights_config.json")
    document = json.loads(files[name])
    next(iter(document["config"].values()))["use_pickle"] = True
    files[name] = json.dumps(document).encode()
    return packed(files)


def old_weights() -> bytes:
    files = entries()
    content = files.pop(place(files, "model_weights_config.json"))
    assert content
    root = next(iter(files)).split("/")[0]
    return packed(files | {f"{root}/data/weights/model.pt": pickle.dumps(Opened())})


def deep() -> bytes:
    files = entries()
    files[place(files, "model.json")] = b'{"graph_module":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    return packed(files)


def twice() -> bytes:
    files = entries()
    files[place(files, "model.json")] = b'{"graph_module": {}, "graph_module": {}}'
    return packed(files)


def sizes_of_all(size: int) -> bytes:
    """The file with another size of the input, in all that it says of it."""

    def change(document: Any) -> None:
        values = document["graph_module"]["graph"]["tensor_values"]
        values["image"]["sizes"] = integers(2, 3, size, size)

    return changed("model.json", change)


def argument(**value: Any) -> list[dict[str, Any]]:
    return [{"name": "self", "arg": value, "kind": 1}]


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "no zip": (lambda: b"\x80\x04" + b"x" * 100, "does not end as a zip"),
    "empty": (lambda: b"", "does not end as a zip"),
    "cut": (lambda: exported("residual")[:-30], "does not end as a zip"),
    "a pickle of torch.save": (lambda: packed({"m/data.pkl": pickle.dumps(Opened())}), "pickle of torch.save"),
    "no program": (lambda: packed({"m/data/x": b"1"}), "holds no models/model.json"),
    "compiled code": (lambda: packed({"m/data/aotinductor/model/a.so": b"\x7fELF"}), "compiled code"),
    "a weight as a pickle": (pickled_weight, "is a pickle, which is never opened"),
    "all weights as a pickle": (old_weights, "is a pickle, which is never opened"),
    "compressed, as bombs are": (lambda: packed(entries(), zipfile.ZIP_DEFLATED), "is compressed"),
    "four billion entries": (many_entries, "entries: at most"),
    "overlapping entries": (overlapping, "overlaps another"),
    "an entry twice": (doubled, "two entries of the name"),
    "a link": (linked, "is a link"),
    "a name that leads out": (lambda: packed(entries() | {"m/../../x": b"1"}), "leads out of the archive"),
    "an absolute name": (lambda: packed(entries() | {"/etc/x": b"1"}), "leads out of the archive"),
    "two folders": (lambda: packed(entries() | {"other/x": b"1"}), "do not lie in one folder"),
    "big-endian": (lambda: with_files(byteorder=b"big"), "big-endian"),
    "deep json": (deep, "nested too deeply"),
    "a key twice": (twice, "a key stands twice"),
    "no json": (
        lambda: with_files(models__model_json=b"") and with_files(**{"models__model.json": b"{"}),
        "is no JSON",
    ),
    "a list as the program": (lambda: with_files(**{"models__model.json": b"[]"}), "expected an object"),
    "no graph": (lambda: with_files(**{"models__model.json": b"{}"}), "graph_module: expected an object"),
    "another schema": (lambda: changed("model.json", lambda d: d["schema_version"].update(major=99)), "version 99"),
    "10^9 numbers declared": (
        lambda: meta(sizes=integers(10**9), strides=integers(1)),
        "declares 1,000,000,000 numbers",
    ),
    "10^9 numbers by a stride of 0": (
        lambda: meta(sizes=integers(10**9), strides=integers(0)),
        "declares 1,000,000,000",
    ),
    "bytes used twice": (
        lambda: meta(sizes=integers(2, 3, 3, 3), strides=integers(1, 1, 1, 1)),
        "some of its bytes twice",
    ),
    "a negative size": (lambda: meta(sizes=integers(-1, 3, 3, 3)), "a size"),
    "a size too large for any machine": (lambda: meta(sizes=integers(2**60, 3, 3, 3)), "a size"),
    "an offset behind the end": (lambda: meta(storage_offset={"as_int": 10**6}), "declares"),
    "an unknown number format": (lambda: meta(dtype=99), "format that is not known"),
    "a sparse layout": (lambda: meta(layout=1), "not a dense tensor"),
    "another file than there is": (lambda: meta(path_name="weight_999"), "it lacks data/weights/weight_999"),
    "a file outside": (lambda: meta(path_name="../../secret"), "lies in a file of the name"),
    "sizes that the program does not have": (
        lambda: meta(sizes=integers(4, 6, 3, 3), strides=integers(54, 9, 3, 1)),
        "the program declares",
    ),
    "an operation that reads a file": (
        lambda: node(target="torch.ops.aten.from_file.default", inputs=argument(as_string="/etc/passwd")),
        "",
    ),
    "an operation by a name of Python": (lambda: node(target="os.system", inputs=argument(as_string="touch x")), ""),
    "an operation by an attribute": (lambda: node(target="torch.ops.aten.conv2d.__init__"), ""),
    "an operation that reads what is not there": (
        lambda: node(inputs=argument(as_tensor={"name": "nothing"})),
        "which nothing has made",
    ),
    "a graph as an argument": (lambda: node(inputs=argument(as_graph={"name": "g"})), "as_graph, which is not known"),
    "an object as an argument": (lambda: node(inputs=argument(as_custom_obj={"name": "o"})), "as_custom_obj"),
    "an input of 10^12 numbers": (lambda: sizes_of_all(10**6), "more than is run here"),
    "a billion parts": (
        lambda: node(
            target="torch.ops.aten.chunk.default",
            inputs=[*argument(as_tensor={"name": "image"}), {"name": "chunks", "arg": {"as_int": 10**9}, "kind": 1}],
        ),
        "parts",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_with_one_problem(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make, text = HOSTILE[name]
    content = make()
    monkeypatch.setattr(pickle, "loads", refuse)
    monkeypatch.setattr(pickle, "load", refuse)
    monkeypatch.setattr(torch, "load", refuse)
    if not text:  # an operation that is not known is a placeholder, and nothing is run
        found = composer.from_pt2(content)
        assert len(found.report.placeholders) == 1
        assert found.report.evaluation is None
        return
    with pytest.raises(GraphError, match=text) as caught:
        composer.from_pt2(content)
    assert [problem.code for problem in caught.value.problems] == ["cannot-import"]


def refuse(*_: Any, **__: Any) -> Any:
    raise AssertionError("something was unpickled")


def test_a_file_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with pytest.raises(GraphError) as caught:
        composer.from_pt2(tmp_path / "none.pt2")
    assert caught.value.problems[0].code == "no-file"
