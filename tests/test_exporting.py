"""Models as files that need no composer: what is written, and what is refused."""

import io
import json
import sys
from typing import Annotated, NamedTuple

import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from typer.testing import CliRunner

from composer import Catalog, GraphError, compile
from composer.cli.app import app
from composer.export import OnnxOptions, export
from composer.export.compare import difference
from composer.export.onnx_file import OnnxModel
from composer.graph.file import dumps, loads
from composer.ports import Boxes, Detections, Embedding, FeatureMap, Pyramid
from composer.run.inputs import example_inputs
from tests import tiny_graphs

SUFFIXES = {"python": "py", "onnx": "onnx", "torch": "pt2"}


class Levels(nn.Module):
    """Two levels."""

    def forward(self, image: FeatureMap) -> Pyramid:
        return [image, image[:, :, ::2, ::2]]


class Found(NamedTuple):
    """Boxes and records."""

    boxes: Boxes
    records: Detections


class PerImage(nn.Module):
    """One entry an image."""

    def forward(self, image: FeatureMap) -> Found:
        return Found(list(image.mean(dim=(2, 3))), [{"labels": row} for row in image])


class Counting(nn.Module):
    """Another answer in what is exported."""

    def forward(self, image: FeatureMap) -> FeatureMap:
        return image + 0.5 if torch.compiler.is_exporting() else image


class Branching(nn.Module):
    """Asks for the numbers."""

    def forward(self, image: FeatureMap) -> FeatureMap:
        if image.is_meta or image.sum() > 0:
            return image
        return -image


class Boxed(nn.Module):
    """Takes a list."""

    def forward(self, image: FeatureMap, boxes: Boxes) -> Annotated[Embedding, "B K"]:
        return image.mean(dim=(2, 3)) + boxes[0].sum()


class Noise(nn.Module):
    """An operator that ONNX has not."""

    def forward(self, image: FeatureMap) -> FeatureMap:
        return torch.special.bessel_j0(image)


CATALOG = Catalog.default().with_components(Levels, PerImage, Counting, Branching, Boxed, Noise)


def graph_of(kind, outputs="{out: part.out}", extra=""):
    fields = "{boxes: {type: Boxes, shape: [N, 4]}}" if extra else "{}"
    return loads(
        f"""
schema: 1
name: one_part
inputs: {{image: {{type: Image, shape: [B, 3, 4, 4]}}}}
data_samples: {fields}
nodes: {{part: {{type: {kind}, inputs: {{image: image{extra}}}}}}}
outputs: {{tensor: {outputs}}}
"""
    )


def model_of(kind, **options):
    return compile(graph_of(kind, **options), CATALOG)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return compile(tiny_graphs.classifier())


@pytest.fixture(scope="module")
def files(model, tmp_path_factory):
    """The classifier in every format and mode, and the reports."""
    pytest.importorskip("onnxruntime")
    folder = tmp_path_factory.mktemp("exported")
    found = {}
    for to, suffix in SUFFIXES.items():
        for mode in model.graph.modes:
            path = folder / f"{mode}.{suffix}"
            found[to, mode] = (path, export(model, to, path, mode=mode))
    return found


def arguments(model, mode, batch):
    inputs, fields = example_inputs(model.graph, batch, seed=5)
    return inputs | (fields if mode == "loss" else {})


def run_onnx(path, given):
    onnxruntime = pytest.importorskip("onnxruntime")
    session = onnxruntime.InferenceSession(path)
    names = [item.name for item in session.get_outputs()]
    assert [item.name for item in session.get_inputs()] == list(given)
    found = session.run(None, {name: value.numpy() for name, value in given.items()})
    return dict(zip(names, map(torch.from_numpy, found), strict=True))


def run_archive(path, given):
    return torch.export.load(path).module()(**given)


