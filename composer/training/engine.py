"""Training a graph by a recipe, from files to a run's folder."""

import os
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from composer.catalog import Catalog
from composer.graph import Graph
from composer.graph.file import read
from composer.model import Model
from composer.model.compile import compile as compile_graph
from composer.model.weights import read_weights
from composer.problems import GraphError, Problem, Where
from composer.training import checkpoints
from composer.training.data.columns import check_wiring
from composer.training.data.loading import Loader
from composer.training.data.source import Source, open_splits
from composer.training.defaults import check_recipe, complete
from composer.training.evaluate import Evaluator
from composer.training.metrics import default_metrics
from composer.training.processes import Processes, joined
from composer.training.recipe import Recipe, read_recipe
from composer.training.run_folder import RunFolder, new_name, resolved
from composer.training.trainer import Outcome, Trainer
from composer.training.wrapping import synchronised
from composer.training.writers import Writers, require_writers

__all__ = ["Outcome", "Prepared", "Trainer", "prepare", "seed_everything", "train"]

OnEvent = Callable[[str, int, Mapping[str, Any]], None]


def train(
    recipe: Recipe | str | Path | None = None,
    *,
    graph: Graph | str | Path | None = None,
    out: str | Path | None = None,
    resume: str | Path | None = None,
    device: str | torch.device | None = None,
    source: Source | None = None,
    val: Source | None = None,
    catalog: Catalog | None = None,
    on_event: OnEvent | None = None,
    warned: Callable[[Problem], None] | None = None,
) -> Outcome:
    """Train a graph.

    Under torchrun every process calls this with the same arguments, and they train together; the first one writes.

    Args:
        recipe: The recipe, or its file; None where a run is resumed.
        graph: The graph in place of the one that the recipe names.
        out: The folder of the run; by default ``runs/GRAPH-DATE-TIME``. Where torchrun or Slurm started the same
            command again after a failure, a run that began there goes on.
        resume: The folder of a run to go on with, to the bit where it was.
        device: ``cpu``, ``cuda``, ``cuda:1``; by default an accelerator where there is one.
        source: The samples to train on, in place of those that the recipe names.
        val: Those to measure on; without them, and with ``source``, nothing is measured.
        catalog: The components; by default those that come with composer.
        on_event: Called with each event as it is written: kind, step, values.
        warned: Called with each warning; by default they are notes of the log.

    Returns:
        How it ended, with the model.

    Raises:
        GraphError: Something is wrong with recipe, graph, data or machine; all of it that can be known before the
            first step is told before it.
    """
    catalog = Catalog.default() if catalog is None else catalog
    if (recipe is None) == (resume is None):
        raise ValueError("found both or none of recipe and resume, expected one: a recipe begins a run")
    with joined(device) as processes:
        if out is not None and processes.from_first(_begun_before(out)):
            resume = out
        given, graph = _resumed(resume) if resume is not None else _begun(recipe, graph)
        sources = (source, val) if source is not None else open_splits(given.data, Path.cwd(), seed=given.seed)
        prepared = prepare(given, graph, catalog, sources[0], sources[1], processes)
        warnings = [problem for problem in prepared.problems if problem.severity != "error"]
        for problem in warnings if warned is not None and processes.first else ():
            warned(problem)  # type: ignore[misc]
        run, refused = _folder(prepared.recipe, graph, out, resume, processes)
        processes.together(refused)
        try:
            return _fit(prepared, run, resume, on_event, () if warned is not None else warnings)
        finally:
            prepared.close()
            if run is not None:
                run.close()


