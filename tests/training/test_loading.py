"""Batches: the same for every number of workers, start and process; bad images named, skipped and counted."""

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import composer
from composer import Catalog, Graph, GraphError
from composer.graph.file import loads
from composer.training.data.batch import Batch
from composer.training.data.loading import Loader, order
from composer.training.data.samples import ArraySource
from composer.training.recipe import Recipe

GRAPH = loads("""\
schema: 1
name: tiny
classes: [a, b, c]
inputs:
  image:
    type: Image
    shape: [B, 3, 16, 16]
    preprocess: {resize: [16, 16], mean: [120.0, 110.0, 100.0], std: [60.0, 50.0, 40.0]}
data_samples:
  label: {type: Label, shape: [B]}
nodes:
  flat: {type: Flatten, inputs: {input: image}}
outputs:
  tensor: {flat: flat.out}
""")
STEPS = [{"random_crop": {"padding": 2}}, "flip", {"color_jitter": {"brightness": 0.4, "hue": 0.1}}]
ROOT = Path(__file__).parents[2]
LENGTH = 22


@dataclass
class Wired:
    """Which column feeds what."""

    inputs: Mapping[str, str] = field(default_factory=lambda: {"image": "image"})
    samples: Mapping[str, str] = field(default_factory=lambda: {"label": "label"})


def arrays(length: int = LENGTH, size: int = 16) -> Any:
    return np.random.default_rng(0).integers(0, 256, (length, size, size, 3), dtype=np.uint8)


def source(length: int = LENGTH) -> ArraySource:
    return ArraySource(arrays(length), np.arange(length) % 3)


def recipe(**changes: Any) -> Recipe:
    document = {
        "graph": "g.yaml",
        "data": {"train": {"path": "."}, "bad": changes.pop("bad", "stop")},
        "augment": changes.pop("augment", {"image": STEPS}),
        "batches": {"batch": 4, "workers": 0, **changes.pop("batches", {})},
        "seed": 7,
        **changes,
    }
    return Recipe.model_validate(document)


def loader(
    of: Any = None, *, graph: Graph = GRAPH, training: bool = True, rank: int = 0, world: int = 1, **changes: Any
) -> Loader:
    given = source() if of is None else of
    return Loader(
        recipe(**changes), graph, Catalog.default(), given, Wired(), training=training, rank=rank, world=world
    )


def same(one: Any, two: Any) -> bool:
    fields = [(a.inputs["image"], b.inputs["image"]) for a, b in zip(one, two, strict=True)]
    fields += [(a.samples["label"], b.samples["label"]) for a, b in zip(one, two, strict=True)]
    return all(torch.equal(a, b) for a, b in fields) and [b.indices for b in one] == [b.indices for b in two]


def test_an_order_holds_every_sample_once_and_depends_on_seed_and_epoch_alone() -> None:
    first = order(100, seed=3, epoch=2)
    assert sorted(first.tolist()) == list(range(100))
    assert (first == order(100, seed=3, epoch=2)).all()
    assert (first != order(100, seed=3, epoch=3)).any() and (first != order(100, seed=4, epoch=2)).any()
    assert order(5, seed=3, epoch=2, shuffle=False).tolist() == [0, 1, 2, 3, 4]


def test_an_order_is_the_same_on_every_machine_and_in_every_release() -> None:
    assert order(10, seed=1, epoch=0).tolist() == [5, 9, 6, 0, 3, 2, 1, 4, 8, 7]


def test_a_batch_depends_on_its_step_alone() -> None:
    whole = list(loader().batches(0, 12))
    assert [batch.step for batch in whole] == list(range(12))
    assert [batch.epoch for batch in whole] == [0] * 5 + [1] * 5 + [2] * 2
    assert same(list(loader().batches(7, 12)), whole[7:])


def test_workers_give_the_same_batches_and_are_reused() -> None:
    alone = list(loader().batches(0, 8))
    shared = loader(batches={"workers": 2})
    assert same(list(shared.batches(0, 3)), alone[:3])
    processes = shared._processes
    assert same(list(shared.batches(3, 8)), alone[3:])
    assert shared._processes is processes is not None
    shared.close()