RUNNERS = {"onnx": run_onnx, "torch": run_archive}


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("mode", ["tensor", "loss", "predict"])
@pytest.mark.parametrize("to", RUNNERS)
def test_an_exported_file_returns_the_outputs_of_the_model_by_name(to, mode, batch, model, files):
    given = arguments(model, mode, batch)
    model.eval()
    with torch.no_grad():
        expected = model(given, given, mode=mode)
    found = RUNNERS[to](files[to, mode][0], given)
    assert list(found) == list(expected)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=1e-5)


@pytest.mark.parametrize("mode", ["tensor", "loss", "predict"])
@pytest.mark.parametrize("to", SUFFIXES)
def test_the_report_says_what_is_in_the_file(to, mode, files):
    path, report = files[to, mode]
    assert (report.path, report.to) == (path, to)
    assert report.modes == (("tensor", "loss", "predict") if to == "python" else (mode,))
    assert 0 <= report.difference <= 1e-5
    inputs = "image, label" if mode == "loss" else "image"
    expected = {"python": "class TinyClassifier; needs torch"}.get(to, f"takes {inputs}; batches of any size")
    assert report.note == expected


def test_an_export_leaves_the_model_as_it_is(tmp_path):
    model = compile(tiny_graphs.momentum_pair()).train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.random.get_rng_state()
    export(model, "torch", tmp_path / "m.pt2", mode="loss")
    export(model, "python", tmp_path / "m.py")
    assert model.training and model.encoder_k.conv.training and not model.neck.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_levels_become_one_output_each(tmp_path):
    pytest.importorskip("onnxruntime")
    model = model_of("Levels")
    export(model, "onnx", tmp_path / "levels.onnx")
    image = torch.randn(3, 3, 4, 4)
    found = run_onnx(tmp_path / "levels.onnx", {"image": image})
    assert list(found) == ["out.0", "out.1"]
    assert torch.equal(found["out.1"], image[:, :, ::2, ::2])


def test_without_comparison_there_is_no_difference_to_report(model, tmp_path):
    assert export(model, "python", tmp_path / "model.py", verify=False).difference is None


def test_outputs_that_hardly_vary_are_reported(tmp_path):
    said = "its outputs hardly vary, so that they agree says little: load weights first"
    starts_with_zeros = compile(tiny_graphs.small("vit_base_p16"))
    assert export(starts_with_zeros, "torch", tmp_path / "vit.pt2").note.endswith(said)
    nn.init.normal_(starts_with_zeros.head.layers.head.weight)
    assert not export(starts_with_zeros, "torch", tmp_path / "vit.pt2").note.endswith(said)


def test_equal_similarities_have_the_same_order_in_onnx(tmp_path):
    pytest.importorskip("onnxruntime")
    graph = loads(
        """
schema: 1
name: ranking
inputs: {feature: {type: Embedding, shape: [B, 4]}}
nodes:
  similarity: {type: PrototypeSimilarity, params: {length: 50}, inputs: {feature: feature}}
  ranking: {type: SimilarityRanking, inputs: {similarity: similarity.out}}
outputs: {predict: {labels: ranking.labels}}
"""
    )
    assert export(compile(graph), "onnx", tmp_path / "ranking.onnx", mode="predict").difference == 0


