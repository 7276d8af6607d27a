"""The values of every node of one pass: counted right, kept within a bound, drawn, and handed out to who ran it."""

import base64
import io
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import composer
from composer.graph.file import loads
from composer.graph.file.document import to_document
from composer.graph.plan import plan
from composer.problems import GraphError
from composer.web.runs import Done, Failed, Passes, RunJob, Runner, RunResult, WeightsChoice
from composer.web.runs.maps import BAD, MOST_TILES, sheet_of
from composer.web.runs.passes import KEPT_BYTES
from composer.web.runs.payloads import MapRequest, PassRequest
from composer.web.runs.results import ValueRow
from composer.web.runs.values import Recorder, numbers_of
from tests.tiny_graphs import SAVED

TROUSER = Path(__file__).parents[2] / "examples" / "fashion_mnist" / "02_trouser.png"

NESTED = """\
schema: 1
name: nested
classes: [a, b]
inputs:
  image: {type: Image, shape: [B, 3, 16, 16]}
data_samples:
  label: {type: Label, shape: [B]}
nodes:
  first: {graph: small, params: {width: 4}, inputs: {x: image}}
  second: {graph: small, params: {width: 6}, inputs: {x: first.y}}
  pool: {type: GlobalAveragePooling, inputs: {feature: second.y}}
  head: {type: LinearClsHead, params: {num_classes: 2}, inputs: {feature: pool.out}}
  loss: {type: CrossEntropyLoss, inputs: {pred: head.out, target: label}}
graphs:
  small:
    inputs: {x: {type: FeatureMap}}
    params: {width: 8}
    nodes:
      conv: {type: Conv2d, params: {out_channels: $width, kernel_size: 3}, inputs: {input: x}}
      act: {type: ReLU, inputs: {input: conv.out}}
    outputs: {y: act.out}
outputs:
  tensor: {feature: second.y}
  loss: {loss: loss.out}
"""


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with Runner(seconds=120, memory=2**30) as runner:
        yield runner


@pytest.fixture
def passes(tmp_path: Path) -> Passes:
    return Passes(tmp_path)


def shipped(name: str = "classification/fashion_mnist") -> str:
    return json.dumps(to_document(composer.read(SAVED / f"{name}.yaml")))


def result(runner: Runner, job: RunJob) -> RunResult:
    *_, last = runner.run(job)
    assert isinstance(last, Done), last.problems if isinstance(last, Failed) else last
    assert isinstance(last.result, RunResult)
    return last.result


def kept(runner: Runner, passes: Passes, job: RunJob) -> tuple[str, list[ValueRow]]:
    """Run a job; the name of its pass and its rows."""
    name, file = passes.begin()
    found = result(runner, replace(job, keep=file, keep_bytes=job.keep_bytes or KEPT_BYTES))
    passes.keep(name, "title", job.document, job.training, found)
    return name, found.values


def test_numbers_are_those_of_numpy() -> None:
    values = torch.randn(3, 7, 50, 300) * 3 + 1
    values[0, 0, 0, :17] = 0
    found = numbers_of(values)
    plain = values.double().numpy()
    assert (found["count"], found["zeros"]) == (plain.size, 17)
    for name, expected in (("mean", plain.mean()), ("std", plain.std()), ("low", plain.min()), ("high", plain.max())):
        assert found[name] == pytest.approx(expected, rel=1e-5)
    counts, _ = np.histogram(plain, bins=len(found["histogram"].counts))
    assert np.abs(counts - found["histogram"].counts).max() <= 2  # a value at an edge
    assert sum(found["histogram"].counts) == plain.size


def test_numbers_that_are_none_are_counted_and_left_out_of_the_others() -> None:
    found = numbers_of(torch.tensor([1.0, math.nan, 3.0, math.inf, -math.inf, 0.0]))
    assert (found["nan"], found["infinite"], found["zeros"]) == (1, 2, 1)
    assert (found["low"], found["high"], found["mean"]) == (0, 3, pytest.approx(4 / 3))
    assert sum(found["histogram"].counts) == 3
    none = numbers_of(torch.full((4,), math.nan))
    assert none["nan"] == 4 and "mean" not in none
    assert numbers_of(torch.empty(0, 4)) == {"count": 0, "zeros": 0, "nan": 0, "infinite": 0, "checksum": 0}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.uint8, torch.bool])
def test_numbers_of_any_type_are_counted(dtype: torch.dtype) -> None:
    values = torch.tensor([0, 1, 1, 0]).to(dtype)
    found = numbers_of(values)
    assert (found["low"], found["high"], found["mean"], found["zeros"]) == (0, 1, 0.5, 2)


def test_a_checksum_distinguishes_values_with_the_same_statistics() -> None:
    one, other = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([3.0, 1.0, 2.0])
    assert numbers_of(one)["mean"] == numbers_of(other)["mean"]
    assert numbers_of(one)["checksum"] != numbers_of(other)["checksum"] == numbers_of(other.clone())["checksum"]


