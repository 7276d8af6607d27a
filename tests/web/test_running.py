"""Runs in processes of their own: what they answer, how they stop, and that nothing of theirs hurts the server."""

import io
import json
import os
import pickle
import shutil
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import composer
from composer.graph.file import loads, read
from composer.graph.file.document import to_document
from composer.problems import Edit
from composer.web.runs import Done, ExportJob, Failed, Progress, RunJob, Runner, RunResult, Waiting, WeightsChoice
from composer.web.runs.results import ExportResult

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "saved_graphs" / "classification" / "fashion_mnist"
TROUSER = ROOT / "examples" / "fashion_mnist" / "02_trouser.png"
WEIGHTS = WeightsChoice("shipped", SHIPPED.with_suffix(".safetensors"), "fashion_mnist.safetensors")

UNRULY = """\
schema: 1
name: unruly
inputs:
  image: {{type: Image, shape: [B, 3, 32, 32]}}
nodes:
  conv: {{type: Conv2d, params: {{out_channels: 4, kernel_size: 3, padding: 1}}, inputs: {{input: image}}}}
  culprit: {{type: {type}, inputs: {{x: conv.out}}}}
outputs:
  tensor: {{out: culprit.out}}
"""

BOXES = """\
schema: 1
name: boxes
classes: [cat, dog]
inputs:
  image: {type: Image, shape: [B, 3, 32, 32], preprocess: {resize: [32, 32], mean: [127.5, 127.5, 127.5]}}
nodes:
  boxer: {type: Boxer, inputs: {image: image}}
outputs:
  predict: {found: boxer.out}
"""

NESTED = """\
schema: 1
name: nested
inputs:
  image: {type: Image, shape: [B, 3, 16, 16]}
nodes:
  encoder: {graph: small, inputs: {x: image}}
graphs:
  small:
    inputs: {x: {type: Image}}
    nodes:
      conv: {type: Conv2d, params: {out_channels: 8, kernel_size: 3}, inputs: {input: x}}
      act: {type: ReLU, inputs: {input: conv.out}}
    outputs: {y: act.out}
outputs:
  tensor: {feature: encoder.y}
"""