def test_reading_takes_no_number_from_the_training() -> None:
    before = torch.get_rng_state()
    reading = loader(batches={"workers": 1})
    list(reading.batches(0, 2))
    reading.close()
    assert torch.equal(torch.get_rng_state(), before)


def test_processes_share_the_batch_of_one() -> None:
    for batch, *parts in zip(
        loader().batches(0, 5), *(loader(rank=rank, world=2).batches(0, 5) for rank in range(2)), strict=True
    ):
        for rank, part in enumerate(parts):
            assert part.indices == batch.indices[rank::2]
            assert torch.equal(part.inputs["image"], batch.inputs["image"][rank::2])


def test_the_rest_of_an_epoch_is_dropped_or_kept() -> None:
    assert loader().steps_in_epoch == 5
    kept = loader(batches={"drop_last": False})
    assert kept.steps_in_epoch == 6
    assert [len(batch) for batch in kept.batches(0)] == [4, 4, 4, 4, 4, 2]
    assert sorted(index for batch in kept.batches(0) for index in batch.indices) == list(range(LENGTH))


def test_in_training_every_process_has_as_many_samples_of_every_batch() -> None:
    for length, sizes in ((21, [2] * 5), (22, [2] * 5 + [1]), (23, [2] * 5 + [1])):
        for rank in (0, 1):
            given = loader(source(length), rank=rank, world=2, batches={"drop_last": False})
            assert [len(batch) for batch in given.batches(0)] == sizes
            assert given.steps_in_epoch == len(sizes)


def test_evaluation_sees_every_sample_as_preprocess_makes_it_bit_for_bit(tmp_path: Path) -> None:
    big = [Image.fromarray(array).resize((61, 47)) for array in arrays()]
    paths = []
    for number, array in enumerate(big):
        paths.append(tmp_path / f"{number}.jpg")
        array.save(paths[-1])
    batches = list(loader(ArraySource(paths, np.zeros(LENGTH, int)), training=False).batches(0))
    assert [index for batch in batches for index in batch.indices] == list(range(LENGTH))
    assert torch.equal(torch.cat([batch.inputs["image"] for batch in batches]), composer.preprocess(GRAPH, paths))


def test_training_without_steps_sees_the_same_as_evaluation() -> None:
    own = {"augment": {}, "batches": {"shuffle": False, "drop_last": False}}
    assert same(list(loader(**own).batches(0)), list(loader(training=False).batches(0)))


def test_an_image_that_cannot_be_read_is_named() -> None:
    images = [Image.fromarray(array) for array in arrays()]
    broken: list[Any] = [*images[:5], b"no array", *images[6:]]
    given = ArraySource(broken, np.zeros(LENGTH, int))
    with pytest.raises(GraphError) as caught:
        list(loader(given).batches(0))
    assert caught.value.problems[0].code == "bad-image"
    assert given.name(5) in str(caught.value.problems[0])
    workers = loader(given, batches={"workers": 1})
    with pytest.raises(GraphError) as again:
        list(workers.batches(0))
    assert again.value.problems == caught.value.problems
    workers.close()


def test_a_skipped_image_is_counted_and_replaced_by_the_next() -> None:
    images = [Image.fromarray(array) for array in arrays()]
    broken: list[Any] = [*images[:5], b"no array", b"", *images[7:]]
    given = ArraySource(broken, np.arange(LENGTH) % 3)
    batches = list(loader(given, bad="skip", batches={"shuffle": False}).batches(0))
    assert [index for batch in batches for index in batch.indices] == [*range(5), 7, 7, *range(7, 20)]
    assert [len(batch.skipped) for batch in batches] == [0, 3, 0, 0, 0]
    assert batches[1].samples["label"].tolist() == [1, 1, 1, 1]