@pytest.mark.parametrize("mode", ["tensor", "loss", "predict"])
def test_every_node_of_a_mode_has_values(runner: Runner, passes: Passes, mode: str) -> None:
    graph = composer.read(SAVED / "classification" / "fashion_mnist.yaml")
    program = plan(graph, composer.Catalog.default()).programs[mode]
    job = RunJob(shipped(), mode=mode, image=TROUSER, label=1)
    _, rows = kept(runner, passes, job)
    expected = [*program.inputs, *program.data_samples, *(call.path for call in program.calls)]
    assert list(dict.fromkeys(row.node for row in rows)) == expected
    assert all(row.offset is not None for row in rows)


def test_values_of_nodes_in_subgraphs_go_by_their_paths_and_those_of_the_call_beside(
    runner: Runner, passes: Passes
) -> None:
    _, rows = kept(runner, passes, RunJob(json.dumps(to_document(loads(NESTED))), mode="loss", batch=3))
    found = {(row.node, row.port): row for row in rows}
    for call, width in (("first", 4), ("second", 6)):
        assert found[f"{call}.conv", "out"].shape[:2] == [3, width]
        inner, outer = found[f"{call}.act", "out"], found[call, "y"]
        assert (inner.mean, inner.offset, inner.checksum) == (outer.mean, outer.offset, outer.checksum)
    for inner, outer in (("first.x", ("image", "")), ("second.x", ("first", "y"))):
        assert found[inner, ""].checksum == found[outer].checksum and found[inner, ""].shape == found[outer].shape
    assert found["first.conv", "out"].low < 0 <= found["first.act", "out"].low
    assert found["label", ""].dtype == "int64"


def test_values_are_those_that_the_model_gives(runner: Runner, passes: Passes) -> None:
    name, rows = kept(runner, passes, RunJob(shipped(), mode="tensor", batch=5, weights=WeightsChoice(seed=2), seed=3))
    torch.manual_seed(2)
    model = composer.compile(composer.read(SAVED / "classification" / "fashion_mnist.yaml")).eval()
    given: dict[str, Any] = {}
    model.get_submodule("stem_conv").register_forward_hook(lambda *all: given.update(out=all[-1]))
    image = next(row for row in rows if row.node == "image")
    assert image.shape == [5, 1, 28, 28]
    first = torch.from_numpy(np.fromfile(passes._passes[name].path, np.float32, 28 * 28).reshape(1, 1, 28, 28))
    with torch.no_grad():
        model(first)
    row = next(row for row in rows if row.node == "stem_conv")
    raw = np.fromfile(passes._passes[name].path, np.float32, 32 * 28 * 28, offset=row.offset)
    np.testing.assert_allclose(raw.reshape(32, 28, 28), given["out"][0].numpy(), rtol=1e-4, atol=1e-5)


def test_training_and_evaluation_differ_and_two_equal_passes_do_not(runner: Runner, passes: Passes) -> None:
    job = RunJob(shipped(), mode="tensor", batch=4)
    one, same, training = (
        {(row.node, row.port): row.checksum for row in kept(runner, passes, replace(job, training=training))[1]}
        for training in (False, False, True)
    )
    assert one == same != training
    assert one["stem_conv", "out"] == training["stem_conv", "out"]
    assert one["stem_norm", "out"] != training["stem_norm", "out"]


def test_values_beyond_the_bound_are_counted_and_not_kept_but_for_the_selected_node(
    runner: Runner, passes: Passes
) -> None:
    job = RunJob(shipped(), mode="tensor", image=TROUSER, keep_bytes=50_000, watched="stem_relu")
    name, rows = kept(runner, passes, job)
    held = {row.node for row in rows if row.offset is not None}
    assert {"image", "stem_relu"} <= held and "stem_conv" not in held
    assert all(row.mean is not None for row in rows)
    assert passes._passes[name].path.stat().st_size <= 4 * 50_000
    with pytest.raises(GraphError, match="the values of this node are not kept: select it and run again"):
        passes.draw(MapRequest(name=name, node="stem_conv", port="out"))


def test_a_run_that_records_no_values_computes_no_statistics(runner: Runner) -> None:
    assert result(runner, RunJob(shipped(), mode="tensor")).values == []


def test_detectors_have_values_of_levels_and_of_lists(runner: Runner, passes: Passes) -> None:
    _, rows = kept(runner, passes, RunJob(shipped("detection/digits"), mode="loss"))
    levels = [row for row in rows if row.level is not None]
    assert levels and all(row.count == 0 or row.mean is not None for row in rows)
    boxes = [row for row in rows if row.node == "boxes"]
    assert boxes and all(row.kept == row.shape for row in boxes)  # of each sample all


def drawn(view: Any) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(view.image))))