HUGE = """\
schema: 1
name: huge
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  flat: {type: Flatten, inputs: {input: image}}
  small: {type: Linear, params: {out_features: 64}, inputs: {input: flat.out}}
  giant: {type: Linear, params: {out_features: 50000000}, inputs: {input: small.out}}
outputs:
  tensor: {out: giant.out}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("parts")
    shutil.copy(Path(__file__).parent / "unruly_components.py", found / "unruly_components.py")
    return found


@pytest.fixture(scope="module")
def runner(folder: Path) -> Iterator[Runner]:
    with Runner([folder], seconds=120, memory=2**30) as runner:
        yield runner


def document(text: str) -> str:
    return json.dumps(to_document(loads(text)))


def classifier() -> str:
    return json.dumps(to_document(read(SHIPPED.with_suffix(".yaml"))))


def job(**changes: Any) -> RunJob:
    return replace(RunJob(classifier(), weights=WEIGHTS, image=TROUSER), **changes)


def unruly(kind: str) -> RunJob:
    return RunJob(document(UNRULY.format(type=kind)), mode="tensor")


def end(runner: Runner, wanted: Any, owner: str | None = None) -> Any:
    return list(runner.run(wanted, owner))[-1]


def result(runner: Runner, wanted: RunJob) -> RunResult:
    found = end(runner, wanted)
    assert isinstance(found, Done), found
    assert isinstance(found.result, RunResult)
    return found.result


def failure(runner: Runner, wanted: Any) -> Any:
    found = end(runner, wanted)
    assert isinstance(found, Failed), found
    return found.problems[0]


def assert_it_still_runs(runner: Runner) -> None:
    assert result(runner, job()).classes[0].name == "Trouser"


def test_the_shipped_classifier_names_what_a_shipped_image_shows(runner: Runner) -> None:
    found = result(runner, job())
    assert [entry.name for entry in found.classes if entry.predicted] == ["Trouser"]
    assert found.classes[0].score == max(entry.score or 0 for entry in found.classes)
    assert found.notes[0] == "Weights: fashion_mnist.safetensors, which lies beside the graph."
    assert found.parameters == 186_730
    assert found.seconds > 0
    assert found.image is not None and found.image.array().shape == (28, 28)


def test_a_run_reports_its_progress(runner: Runner) -> None:
    events = [event for event in runner.run(job()) if isinstance(event, Progress)]
    assert events
    assert all(event.done <= event.total for event in events)


def test_progress_names_the_node_that_runs(runner: Runner) -> None:
    for event in runner.run(unruly("Sleeper"), "me"):
        if isinstance(event, Progress) and event.node == "culprit (Sleeper)":
            assert (event.done, event.total) == (1, 2)
            runner.stop("me")
    assert isinstance(event, Failed)
    assert event.problems[0].message == "stopped in culprit (Sleeper)"


@pytest.mark.parametrize(("label", "note"), [(1, "label: Trouser."), (None, "label: Pullover (random, seed 0).")])
def test_loss_mode_says_which_label_it_takes(runner: Runner, label: int | None, note: str) -> None:
    found = result(runner, job(mode="loss", label=label))
    assert list(found.losses) == ["loss"]
    assert (found.losses["loss"] < 1) == (label == 1)
    assert note in found.notes


def test_tensor_mode_gives_sizes_and_numbers(runner: Runner) -> None:
    [row] = result(runner, job(mode="tensor")).tensors
    assert (row.name, row.size, row.dtype) == ("logits", "1 10", "float32")
    assert row.low is not None and row.high is not None and row.mean is not None
    assert row.low <= row.mean <= row.high


def test_a_run_without_an_image_uses_random_values_and_says_so(runner: Runner) -> None:
    found = result(runner, job(mode="tensor", image=None, weights=WeightsChoice(seed=3), batch=5, seed=3))
    assert found.tensors[0].size == "5 10"
    assert found.notes == [
        "Weights: random (seed 3), so the numbers are those of a model that learned nothing.",
        "image: random numbers (seed 3), 5 samples.",
    ]


def test_the_same_seed_gives_the_same_numbers_and_another_one_others(runner: Runner) -> None:
    wanted = job(mode="tensor", image=None)
    one, same, other = (
        result(runner, replace(wanted, weights=WeightsChoice(seed=seed), seed=seed)) for seed in (1, 1, 2)
    )
    assert one.tensors == same.tensors != other.tensors


def test_a_refused_image_is_reported_with_the_edits_that_fix_it(runner: Runner) -> None:
    graph = loads(NESTED)
    wanted = RunJob(document(NESTED), mode="tensor", image=TROUSER)
    events = failure(runner, wanted)
    edits = [Edit(tuple(step.path), step.set, step.remove) for step in events.fix.edits]
    mended = json.dumps(to_document(composer.edit(graph, *edits)))
    assert result(runner, replace(wanted, document=mended)).tensors[0].size == "1 8 14 14"


def test_boxes_and_masks_are_sorted_by_score(runner: Runner) -> None:
    found = result(runner, RunJob(document(BOXES), image=TROUSER))
    assert found.regions is not None
    assert [(region.name, region.score) for region in found.regions] == [("dog", 0.75), ("cat", 0.25)]
    assert found.regions[1].box == (1, 2, 10, 12)
    assert found.regions[0].mask is not None
    assert found.regions[0].mask.array()[5, 5] == 255
    assert found.image is not None and found.image.array().shape == (32, 32, 3)


def test_the_shipped_detector_finds_the_digits_of_a_shipped_image(runner: Runner) -> None:
    graph = ROOT / "saved_graphs" / "detection" / "digits.yaml"
    weights = WeightsChoice("shipped", graph.with_suffix(".safetensors"), "digits.safetensors")
    image = ROOT / "examples" / "digits" / "02_5648.png"
    found = result(runner, RunJob(json.dumps(to_document(read(graph))), weights=weights, image=image))
    assert found.regions is not None
    assert {region.name for region in found.regions[:4]} >= {"5", "6", "4"}
    assert "image_shape: the size of the image." in found.notes


def test_a_graph_with_problems_is_not_run(runner: Runner) -> None:
    found = failure(runner, RunJob(document(UNRULY.format(type="Nothing")), mode="tensor"))
    assert (found.code, found.node) == ("unknown-type", "culprit")


@pytest.mark.parametrize(
    ("kind", "code", "text"),
    [
        ("Breaker", "run-failed", "culprit (Breaker) failed: RuntimeError: <b>the wires are too long</b>"),
        ("Hog", "out-of-memory", "memory ran out in culprit (Hog)"),
        ("Dier", "worker-died", "the process that ran the model died in culprit (Dier): the system ended it (SIGSEGV)"),
        ("Quitter", "run-failed", "culprit (Quitter) failed: SystemExit: 3"),
    ],
)
def test_a_failing_node_is_reported_by_name_and_the_server_keeps_running(
    runner: Runner, kind: str, code: str, text: str
) -> None:
    found = failure(runner, unruly(kind))
    assert found.code == code
    assert found.message.startswith(text)
    assert found.node == f"culprit ({kind})"
    assert_it_still_runs(runner)


def test_a_model_that_needs_more_memory_than_there_is_names_its_largest_node(runner: Runner) -> None:
    found = failure(runner, RunJob(document(HUGE), mode="tensor"))
    assert found.code == "out-of-memory"
    assert found.message.startswith("memory ran out in giant (Linear) (at least 12.1 GiB are needed)")


def test_a_stopped_run_ends_at_once_and_so_does_its_process(runner: Runner) -> None:
    before = children()
    stopped = threading.Timer(1.5, runner.stop, ["me"])
    begun = time.monotonic()
    stopped.start()
    found = end(runner, unruly("Sleeper"), "me")
    assert isinstance(found, Failed)
    assert found.problems[0].code == "stopped"
    assert time.monotonic() - begun < 10
    assert wait_for(lambda: children() <= before)


def test_stop_of_another_one_changes_nothing(runner: Runner) -> None:
    stopped = threading.Timer(0.2, runner.stop, ["somebody else"])
    stopped.start()
    assert isinstance(end(runner, job(), "me"), Done)


def test_a_second_run_of_one_person_ends_the_first(runner: Runner) -> None:
    first: list[Any] = []
    thread = threading.Thread(target=lambda: first.extend(runner.run(unruly("Sleeper"), "me")))
    thread.start()
    assert wait_for(lambda: any(ticket.process for ticket in runner._tickets))
    assert isinstance(end(runner, job(), "me"), Done)
    thread.join(10)
    assert first[-1].problems[0].code == "stopped"


def test_leaving_a_run_ends_its_process(runner: Runner) -> None:
    before = children()
    events = runner.run(unruly("Sleeper"))
    next(events)
    assert children() - before
    events.close()  # type: ignore[attr-defined]
    assert wait_for(lambda: children() <= before)


def test_a_run_that_takes_too_long_is_ended(folder: Path) -> None:
    with Runner([folder], seconds=4) as impatient:
        found = failure(impatient, unruly("Sleeper"))
    assert found.code == "timed-out"
    assert found.message.startswith("it was stopped after 4 s, in culprit (Sleeper)")


def test_runs_wait_their_turn_and_are_refused_where_too_many_wait(folder: Path) -> None:
    with Runner([folder], at_once=1, waiting=1) as narrow:
        first = narrow.run(unruly("Sleeper"), "first")
        next(first)
        second = narrow.run(job(), "second")
        assert next(second) == Waiting(place=1)
        assert failure(narrow, job()).code == "too-many-runs"
        narrow.stop("first")
        assert isinstance(list(first)[-1], Failed)
        assert isinstance(list(second)[-1], Done)


def test_a_waiting_run_can_be_stopped(folder: Path) -> None:
    with Runner([folder], at_once=1) as narrow:
        first = narrow.run(unruly("Sleeper"), "first")
        next(first)
        second = narrow.run(job(), "second")
        next(second)
        narrow.stop("second")
        assert list(second)[-1].problems[0].code == "stopped"  # type: ignore[union-attr]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb() -> bytes:
    """A PNG of a few bytes that declares 2.5 billion pixels."""
    head = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


IMAGES = {
    "bomb": (bomb(), "image-too-large"),
    "cut off": (TROUSER.read_bytes()[:200], "bad-image"),
    "text": (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "bad-image"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "bad-image"),
    "nothing": (b"", "bad-image"),
}


@pytest.mark.parametrize("name", IMAGES)
def test_a_hostile_image_is_reported_as_a_problem(runner: Runner, tmp_path: Path, name: str) -> None:
    content, code = IMAGES[name]
    (tmp_path / "image").write_bytes(content)
    assert failure(runner, job(image=tmp_path / "image")).code == code


class Harmful:
    """Runs when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, ("unpickled",))


