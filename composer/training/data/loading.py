"""From a source to batches: the order of samples, who takes which, and processes that read ahead.

The batch of a step depends on the seed and the step alone: not on how many processes read, nor on where a training
was taken up again. There is no state of a loader to keep.
"""

import atexit
import os
import signal
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from composer.catalog import Catalog
from composer.graph import Graph
from composer.problems import Edit, Fix, GraphError, Problem, Where
from composer.training.augment import Mixing, defaults_for, random_of, read_masks, read_mixing, read_views, seed_of
from composer.training.data.batch import Batch, Item, collate
from composer.training.data.columns import ColumnMap
from composer.training.data.sample_reader import SampleReader
from composer.training.data.samples import Source
from composer.training.recipe import Recipe

__all__ = ["Loader", "default_workers", "order"]

_MOST_WORKERS = 16
_PATIENCE = 5.0
"""Seconds that a reading process has to end before it is made to."""
_MOST_SKIPPED = 1000  # in a row: then it is not single images that are bad


def order(length: int, seed: int, epoch: int, shuffle: bool = True) -> NDArray[np.int64]:
    """The order of the samples in an epoch.

    NumPy promises that ``RandomState`` draws the same numbers in every release.

    Args:
        length: How many samples there are.
        seed: Of the training.
        epoch: Counted from 0.
        shuffle: Whether they are in a random order, a new one each epoch.
    """
    if not shuffle:
        return np.arange(length, dtype=np.int64)
    bits = seed_of(seed, epoch, "order")
    state = np.random.RandomState(np.array([bits >> 32, bits & 0xFFFFFFFF], dtype=np.uint32))
    return state.permutation(length).astype(np.int64)