def test_evaluation_leaves_a_bad_image_out() -> None:
    images = [Image.fromarray(array) for array in arrays()]
    given = ArraySource([*images[:5], b"", *images[6:]], np.zeros(LENGTH, int))
    batches = list(loader(given, training=False, bad="skip").batches(0))
    assert sorted(index for batch in batches for index in batch.indices) == [*range(5), *range(6, LENGTH)]
    assert sum(len(batch.skipped) for batch in batches) == 1


def test_when_no_image_can_be_read_skipping_ends() -> None:
    given = ArraySource([b""] * 4, np.zeros(4, int))
    with pytest.raises(GraphError, match="4 samples in a row"):
        list(loader(given, bad="skip").batches(0))


class Dying:
    """A source that takes its process with it."""

    columns: Mapping[str, str] = {"image": "Image", "label": "Label"}
    classes = ("a",)

    def __len__(self) -> int:
        return LENGTH

    def name(self, index: int) -> str:
        return str(index)

    def __getitem__(self, index: int) -> dict[str, Any]:
        os._exit(3)


def test_a_dead_worker_gives_one_clear_problem() -> None:
    dying = loader(Dying(), batches={"workers": 1})
    with pytest.raises(GraphError) as caught:
        list(dying.batches(0))
    (problem,) = caught.value.problems
    assert problem.code == "dead-worker" and "workers: 0" in problem.message


def test_an_order_may_be_given_from_outside() -> None:
    given = loader()
    drawn = [0] * 11 + list(range(11))
    given.set_order(1, drawn)
    assert [index for batch in given.batches(5, 10) for index in batch.indices] == drawn[:20]
    assert same(list(given.batches(0, 5)), list(loader().batches(0, 5)))
    with pytest.raises(ValueError, match="expected 22"):
        given.set_order(2, [0, 1])
    with pytest.raises(ValueError, match="is being read"):
        given.set_order(0, drawn)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batches": {"batch": 23}}, "found 23 for 22 samples"),
        ({"batches": {"batch": 2}, "world": 3}, "found 2 samples for 3 processes, expected as many for each: 3, or"),
        ({"batches": {"batch": 10}, "world": 4}, "8 or 12, or a number of processes that divides 10"),
        ({"augment": {"imag": ["flip"]}}, "did you mean 'image'"),
    ],
)
def test_batches_that_processes_cannot_share_evenly_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(GraphError, match=message):
        loader(**changes)


def test_a_batch_is_cut_into_parts_in_order() -> None:
    (batch,) = loader(source(10), batches={"batch": 10}).batches(0)
    parts = batch.parts(4)
    assert [len(part) for part in parts] == [2, 3, 2, 3]
    assert torch.equal(torch.cat([part.inputs["image"] for part in parts]), batch.inputs["image"])
    assert [index for part in parts for index in part.indices] == batch.indices
    assert [len(part) for part in parts[0].parts(5)] == [1, 1]


def photographs(folder: Path, size: tuple[int, int] = (640, 480), orientation: int = 1) -> list[Path]:
    """A smooth JPEG of that size, and one that is stored turned."""
    across, down = np.meshgrid(np.linspace(0, 255, size[0]), np.linspace(0, 255, size[1]))
    array = Image.fromarray(np.stack([across, down, 255 - across], axis=-1).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = folder / f"{orientation}.jpg"
    back = {1: None, 6: Image.Transpose.ROTATE_90}[orientation]
    (array if back is None else array.transpose(back)).save(path, quality=95, exif=exif)
    return [path]


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_jpeg_that_is_decoded_smaller_shows_the_same_crop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, orientation: int
) -> None:
    paths = photographs(tmp_path, orientation=orientation)
    given = ArraySource(paths, np.zeros(1, int))
    steps = {"augment": {"image": ["random_resized_crop", "flip"]}, "batches": {"batch": 1}}
    small = [batch.inputs["image"] for batch in loader(given, **steps).batches(0, 10)]
    drafted: list[Any] = []
    monkeypatch.setattr("PIL.JpegImagePlugin.JpegImageFile.draft", lambda *size: drafted.append(size))
    whole = [batch.inputs["image"] for batch in loader(given, **steps).batches(0, 10)]
    assert len(drafted) == 10
    spread = torch.tensor([60.0, 50.0, 40.0]).view(3, 1, 1)
    apart = [((one - two) * spread).abs().max() for one, two in zip(small, whole, strict=True)]
    assert 0 < max(apart) <= 6