def hostile_weights(name: str, path: Path) -> None:
    if name == "other model":
        save_file({"somewhere.else": torch.zeros(3)}, path)
    elif name == "other shape":
        save_file({**_state(), "classifier.weight": torch.zeros(2, 2)}, path)
    else:
        path.write_bytes(
            {
                "pickle": pickle.dumps(Harmful()),
                "length beyond the file": struct.pack("<Q", 2**60) + b"{}",
                "no JSON": struct.pack("<Q", 8) + b"{{{{{{{{",
                "offsets beyond the file": _with_head(
                    {"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 10**12]}}
                ),
                "nothing": b"",
            }[name]
        )


def _with_head(head: dict[str, Any]) -> bytes:
    text = json.dumps(head).encode()
    return struct.pack("<Q", len(text)) + text


def _state() -> dict[str, torch.Tensor]:
    return composer.load(SHIPPED.with_suffix(".yaml"), weights=SHIPPED.with_suffix(".safetensors")).state_dict()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("pickle", "pickle-refused"),
        ("length beyond the file", "bad-weights-file"),
        ("no JSON", "bad-weights-file"),
        ("offsets beyond the file", "bad-weights-file"),
        ("nothing", "pickle-refused"),
        ("other model", "weights-mismatch"),
        ("other shape", "weights-mismatch"),
    ],
)
def test_hostile_weights_are_reported_as_a_problem(runner: Runner, tmp_path: Path, name: str, code: str) -> None:
    path = tmp_path / "weights.safetensors"
    hostile_weights(name, path)
    found = failure(runner, job(weights=WeightsChoice("uploaded", path, path.name)))
    assert found.code == code
    assert str(tmp_path) not in found.subject + found.message
    assert "strict=False" not in found.message
    assert not Path("unpickled").exists()