def default_workers(world: int = 1) -> int:
    """How many processes read for each one that trains: one a core that is free, at most 16.

    Args:
        world: Processes that train; those on this machine share its cores (``LOCAL_WORLD_SIZE`` of torchrun).
    """
    here = int(os.environ.get("LOCAL_WORLD_SIZE", world))
    return min(len(os.sched_getaffinity(0)) // max(here, 1), _MOST_WORKERS) if hasattr(os, "sched_getaffinity") else 2


class Part(NamedTuple):
    """What a process reads for one step."""

    epoch: int
    step: int
    indices: tuple[int, ...]


class Failed(NamedTuple):
    """What a reading process sends in place of a batch."""

    problems: tuple[Problem, ...]


class Loader:
    """Batches of a source, for one of the processes that train.

    Args:
        recipe: The recipe. Without ``augment`` the graph's default is taken. ``batches.batch`` counts over all
            processes; each takes every ``world``-th sample of it.
        graph: The graph.
        catalog: Its catalog.
        source: The samples.
        wiring: Which column feeds which input and which field.
        training: With augmentation and in a random order, as the recipe says; else every sample once, in order, as
            ``composer.preprocess`` makes it.
        rank: Which process this is.
        world: How many there are.

    Raises:
        GraphError: The recipe's augmentation is wrong, there are fewer samples than a batch takes, or a batch cannot be
            dealt out evenly.
    """

    def __init__(
        self,
        recipe: Recipe,
        graph: Graph,
        catalog: Catalog,
        source: Source,
        wiring: ColumnMap,
        *,
        training: bool,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        augment = defaults_for(graph, catalog) if recipe.augment is None else recipe.augment
        views, problems = read_views(graph, catalog, augment)
        masks, more = read_masks(graph, catalog, augment)
        mixing, wrong = self._mixing(recipe, graph, catalog, source, wiring, training)
        problems += [*more, *wrong]
        measured = {"batch": recipe.evaluation.batch or recipe.batches.batch, "drop_last": False}
        self._batches = recipe.batches if training else recipe.batches.model_copy(update=measured)
        self.batch = self._batches.batch
        self.length = len(source)
        problems += self._too_few(training, world)
        if problems:
            raise GraphError(problems)
        self.seed = recipe.seed
        self.shuffle = training and recipe.batches.shuffle
        self.training = training
        self.rank, self.world = rank, world
        workers = recipe.batches.workers
        self.workers = default_workers(world) if workers is None else workers
        self.prefetch = recipe.batches.prefetch
        self.reader = SampleReader(graph, catalog, source, wiring, views, masks, seed=recipe.seed, training=training)
        self._parts = _Parts(self.reader, mixing, skip=recipe.data.bad == "skip")
        self._steps = _Steps(self)
        self._processes: DataLoader[Any] | None = None
        self._given: dict[int, NDArray[np.int64]] = {}

    @property
    def steps_in_epoch(self) -> int:
        """How many batches an epoch has; in measuring, the processes need not have as many samples of one."""
        return self._batches.steps_in_epoch(self.length, self.world if self.training else 1)

    @property
    def _usable(self) -> int:
        """Samples of an epoch that are dealt out: in training every process gets as many of each batch."""
        return self.length - self.length % self.batch % self.world if self.training else self.length

    def set_order(self, epoch: int, indices: Sequence[int] | Tensor) -> None:
        """Give an epoch an order from outside, such as ``uniform_over_clusters``; set it before its batches are asked.

        Args:
            epoch: Counted from 0.
            indices: As many as there are samples; one may come several times.

        Raises:
            ValueError: They are not as many, or not those of samples, or the epoch has begun to be read.
        """
        found = np.asarray(indices, dtype=np.int64)
        if found.shape != (self.length,) or (self.length and not 0 <= found.min() <= found.max() < self.length):
            raise ValueError(
                f"found {found.shape} indices, expected {self.length} of them, from 0 to {self.length - 1}"
            )
        if self._steps.dealt >= epoch * self.steps_in_epoch + 1:
            raise ValueError(f"epoch {epoch} is being read: set its order before, and ask for batches epoch by epoch")
        self._given = {epoch: found}

    def batches(self, start_step: int, stop_step: int | None = None) -> Iterator[Batch]:
        """The batches of steps ``start_step`` to ``stop_step - 1``, over as many epochs as these are.

        Processes that read ahead stay for the next call.

        Args:
            start_step: Counted from 0 over the whole training.
            stop_step: Where to end; by default at the end of the first step's epoch.

        Raises:
            GraphError: A sample cannot be read, and the recipe says ``bad: stop``; or a reading process died.
        """
        if stop_step is None:
            stop_step = (start_step // self.steps_in_epoch + 1) * self.steps_in_epoch
        self._steps.start, self._steps.stop = start_step, stop_step
        self._steps.dealt = start_step
        for batch in self._read():
            if isinstance(batch, Failed):
                raise GraphError(batch.problems)
            if len(batch):
                yield batch

    def close(self) -> None:
        """End the processes that read, and wait until they are gone."""
        reading = None if self._processes is None else self._processes._iterator
        self._processes = None
        if reading is not None:
            reading._shutdown_workers()  # type: ignore[attr-defined]
            for worker in reading._workers:  # type: ignore[attr-defined]
                worker.join(_PATIENCE)
                if worker.is_alive():  # it has outlived a signal that was meant for all
                    worker.kill()
                    worker.join()

    def order(self, epoch: int) -> NDArray[np.int64]:
        """The samples of an epoch in the order in which they are dealt out, over all processes."""
        return self._order(epoch)[: self.steps_in_epoch * self.batch]

    def part(self, step: int) -> Part:
        """The samples that this process reads for a step."""
        epoch, place = divmod(step, self.steps_in_epoch)
        whole = self._order(epoch)[: self._usable][place * self.batch : (place + 1) * self.batch]
        return Part(epoch, step, tuple(whole[self.rank :: self.world].tolist()))

    def _order(self, epoch: int) -> NDArray[np.int64]:
        if epoch not in self._given:
            self._given = {epoch: order(self.length, self.seed, epoch, self.shuffle)}
        return self._given[epoch]

    def _read(self) -> Iterator[Any]:
        if not self.workers:
            yield from (self._parts[part] for part in self._steps)
            return
        if self._processes is None:
            self._processes = DataLoader(
                self._parts,
                batch_size=None,
                sampler=self._steps,
                num_workers=self.workers,
                prefetch_factor=self.prefetch,
                persistent_workers=True,
                pin_memory=torch.cuda.is_available(),
                # Of its own, so that reading takes no numbers from the ones that a training draws.
                generator=torch.Generator(),
                worker_init_fn=_outlive,
            )
            atexit.register(_close, weakref.ref(self))
        batches = iter(self._processes)
        while True:
            try:
                batch = next(batches)
            except StopIteration:
                return
            except RuntimeError as error:
                self.close()
                if str(error).startswith("Caught "):  # it was raised there, and says so
                    raise
                raise GraphError(_died(error, self.workers)) from error
            yield batch

    @staticmethod
    def _mixing(
        recipe: Recipe, graph: Graph, catalog: Catalog, source: Source, wiring: ColumnMap, training: bool
    ) -> tuple[Mixing | None, list[Problem]]:
        if not training:
            return None, []
        return read_mixing(graph, catalog, recipe.mix, wiring.samples, len(getattr(source, "classes", ())))

    def _too_few(self, training: bool, world: int) -> list[Problem]:
        where = Where("batches.batch", path=("batches", "batch"))
        if not self.length:
            return [Problem("recipe-value", Where("data"), "there are no samples, expected at least one")]
        if training and self.batch % world:
            below, above = self.batch // world * world, -(-self.batch // world) * world
            text = f"found {self.batch} samples for {world} processes, expected as many for each: "
            text += f"{f'{below} or ' if below else ''}{above}, or a number of processes that divides {self.batch}"
            fix = Fix(f"set it to {above}", (Edit(("batches", "batch"), above),))
            return [Problem("recipe-value", where, text, fix)]
        if self._batches.drop_last and self.length < self.batch:
            text = f"found {self.batch} for {self.length} samples: with drop_last no batch is left; expected at most "
            return [Problem("recipe-value", where, f"{text}{self.length}")]
        return []


class _Steps(Sampler[Part]):
    """What is read in which step; the loader says from where to where."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader
        self.start = self.stop = 0
        self.dealt = 0

    def __iter__(self) -> Iterator[Part]:
        for step in range(self.start, self.stop):
            self.dealt = step + 1
            yield self.loader.part(step)

    def __len__(self) -> int:
        return self.stop - self.start


class _Parts(Dataset[Any]):
    """Reads what a step wants."""

    def __init__(self, reader: SampleReader, mixing: Mixing | None, skip: bool) -> None:
        self.reader = reader
        self.mixing = mixing
        self.skip = skip

    def __getitem__(self, part: Part) -> Batch | Failed:
        items: list[Item] = []
        skipped: list[str] = []
        try:
            for index in part.indices:
                item = self._readable(part.epoch, index, skipped)
                items.extend(() if item is None else (item,))
            if not items:
                return Batch({}, {}, [], [], part.epoch, part.step, skipped)
            batch = self._collated(items, part, skipped)
            if self.mixing is not None:
                random = random_of(self.reader.seed, part.epoch, part.step, "mix")
                batch.inputs, batch.samples = self.mixing(batch.inputs, batch.samples, random)
            return batch
        except GraphError as error:
            return Failed(tuple(error.problems))

    def _collated(self, items: list[Item], part: Part, skipped: list[str]) -> Batch:
        kinds, normalisations = self.reader.kinds, self.reader.normalisations
        return collate(items, kinds, normalisations, epoch=part.epoch, step=part.step, skipped=skipped)

    def _readable(self, epoch: int, index: int, skipped: list[str]) -> Item | None:
        """The sample, or the next one that can be read; None in evaluation, where no other stands for it."""
        if not self.skip:
            try:
                return self.reader.item(epoch, index)
            except GraphError as error:
                raise GraphError([_with_way_out(problem) for problem in error.problems]) from error
        length = len(self.reader.source)
        for further in range(min(length, _MOST_SKIPPED)):
            other = (index + further) % length
            try:
                return self.reader.item(epoch, other)
            except GraphError as error:
                last = error
                skipped.append(self.reader.source.name(other))
                if not self.reader.training:
                    return None
        raise GraphError([*last.problems, _all_bad(len(skipped))])


def _outlive(_: int) -> None:
    """A signal to all processes is for the one that trains: it saves, and reads on until it has.

    A reading process is asked to end a second time, by the one that trains once it is done.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: signal.signal(signal.SIGTERM, signal.SIG_DFL) and None)


def _close(loader: "weakref.ref[Loader]") -> None:
    """At the end of the program: what is still read ahead is given up before Python waits for its processes."""
    found = loader()
    if found is not None:
        found.close()


def _with_way_out(problem: Problem) -> Problem:
    if problem.code != "bad-image":
        return problem
    return replace(problem, message=f"{problem.message}; or train without such samples: --set data.bad=skip")


def _all_bad(count: int) -> Problem:
    text = f"{count} samples in a row cannot be read: something is wrong with all of them; this is the last one"
    return Problem("bad-image", Where("data"), text)


def _died(error: RuntimeError, workers: int) -> Problem:
    """What is known of a reading process that is gone."""
    lines = str(error).splitlines()
    text = f"one of the {workers} processes that read images ended: {lines[0] if lines else 'no reason was given'}. "
    text += "Mostly memory ran out, or shared memory (/dev/shm); expected fewer workers, or workers: 0"
    return Problem("dead-worker", Where("batches.workers", path=("batches", "workers")), text)