def test_images_of_several_sizes_are_padded_to_one_where_the_input_is_free() -> None:
    text = (
        "shape: [B, 3, H, W]\n    preprocess: {resize: {short: 20, long: 40}, pad: {divisor: 8}, mean: [0.0, 0.0, 0.0]}"
    )
    free = loads(
        "schema: 1\nname: free\ninputs:\n  image:\n    type: Image\n    "
        + text
        + "\ndata_samples:\n  label: {type: Label, shape: [B]}\n  image_shape: {type: ImageShape, shape: [B, 2]}\n"
        + "nodes:\n  act: {type: ReLU, inputs: {input: image}}\noutputs:\n  tensor: {act: act.out}\n"
    )
    images = [np.full((height, width, 3), 200, np.uint8) for height, width in [(40, 60), (60, 40), (30, 60)]]
    given = ArraySource(images, np.zeros(3, int))
    (batch,) = loader(given, graph=free, training=False).batches(0)
    assert batch.inputs["image"].shape == (3, 3, 32, 40)
    assert batch.samples["image_shape"].tolist() == [[20, 30], [30, 20], [20, 40]]
    for array, (height, width) in zip(batch.inputs["image"], batch.samples["image_shape"].tolist(), strict=True):
        assert (array[:, :height, :width] == 200).all() and not array[:, height:].any()
        assert not array[:, :, width:].any()
    (trained,) = loader(given, graph=free, augment={"image": [{"resize": {"size": 10}}]}, batches={"batch": 3}).batches(
        0
    )
    assert sorted(trained.samples["image_shape"].tolist()) == [[10, 15], [10, 20], [15, 10]]


def test_a_signal_to_all_processes_leaves_those_that_read_to_the_one_that_trains() -> None:
    reading = loader(batches={"workers": 1})
    batches = reading.batches(0, 12)
    first = next(batches)
    assert reading._processes is not None
    (worker,) = reading._processes._iterator._workers  # type: ignore[union-attr]
    os.kill(worker.pid, signal.SIGTERM)
    os.kill(worker.pid, signal.SIGINT)
    assert same([first, *batches], list(loader().batches(0, 12)))
    reading.close()


def test_closing_a_loader_ends_its_workers() -> None:
    before = set(multiprocessing.active_children())
    reading = loader(batches={"workers": 2})
    next(reading.batches(0, 4))
    assert len(set(multiprocessing.active_children()) - before) == 2
    reading.close()
    assert set(multiprocessing.active_children()) - before == set()


def test_a_program_that_leaves_a_loader_open_after_a_signal_to_all_ends_by_itself(tmp_path: Path) -> None:
    script = """
import os, signal
from tests.training.test_loading import loader
reading = loader(batches={"workers": 1})
batches = reading.batches(0, 12)
next(batches)
(worker,) = reading._processes._iterator._workers
os.kill(worker.pid, signal.SIGTERM)
next(batches)
print("done")
"""
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "done\n", "")


def test_leaving_an_iteration_early_does_not_change_later_batches() -> None:
    alone = list(loader().batches(0, 8))
    reading = loader(batches={"workers": 2})
    for batch in reading.batches(0, 8):
        assert batch.step == 0
        break
    assert same(list(reading.batches(3, 8)), alone[3:])
    reading.close()


def test_the_reading_parts_can_be_pickled_for_spawned_workers() -> None:
    steps = ["rand_augment", "trivial_augment", {"random_erasing": {"p": 1.0}}]
    reading = loader(augment={"image": steps}, mix={})
    sent = pickle.loads(pickle.dumps(reading._parts))  # noqa: S301
    for step in range(3):
        one, two = reading._parts[reading.part(step)], sent[reading.part(step)]
        assert isinstance(one, Batch) and torch.equal(one.inputs["image"], two.inputs["image"])