@dataclass(frozen=True)
class Prepared:
    """All that a training needs, checked.

    Args:
        recipe: The recipe, complete.
        graph: The graph.
        catalog: The components.
        model: The model with its first weights, on its device.
        train: Batches to train on.
        whole: Every training sample once, without augmentation.
        evaluator: Measures on other samples; None where there are none.
        samples: How many samples are trained on.
        processes: The processes.
        problems: Warnings and notices.
    """

    recipe: Recipe
    graph: Graph
    catalog: Catalog
    model: Model
    train: Loader
    whole: Loader
    evaluator: Evaluator | None
    samples: int
    processes: Processes
    problems: Sequence[Problem] = ()

    @property
    def val(self) -> Loader | None:
        """Batches to measure on; None where nothing is measured."""
        return None if self.evaluator is None else self.evaluator.loader

    def close(self) -> None:
        """End the processes that read samples."""
        for loader in (self.train, self.whole, self.val):
            if loader is not None:
                loader.close()

    def trainer(self, run: RunFolder | None = None, on_event: OnEvent | None = None) -> Trainer:
        """The loop over all of it."""
        if self.evaluator is not None:
            self.evaluator.run = run
        return Trainer(
            self.recipe,
            self.model,
            self.train,
            processes=self.processes,
            run=run,
            on_event=on_event,
            whole=lambda: self.whole.batches(0),
            samples=self.samples,
            types=self.catalog.port_types,
            evaluate=self.evaluator,
        )


def prepare(
    recipe: Recipe,
    graph: Graph,
    catalog: Catalog,
    source: Source,
    val: Source | None = None,
    processes: Processes | None = None,
) -> Prepared:
    """Check a recipe, complete it, and build what it trains.

    Args:
        recipe: The recipe; its paths hold from here.
        graph: The graph.
        catalog: The components.
        source: The samples to train on.
        val: Those to measure on.
        processes: The processes; by default this one alone on the CPU.

    Raises:
        GraphError: Something is wrong; it carries all problems.
    """
    processes = processes or Processes(torch.device("cpu"))
    seed_everything(recipe.seed)
    model = compile_graph(graph, catalog)
    wires, unfit = check_wiring(graph, catalog, recipe, source)
    if val is not None:
        unfit += check_wiring(graph, catalog, recipe, val, training=False)[1]
    problems = [*unfit, *check_recipe(recipe, graph, catalog, source, model)]
    _refuse(problems)
    require_writers(recipe.log)
    recipe = complete(recipe, graph, catalog, source, model)
    problems += check_recipe(recipe, graph, catalog, source, model)
    if recipe.weights is not None:
        problems += _begin_with(model, recipe.weights)
    if recipe.distributed.sync_norm:
        synchronised(model)
    model.to(processes.device)
    if recipe.channels_last:
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    rank, world = processes.rank, processes.world
    if recipe.evaluation.metrics is None and val is not None:
        names = default_metrics(graph, catalog, val, wires)
        recipe = recipe.model_copy(update={"evaluation": recipe.evaluation.model_copy(update={"metrics": names})})
    evaluator = (
        None if val is None else Evaluator(recipe, graph, catalog, val, wires, train=source, rank=rank, world=world)
    )

    def loader(*, training: bool) -> Loader:
        return Loader(recipe, graph, catalog, source, wires, training=training, rank=rank, world=world)

    found = Prepared(
        recipe,
        graph,
        catalog,
        model,
        loader(training=True),
        loader(training=False),
        evaluator,
        len(source),
        processes,
        [one for place, one in enumerate(problems) if one not in problems[:place]],
    )
    _refuse(problems)
    seed_everything(recipe.seed + 1 + processes.rank)
    return found