REFUSED = {
    "an unknown format": (
        lambda: model_of("Levels"),
        {"to": "onxn"},
        "unknown-format export\n    found 'onxn'; did you mean 'onnx'?",
    ),
    "a mode that the graph has not": (
        lambda: model_of("Levels"),
        {"to": "torch", "mode": "loss"},
        "no-output mode 'loss'\n    this graph has no outputs for the mode 'loss'; it has tensor; name some under "
        "outputs.loss",
    ),
    "a list with one entry an image": (
        lambda: model_of("PerImage", outputs="{found: part.boxes}"),
        {"to": "torch"},
        "export-not-static outputs.tensor.found (tensor mode)\n    it holds one entry an image, and only a fixed "
        "number of tensors goes into such a file: export another mode, or --to python",
    ),
    "records": (
        lambda: model_of("PerImage", outputs="{found: part.records}"),
        {"to": "onnx"},
        "export-not-static outputs.tensor.found (tensor mode)\n    it holds one entry an image, and only a fixed "
        "number of tensors goes into such a file: export another mode, or --to python",
    ),
    "a list that goes in": (
        lambda: model_of("Boxed", extra=", boxes: boxes"),
        {"to": "torch"},
        "export-not-static boxes (tensor mode)\n    'boxes' is a list with one entry an image; only tensors go into "
        "such a file: export --to python",
    ),
    "another answer": (
        lambda: model_of("Counting"),
        {"to": "torch"},
        "export-differs one_part (tensor mode)\n    what was exported to torch gives other numbers than the model: the "
        "largest difference is {}, allowed is 1e-05; nothing was written",
    ),
    "an operator that ONNX has not": (
        lambda: model_of("Noise"),
        {"to": "onnx"},
        "export-failed one_part (tensor mode)\n    this mode cannot be written as ONNX: DispatchError: No ONNX "
        "function found for <{}>. Failure message: No decompositions registered for the real-valued input",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_impossible_export_is_refused_and_leaves_the_old_file(case, tmp_path):
    build, options, text = REFUSED[case]
    if options["to"] == "onnx":
        pytest.importorskip("onnxruntime")
    path = tmp_path / "model"
    path.write_text("as it was")
    with pytest.raises(GraphError) as refused:
        export(build(), options.pop("to"), path, **options)
    (problem,) = refused.value.problems
    head, _, tail = text.partition("{}")
    assert str(problem).startswith(head) and str(problem).endswith(tail)
    assert path.read_text() == "as it was" and [item.name for item in tmp_path.iterdir()] == ["model"]


def test_a_branch_on_values_is_refused_with_torchs_message(tmp_path):
    with pytest.raises(GraphError, match=r"export-failed one_part .*\n    torch.export cannot export this mode"):
        export(model_of("Branching"), "torch", tmp_path / "model.pt2")
    assert not list(tmp_path.iterdir())


def test_a_model_with_lists_of_outputs_is_exported_as_python(tmp_path):
    model = model_of("PerImage", outputs="{found: part.boxes, records: part.records}")
    assert export(model, "python", tmp_path / "model.py").difference == 0
    assert "class PerImage(nn.Module):" in (tmp_path / "model.py").read_text()


def test_an_onnx_file_runs_as_the_model_that_it_was_made_of(model, files):
    again = OnnxModel(files["onnx", "predict"][0])
    assert (again.graph.classes, again.graph.inputs, again.mode) == (model.graph.classes, model.graph.inputs, "predict")
    given = arguments(model, "predict", 3)
    for name, value in model.eval()(given, mode="predict").items():
        torch.testing.assert_close(again(given)[name], value, rtol=0, atol=1e-5)


def test_other_programs_read_classes_and_preprocess_from_an_onnx_file(model, files):
    onnx = pytest.importorskip("onnx")
    entries = {entry.key: entry.value for entry in onnx.load(files["onnx", "loss"][0]).metadata_props}
    assert entries["composer.mode"] == "loss" and loads(entries["composer.graph"]) == model.graph
    assert json.loads(entries["classes"]) == list(model.graph.classes)
    assert json.loads(entries["preprocess"]) == {}


def test_an_onnx_file_says_how_an_image_becomes_its_input_and_the_command_run_takes_it(tmp_path):
    pytest.importorskip("onnxruntime")
    steps = "preprocess: {resize: [4, 4], mean: [99, 98, 97], std: [50, 51, 52]}"
    graph = loads(dumps(graph_of("Levels")).replace("shape: [B, 3, 4, 4]", f"shape: [B, 3, 4, 4], {steps}"))
    export(compile(graph, CATALOG), "onnx", tmp_path / "model.onnx")
    again = OnnxModel(tmp_path / "model.onnx")
    assert again.graph.inputs["image"].preprocess == graph.inputs["image"].preprocess
    Image.new("RGB", (8, 6)).save(tmp_path / "image.png")
    options = ["run", str(tmp_path / "model.onnx"), "--input", str(tmp_path / "image.png")]
    answered = CliRunner().invoke(app, options)
    assert answered.exit_code == 0 and "out.1" in answered.stdout
    refused = CliRunner().invoke(app, [*options, "--mode", "loss"])
    assert refused.exit_code != 0 and "holds tensor mode" in refused.stderr
    assert CliRunner().invoke(app, [*options, "--gallery", str(tmp_path)]).exit_code == 2


def test_an_onnx_file_of_16_bits_with_a_fixed_batch_takes_fewer_images_too(model, tmp_path):
    options = OnnxOptions(half=True, batch=4, opset=18)
    report = export(model, "onnx", tmp_path / "half.onnx", mode="predict", onnx=options)
    assert report.difference <= 2e-2 and "batches of 4" in report.note
    onnx = pytest.importorskip("onnx")
    weights = onnx.load(report.path).graph.initializer
    assert not [item.name for item in weights if item.data_type == onnx.TensorProto.FLOAT]
    again, given = OnnxModel(report.path), arguments(model, "predict", 3)
    found = again(given)["scores"]
    torch.testing.assert_close(found, model.eval()(given, mode="predict")["scores"], rtol=0, atol=2e-2)
    with pytest.raises(GraphError, match="takes 4 at once"):
        again(arguments(model, "predict", 5))


def test_an_opset_that_the_exporter_cannot_write_is_refused(model, tmp_path):
    pytest.importorskip("onnxruntime")
    with pytest.raises(GraphError, match="opset 12, expected one from 18 to 23"):
        export(model, "onnx", tmp_path / "old.onnx", onnx=OnnxOptions(opset=12))
    with pytest.raises(ValueError, match="onnx and openvino alone"):
        export(model, "torch", tmp_path / "model.pt2", onnx=OnnxOptions(half=True))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "No such file"), (b"no onnx", "no ONNX file"), ("foreign", "which graph it was made of")],
)
def test_a_file_that_no_composer_wrote_is_not_run(content, message, tmp_path, files):
    onnx = pytest.importorskip("onnx")
    path = tmp_path / "model.onnx"
    if content == "foreign":
        foreign = onnx.load(files["onnx", "tensor"][0])
        del foreign.metadata_props[:]
        content = foreign.SerializeToString()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(GraphError, match=message):
        OnnxModel(path)


