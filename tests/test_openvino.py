"""A mode for OpenVINO: what is written, run again, and refused."""

import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from composer import GraphError, Model, compile
from composer.cli.app import app
from composer.export import OnnxOptions, export
from composer.export.openvino_file import OpenVinoModel
from composer.graph.file import dumps, loads
from composer.run.inputs import example_inputs
from tests import tiny_graphs
from tests.extras import needs

NEEDED = needs("openvino")


@pytest.fixture(scope="module")
def model() -> Model:
    torch.manual_seed(0)
    return compile(tiny_graphs.classifier()).eval()


@NEEDED
@pytest.mark.parametrize("mode", ["tensor", "loss", "predict"])
def test_an_exported_file_returns_the_outputs_of_the_model_by_name(model: Model, mode: str, tmp_path: Path) -> None:
    report = export(model, "openvino", tmp_path / "model.xml", mode=mode)
    assert report.difference is not None and report.difference <= 1e-5
    assert "batches of any size" in report.note
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.bin", "model.xml"]
    again = OpenVinoModel(report.path)
    assert (again.graph, again.mode) == (model.graph, mode)
    inputs, fields = example_inputs(model.graph, 5, seed=5)
    with torch.no_grad():
        expected = model(inputs, fields, mode=mode)
    found = again(inputs, fields)
    assert list(found) == list(expected)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=1e-5)


@NEEDED
def test_weights_of_16_bits_take_half_and_a_fixed_batch_takes_fewer_images_too(model: Model, tmp_path: Path) -> None:
    whole = export(model, "openvino", tmp_path / "whole.xml", mode="predict").path.with_suffix(".bin")
    report = export(model, "openvino", tmp_path / "half.xml", mode="predict", onnx=OnnxOptions(half=True, batch=4))
    assert "batches of 4" in report.note and "with 16 bits" in report.note
    assert report.path.with_suffix(".bin").stat().st_size < 0.6 * whole.stat().st_size
    again = OpenVinoModel(report.path)
    inputs, _ = example_inputs(model.graph, 3, seed=5)
    with torch.no_grad():
        expected = model(inputs, mode="predict")["scores"]
    torch.testing.assert_close(again(inputs)["scores"], expected, rtol=0, atol=2e-2)
    with pytest.raises(GraphError, match="takes 4 at once"):
        again(example_inputs(model.graph, 5)[0])


@NEEDED
def test_the_command_writes_it_and_runs_it_on_an_image(tmp_path: Path) -> None:
    steps = "preprocess: {resize: [8, 8], mean: [99, 98, 97], std: [50, 51, 52]}"
    text = dumps(tiny_graphs.classifier())
    shape = next(line for line in text.splitlines() if "shape: [B, 3" in line)
    text = text.replace(shape, shape.replace("]}", f"], {steps}}}"))
    assert steps in text
    (tmp_path / "graph.yaml").write_text(text)
    Image.new("RGB", (20, 18)).save(tmp_path / "image.png")
    file = str(tmp_path / "model.xml")
    written = CliRunner().invoke(
        app, ["export", str(tmp_path / "graph.yaml"), "--to", "openvino", "--mode", "predict", "-o", file]
    )
    assert written.exit_code == 0 and "largest difference from the model" in written.stdout, written.output
    answered = CliRunner().invoke(app, ["run", file, "--input", str(tmp_path / "image.png")])
    assert answered.exit_code == 0, answered.output
    refused = CliRunner().invoke(app, ["run", file, "--input", str(tmp_path / "image.png"), "--mode", "loss"])
    assert refused.exit_code != 0 and "holds predict mode" in refused.stderr


@NEEDED
@pytest.mark.parametrize("kind", ["no file", "no weights", "no xml", "foreign", "cut"])
def test_a_file_that_no_composer_wrote_is_not_run(model: Model, kind: str, tmp_path: Path) -> None:
    path = export(model, "openvino", tmp_path / "model.xml").path
    messages = {
        "no file": "No such file", "no weights": "No such file", "no xml": "no file that OpenVINO can run",
        "foreign": "which graph it was made of", "cut": "no file that OpenVINO can run",
    }  # fmt: skip
    text = path.read_text()
    if kind == "no file":
        path.unlink()
    elif kind == "no weights":
        path.with_suffix(".bin").unlink()
    elif kind == "foreign":
        path.write_text(text.replace("<composer>", "<other>").replace("</composer>", "</other>"))
    else:
        path.write_text("hello" if kind == "no xml" else text[: len(text) // 2])
    with pytest.raises(GraphError, match=messages[kind]):
        OpenVinoModel(path)


@NEEDED
@pytest.mark.slow
@pytest.mark.parametrize(("name", "mode"), tiny_graphs.FAMILIES)
def test_each_family_of_graphs_is_exported_to_openvino(name: str, mode: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    report = export(compile(tiny_graphs.small(name)), "openvino", tmp_path / "model.xml", mode=mode)
    assert report.difference is not None and report.difference <= 1e-5


def test_a_missing_package_is_named_with_how_to_get_it(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    for go in (lambda: export(model, "openvino", tmp_path / "m.xml"), lambda: OpenVinoModel(tmp_path / "m.xml")):
        with pytest.raises(GraphError, match=r"pip install 'graph-composer\[openvino\]'"):
            go()
    assert not list(tmp_path.iterdir())


def test_options_and_names_that_do_not_go_with_it_are_refused(model: Model, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="found opset with the format openvino, expected them with onnx alone"):
        export(model, "openvino", tmp_path / "m.xml", onnx=OnnxOptions(opset=18))
    with pytest.raises(ValueError, match=r"ends in \.xml"):
        export(model, "openvino", tmp_path / "m.onnx")
    graph = tmp_path / "graph.yaml"
    graph.write_text(dumps(model.graph))
    assert loads(graph.read_text()) == model.graph
    for more in (["--opset", "18"], ["-o", "m.bin"]):
        assert CliRunner().invoke(app, ["export", str(graph), "--to", "openvino", *more]).exit_code == 2