def seed_everything(seed: int) -> None:
    """Let every source of random numbers begin at a seed: torch on all devices, numpy, random."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def _fit(
    prepared: Prepared,
    run: RunFolder | None,
    resume: str | Path | None,
    on_event: OnEvent | None,
    notes: Sequence[Problem],
) -> Outcome:
    """Train, and leave word of how it ended."""
    trainer: Trainer | None = None
    writers = Writers(prepared.recipe, run) if run is not None else None
    try:
        trainer = prepared.trainer(run, _both(writers, on_event))
        if resume is not None:
            _go_on(trainer, Path(resume))
        if run is not None:
            for problem in notes:
                run.events.append("note", trainer.step, message=str(problem))
            run.status.write("running", steps=trainer.total, step=trainer.step, epoch=trainer.epoch)
        outcome = trainer.fit()
    except BaseException as error:
        if run is not None:
            words = str(error) or type(error).__name__
            with suppress(GraphError):  # a full disk, of which the error tells already
                step = 0 if trainer is None else trainer.step
                run.events.append("end", step, state="failed", message=words)
                run.status.write("failed", words)
        raise
    finally:
        if writers is not None:
            writers.close()
    if run is not None:
        run.events.append("end", outcome.step, state=outcome.state, message="")
        run.status.write(outcome.state, step=outcome.step, epoch=outcome.epoch)
    return outcome


def _both(one: OnEvent | None, other: OnEvent | None) -> OnEvent | None:
    """What tells two of each event."""
    if one is None or other is None:
        return one or other

    def told(kind: str, step: int, values: Mapping[str, Any]) -> None:
        one(kind, step, values)
        other(kind, step, values)

    return told


def _go_on(trainer: Trainer, folder: Path) -> None:
    """Take up the newest checkpoint; a run that ended before its first one begins anew."""
    run = RunFolder(folder)
    found = checkpoints.newest(run.checkpoints)
    if trainer.processes.world > 1:  # all go on from the one that the first finds
        path = trainer.processes.from_first(None if found is None else str(found[0]))
        found = None if path is None else (Path(path), checkpoints.load(path))
    if found is None:
        if trainer.run is not None:
            trainer.run.events.cut(0)
        return
    path, state = found
    trainer.load(path, state)
    if trainer.run is not None:
        for later in checkpoints.later_than(run.checkpoints, trainer.step):
            checkpoints.remove(later)
        trainer.run.events.cut(int(state["log"]))
    if state["world"] != trainer.processes.world:
        text = f"{state['world']} processes wrote the checkpoint and {trainer.processes.world} go on: samples are "
        trainer.note(f"{text}dealt out anew within each step, and random numbers of each process begin anew")


def _folder(
    recipe: Recipe, graph: Graph, out: str | Path | None, resume: str | Path | None, processes: Processes
) -> tuple[RunFolder | None, GraphError | None]:
    """The run's folder in the first process, or why there is none."""
    if not processes.first:
        return None, None
    try:
        if resume is not None:
            return RunFolder.open(resume).write(processes=processes.world), None
        return RunFolder.create(out if out is not None else Path("runs") / new_name(graph), recipe, graph), None
    except GraphError as error:
        return None, error


def _begun_before(out: str | Path) -> bool:
    """Whether torchrun or Slurm started this training again after a failure, and it had begun before.

    The command is then the same as before, which has no ``--resume``.
    """
    again = any(int(os.environ.get(name, "0")) > 0 for name in ("TORCHELASTIC_RESTART_COUNT", "SLURM_RESTART_COUNT"))
    return again and (Path(out) / "recipe.yaml").is_file()


def _begun(recipe: Recipe | str | Path | None, graph: Graph | str | Path | None) -> tuple[Recipe, Graph]:
    """Recipe and graph of a new run, with paths that hold from here."""
    folder = Path.cwd()
    if isinstance(recipe, str | Path):
        folder = Path(recipe).resolve().parent
        recipe = read_recipe(recipe)
    assert recipe is not None, "train looks at it"
    recipe = resolved(recipe, folder)
    if graph is None:
        graph = recipe.graph
    return recipe, graph if isinstance(graph, Graph) else read(graph)


def _resumed(folder: str | Path) -> tuple[Recipe, Graph]:
    run = RunFolder.open(folder)
    run.refuse_changes()
    return run.recipe, run.graph


def _begin_with(model: Model, path: str) -> list[Problem]:
    """Load what fits of a file of weights; what does not is told."""
    report = model.load_weights(read_weights(path), strict=False)
    if report.fits:
        return []
    text = f"{len(report.matched)} of its entries fit; {len(report.missing)} of the model begin anew, "
    text += f"{len(report.mismatched)} have another shape, {len(report.unexpected)} are not in the model\n"
    return [Problem("weights-mismatch", Where(path), text + report.table(), severity="warning")]


def _refuse(problems: Sequence[Problem]) -> None:
    if any(problem.severity == "error" for problem in problems):
        raise GraphError(problems)