def test_channels_are_drawn_side_by_side_and_one_by_one(runner: Runner, passes: Passes) -> None:
    name, _ = kept(runner, passes, RunJob(shipped(), mode="tensor", image=TROUSER))
    tiles = passes.draw(MapRequest(name=name, node="stem_conv", port="out"))
    assert (tiles.kind, tiles.channels, tiles.rows, tiles.columns) == ("tiles", 32, 28, 28)
    assert drawn(tiles).shape == (tiles.height, tiles.width, 3)
    assert tiles.across * tiles.cell[0] == tiles.width + 2
    one = passes.draw(MapRequest(name=name, node="stem_conv", port="out", channel=5))
    assert (one.kind, one.first, one.channels) == ("map", 5, 32) and one.low < one.high
    vector = passes.draw(MapRequest(name=name, node="flat", port="out"))
    assert (vector.kind, len(vector.bars), vector.image) == ("bars", 128, "")


def test_maps_of_any_shape_are_drawn() -> None:
    many = sheet_of(np.zeros((200, 3, 5), np.float32), first=128)
    assert (many.kind, many.first, many.left_out) == ("tiles", 128, 200 - MOST_TILES)
    assert sheet_of(np.zeros((2, 3, 4, 5), np.float32)).channels == 6
    assert sheet_of(np.zeros((7, 9), np.float32)).kind == "matrix"
    assert sheet_of(np.zeros((4000, 3000), np.float32)).left_out > 0
    assert sheet_of(np.zeros((1, 5000, 20), np.float32)).kind == "map"
    assert sheet_of(np.float32(3)).bars == (3,)
    assert sheet_of(np.zeros((0, 5), np.float32)).bars == ()
    assert sheet_of(np.zeros(5000, np.float32)).left_out == 5000 - 512
    assert sheet_of(np.zeros((4, 2, 2), np.float32), channel=10**6).first == 3


def test_nan_has_a_colour_of_its_own() -> None:
    values = np.zeros((1, 4, 4), np.float32)
    values[0, 0, 0], values[0, 1, 1] = np.nan, np.inf
    pixels = drawn(sheet_of(values))
    step = len(pixels) // 4
    assert tuple(pixels[0, 0]) == tuple(pixels[step, step]) == BAD
    assert tuple(pixels[-1, -1]) != BAD
    assert sheet_of(values[0, 0]).bars[0] is None


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "x" * 100])
def test_values_of_a_run_need_its_unguessable_name(passes: Passes, name: str) -> None:
    for call, request in ((passes.look, PassRequest(name=name)), (passes.draw, MapRequest(name=name, node="x"))):
        with pytest.raises(GraphError, match="are not kept any more"):
            call(request)  # type: ignore[operator]


def bare(**changes: Any) -> RunResult:
    row = ValueRow(node="n", port="out", level=None, shape=[1], dtype="float32", count=1)
    plain: dict[str, Any] = {"mode": "tensor", "image": None, "classes": [], "regions": None, "losses": {}, "notes": []}
    rest: dict[str, Any] = {"tensors": [], "seconds": 0, "memory": None, "parameters": 0, "device": "cpu"}
    return RunResult(**plain, **rest, values=[row.model_copy(update=changes)])


def test_old_passes_are_deleted_with_their_files(passes: Passes, tmp_path: Path) -> None:
    names = []
    for _ in range(20):
        name, file = passes.begin()
        file.write_bytes(b"1234")
        passes.keep(name, "", "", False, bare())
        names.append(name)
    assert len(list(tmp_path.iterdir())) == 16
    assert passes.look(PassRequest(name=names[-1])).rows
    with pytest.raises(GraphError):
        passes.look(PassRequest(name=names[0]))


MADE_UP = [{"offset": 10**12, "kept": [4]}, {"offset": 0, "kept": [10**6, 10**6]}, {"offset": -8, "kept": [9]}]


@pytest.mark.parametrize("changes", MADE_UP)
def test_sizes_that_a_worker_made_up_are_compared_with_its_file(passes: Passes, changes: dict[str, Any]) -> None:
    name, file = passes.begin()
    file.write_bytes(b"\0" * 32)
    passes.keep(name, "", "", False, bare(**changes))
    with pytest.raises(GraphError, match="cannot be read"):
        passes.draw(MapRequest(name=name, node="n", port="out"))


def test_files_of_passes_are_deleted_when_the_server_ends() -> None:
    with Passes() as passes:
        _, file = passes.begin()
        file.write_bytes(b"x")
    assert not file.parent.exists()


def test_a_recorder_without_a_file_keeps_no_values(tmp_path: Path) -> None:
    graph = composer.read(SAVED / "classification" / "fashion_mnist.yaml")
    recorder = Recorder(plan(graph, composer.Catalog.default()).programs["tensor"])
    recorder.given({"image": torch.zeros(1, 1, 28, 28)})
    assert recorder.close() == []