def test_the_problems_of_a_graph_have_their_place_and_fix(runner: Runner) -> None:
    where = ("nodes", "classifier", "params", "in_features")
    wrong = composer.edit(read(SHIPPED.with_suffix(".yaml")), Edit(where, 100))
    found = failure(runner, RunJob(json.dumps(to_document(wrong)), mode="predict"))
    assert (found.code, found.node) == ("shape-mismatch", "classifier")
    assert found.keys[:2] == ["nodes", "classifier"]
    assert [(tuple(step.path), step.set) for step in found.fix.edits] == [(where, 128)]


def test_uploaded_weights_are_taken_and_named(runner: Runner, tmp_path: Path) -> None:
    path = shutil.copy(SHIPPED.with_suffix(".safetensors"), tmp_path / "mine.safetensors")
    found = result(runner, job(weights=WeightsChoice("uploaded", path, "mine.safetensors")))
    assert found.classes[0].name == "Trouser"
    assert found.notes[0] == "Weights: mine.safetensors, uploaded."


@pytest.mark.parametrize("device", ["cuda:7", "nowhere", "meta", ""])
def test_a_missing_device_is_reported_as_a_problem(runner: Runner, device: str) -> None:
    assert failure(runner, job(device=device)).code == "no-device"


def test_a_large_image_is_made_smaller_to_be_shown(runner: Runner, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (3000, 200)).save(buffer, "PNG")
    (tmp_path / "wide.png").write_bytes(buffer.getvalue())
    text = BOXES.replace("shape: [B, 3, 32, 32]", "shape: [B, 3, H, W]").replace("resize: [32, 32], ", "")
    found = result(runner, RunJob(document(text), image=tmp_path / "wide.png"))
    assert found.image is not None and found.image.width == 1000
    assert found.regions is not None and found.regions[1].box == pytest.approx((1 / 3, 2 / 3, 10 / 3, 4))


@pytest.mark.parametrize(
    ("to", "files"),
    [
        ("python", ["net.py"]),
        ("safetensors", ["net.yaml", "net.safetensors"]),
        pytest.param("onnx", ["net.onnx"], marks=pytest.mark.slow),
    ],
)
def test_an_export_says_what_it_wrote(runner: Runner, tmp_path: Path, to: Any, files: list[str]) -> None:
    found = end(runner, ExportJob(classifier(), to, tmp_path, "net", "predict", WEIGHTS))
    assert isinstance(found, Done), found
    assert isinstance(found.result, ExportResult)
    assert found.result.files == files
    assert all((tmp_path / name).stat().st_size for name in files)
    events = "Compared with the model in" if to != "safetensors" else "In Python: composer.load("
    assert found.result.notes[0].startswith(events)


def test_a_graph_that_is_no_model_of_openmmlab_is_not_exported_as_one(runner: Runner, tmp_path: Path) -> None:
    found = failure(runner, ExportJob(classifier(), "openmmlab", tmp_path, "net"))
    assert found.message
    assert list(tmp_path.iterdir()) == []


def children() -> set[int]:
    """Processes that were forked from the server of forks."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            after = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if after[0] != "Z" and int(after[1]) in _forkservers():
            found.add(int(path.parent.name))
    return found


def _forkservers() -> set[int]:
    from multiprocessing.forkserver import _forkserver  # noqa: PLC0415

    pid = _forkserver._forkserver_pid  # type: ignore[attr-defined]
    return {pid} if pid else set()


def wait_for(true: Any, seconds: float = 5) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if true():
            return True
        time.sleep(0.05)
    return False