@pytest.mark.parametrize("package", ["onnxruntime", "onnxscript"])
def test_a_missing_package_is_named_with_how_to_get_it(package, model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(GraphError) as refused:
        export(model, "onnx", tmp_path / "model.onnx")
    assert str(refused.value.problems[0]) == (
        "no-onnx export to onnx\n    onnxruntime, onnxscript or onnx is missing: pip install 'graph-composer[onnx]'"
    )


def test_a_place_that_cannot_be_written_is_named(model, tmp_path):
    path = tmp_path / "nowhere" / "model.py"
    with pytest.raises(GraphError) as refused:
        export(model, "python", path)
    assert str(refused.value.problems[0]) == f"cannot-write {path}\n    writing failed: No such file or directory"


@pytest.mark.slow
@pytest.mark.parametrize("name", [*tiny_graphs.NAMES, "momentum_pair"])
def test_every_graph_compiles_in_one_piece_and_goes_through_torch_export(name, tmp_path):
    torch.manual_seed(0)
    graph = tiny_graphs.momentum_pair() if name == "momentum_pair" else tiny_graphs.small(name)
    model = compile(graph).eval()
    inputs, fields = example_inputs(graph)
    for mode in graph.modes:
        torch.compiler.reset()
        compiled = torch.compile(model, fullgraph=True, backend="eager")
        with torch.no_grad():
            assert difference(model(inputs, fields, mode=mode), compiled(inputs, fields, mode=mode)) == 0
    assert export(model, "torch", tmp_path / "model.pt2", mode=mode).difference <= 1e-5


@pytest.mark.slow
@pytest.mark.parametrize(("name", "mode"), tiny_graphs.FAMILIES)
def test_each_family_of_graphs_is_exported_to_onnx(name, mode, tmp_path):
    pytest.importorskip("onnxruntime")
    torch.manual_seed(0)
    model = compile(tiny_graphs.small(name))
    assert export(model, "onnx", tmp_path / "model.onnx", mode=mode).difference <= 1e-5


@pytest.mark.parametrize(
    ("expected", "found", "apart"),
    [
        ({"a": torch.tensor([1.0, 0.5])}, {"a": torch.tensor([1.0, 0.25])}, 0.25),
        ({"a": torch.tensor([100.0, 0.5])}, {"a": torch.tensor([99.0, 0.5])}, 0.01),
        ({"a": torch.tensor([float("nan"), 2.0])}, {"a": torch.tensor([float("nan"), 2.0])}, 0.0),
        ({"a": torch.tensor([float("inf")])}, {"a": torch.tensor([1.0])}, float("inf")),
        ({"a": torch.tensor([float("nan")])}, {"a": torch.tensor([1.0])}, float("inf")),
        ({"a": torch.zeros(2)}, {"a": torch.zeros(3)}, float("inf")),
        ({"a": torch.zeros(2)}, {"b": torch.zeros(2)}, float("inf")),
        ({"a": [torch.zeros(2), torch.ones(1)]}, {"a": (torch.zeros(2), torch.ones(1))}, 0.0),
        ({"a": torch.tensor([3, 4])}, {"a": torch.tensor([4, 4])}, 0.25),
        ({}, {}, 0.0),
    ],
)
def test_a_difference_is_absolute_for_small_numbers_and_relative_for_large_ones(expected, found, apart):
    assert difference(expected, found) == pytest.approx(apart)


def test_examples_fit_what_the_graph_declares():
    graph = loads(
        """
schema: 1
name: declared
inputs:
  image: {type: Image}
  tokens: {type: Tokens, shape: [B, N, 7]}
data_samples:
  label: {type: Label}
  soft: {type: Label, shape: [B, 3]}
  mask: {type: Mask, shape: [B, 5]}
  index: {type: SampleIndex}
  boxes: {type: Boxes, shape: [N, 4]}
classes: [a, b, c]
"""
    )
    inputs, fields = example_inputs(graph, 64, sizes={"N": 2, "H": 8})
    assert inputs["image"].shape == (64, 3, 8, 224) and inputs["tokens"].shape == (64, 2, 7)
    assert set(fields["label"].tolist()) == {0, 1, 2} and fields["label"].dtype == torch.int64
    torch.testing.assert_close(fields["soft"].sum(1), torch.ones(64))
    assert fields["mask"].dtype == torch.bool and fields["index"].tolist() == list(range(64))
    assert len(fields["boxes"]) == 64 and all((box[:, 2:] >= box[:, :2]).all() for box in fields["boxes"])
    again, _ = example_inputs(graph, 64, sizes={"N": 2, "H": 8})
    assert torch.equal(again["tokens"], inputs["tokens"])


def test_an_input_without_a_shape_has_no_example():
    graph = loads("schema: 1\nname: x\ninputs: {tokens: {type: Tokens}, image: {type: Image}}")
    with pytest.raises(GraphError) as refused:
        example_inputs(graph)
    assert [str(problem) for problem in refused.value.problems] == [
        "no-example tokens\n    no example of the type Tokens can be made; give it a type of one tensor and a shape"
    ]


def test_an_archive_holds_no_pickled_code_of_composer(files):
    content = files["torch", "tensor"][0].read_bytes()
    assert b"composer.model" not in content


def test_a_double_precision_model_is_exported_in_its_precision(tmp_path):
    model = compile(tiny_graphs.classifier(), dtype=torch.float64)
    export(model, "torch", tmp_path / "double.pt2")
    loaded = torch.export.load(io.BytesIO((tmp_path / "double.pt2").read_bytes())).module()
    found: Tensor = loaded(image=torch.zeros(1, 3, 8, 8, dtype=torch.float64))["logits"]
    assert found.dtype == torch.float64
