"""Training a graph by a recipe, from files to a run's folder."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from composer.catalog import Catalog
from composer.graph import Graph
from composer.graph.file import read
from composer.model import Model
from composer.model.compile import compile as compile_graph
from composer.model.weights import read_weights
from composer.problems import GraphError, Problem, Where
from composer.training import checkpoints
from composer.training.data.columns import check_wiring
from composer.training.data.index import source_problems
from composer.training.data.loading import Loader
from composer.training.data.samples import is_unnamed
from composer.training.data.source import Source, open_splits
from composer.training.defaults import check_recipe, complete, corrupted_channels_last
from composer.training.evaluate import Evaluator
from composer.training.faults import lost_process
from composer.training.memory.budget import Counted, tensors_of
from composer.training.metrics import default_metrics
from composer.training.parallel import synchronised
from composer.training.processes import Processes, joined
from composer.training.recipe import Recipe, read_recipe
from composer.training.runs.folder import RunFolder, new_folder, new_name, resolved
from composer.training.runs.writers import Writers, require_writers
from composer.training.state import seed_everything
from composer.training.trainer import Outcome, Trainer

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
        recipe: The recipe, or its file; None to resume a run.
        graph: A graph to use instead of the one that the recipe names.
        out: The folder of the run; by default ``runs/GRAPH-DATE-TIME``, a new one. If torchrun or Slurm restarts
            the same command after a failure, the run in this folder is resumed.
        resume: The folder of a run to resume, bit for bit.
        device: ``cpu``, ``cuda``, ``cuda:1``; by default an accelerator if there is one.
        source: Samples to train on instead of those that the recipe names.
        val: Samples to evaluate on; with ``source`` and without ``val``, nothing is evaluated.
        catalog: The components; by default those that come with composer.
        on_event: Called with each event as it is written: kind, step, values.
        warned: Called with each warning; by default warnings are notes of the log.

    Returns:
        The outcome, with the model.

    Raises:
        GraphError: Recipe, graph, data or machine have problems. All that can be known before the first step are
            reported before it.
    """
    catalog = Catalog.default() if catalog is None else catalog
    if (recipe is None) == (resume is None):
        raise ValueError("found both or none of recipe and resume, expected one: a recipe begins a run")
    with joined(device) as processes:  # nothing of the training is left in here as the processes part
        if out is not None and processes.from_first(_begun_before(out, processes)):
            resume = out
        given, graph = _resumed(resume) if resume is not None else _begun(recipe, graph)
        sources = (source, val) if source is not None else open_splits(given.data, Path.cwd(), seed=given.seed)
        return _trained(given, graph, catalog, sources, processes, out, resume, on_event, warned)


def _trained(
    recipe: Recipe,
    graph: Graph,
    catalog: Catalog,
    sources: tuple[Source, Source | None],
    processes: Processes,
    out: str | Path | None,
    resume: str | Path | None,
    on_event: OnEvent | None,
    warned: Callable[[Problem], None] | None,
) -> Outcome:
    """Prepare a training, report what is worth a look, and train."""
    prepared = prepare(recipe, graph, catalog, sources[0], sources[1], processes)
    warnings = [problem for problem in prepared.problems if problem.severity != "error"]
    warnings += source_problems(*sources)
    for problem in warnings if warned is not None and processes.first else ():
        warned(problem)  # type: ignore[misc]
    run, refused = _folder(prepared, sources[0], out, resume)
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
            forecast=self._forecast,
        )

    def _forecast(self, batch: Any, held: Iterable[Tensor]) -> dict[str, Any]:
        """What memory a step will take, or why that is not known."""
        recipe, processes = self.recipe, self.processes
        if recipe.distributed.strategy == "fsdp" and processes.world > 1:
            return {"message": "the memory of a sharded model is not counted"}
        epoch = max(self.train.steps_in_epoch, 1)
        total = recipe.total_steps(epoch)
        options: dict[str, Any] = {"epoch": epoch, "total": total, "device": processes.device, "world": processes.world}
        try:
            return Counted(recipe, self.graph, self.catalog, batch, **options).event([*held, *tensors_of(batch)])
        except Exception as error:  # noqa: BLE001 - a part may look at numbers, which are not there; it trains all the same
            return {"message": f"memory cannot be counted: {type(error).__name__}: {str(error).partition(chr(10))[0]}"}


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
    recipe = complete(recipe, graph, catalog, source, model, world=processes.world)
    problems += check_recipe(recipe, graph, catalog, source, model)
    corrupted = corrupted_channels_last(model) if recipe.channels_last and processes.device.type == "cpu" else []
    if corrupted:
        recipe = recipe.model_copy(update={"channels_last": False})
        text = f"on a CPU images and weights lie channels first: torch computes the gradients of {corrupted[0]} wrongly"
        text += " channels last (1 pixel, a stride, fewer than 16 channels)"
        where = Where("channels_last", path=("channels_last",))
        problems.append(Problem("recipe-value", where, text, severity="warning"))
    if recipe.weights is not None:
        problems += _begin_with(model, recipe.weights)
    if recipe.distributed.sync_norm:
        synchronised(model)
    model.to(processes.device)
    sharded = recipe.distributed.strategy == "fsdp" and processes.world > 1
    if recipe.channels_last and not sharded:  # FSDP takes contiguous weights alone; images lie so all the same
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
        _distinct(problems),
    )
    _refuse(problems)
    seed_everything(recipe.seed + 1 + processes.rank)
    return found


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
        try:
            outcome = trainer.fit()
            if trainer.wrapped.sharded:
                outcome = replace(outcome, model=_whole_model(prepared, trainer))
        except RuntimeError as error:
            lost = lost_process(error)
            raise GraphError(lost) if lost is not None else error from error
    except BaseException as error:
        if run is not None:
            words = str(error) or type(error).__name__
            with suppress(GraphError):  # a full disk, which the error reports already
                run.events.append("end", 0 if trainer is None else trainer.step, state="failed", message=words)
            with suppress(GraphError):
                run.status.write("failed", words)
        raise
    finally:
        if writers is not None:
            writers.close()
    if run is not None:
        run.events.append("end", outcome.step, state=outcome.state, message="")
        run.status.write(outcome.state, step=outcome.step, epoch=outcome.epoch)
    return outcome


def _whole_model(prepared: Prepared, trainer: Trainer) -> Model:
    """The sharded model put together in every process: without the others the parts are of no use."""
    model = compile_graph(prepared.graph, prepared.catalog).to(prepared.processes.device)
    model.load_state_dict(trainer.wrapped.whole_state(first_alone=False))
    return model


def _both(one: OnEvent | None, other: OnEvent | None) -> OnEvent | None:
    """A listener that passes each event to two others."""
    if one is None or other is None:
        return one or other

    def both(kind: str, step: int, values: Mapping[str, Any]) -> None:
        one(kind, step, values)
        other(kind, step, values)

    return both


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
        text = (
            f"{state['world']} processes wrote the checkpoint and {trainer.processes.world} go on: each step has the "
        )
        text += (
            "samples that it would have had, dealt out anew; random numbers begin anew in each process, and running "
        )
        trainer.note(f"{text}statistics go on from those of the first one")


def _folder(
    prepared: Prepared, source: Source, out: str | Path | None, resume: str | Path | None
) -> tuple[RunFolder | None, GraphError | None]:
    """The run's folder in the first process, or why there is none."""
    if not prepared.processes.first:
        return None, None
    classes = () if is_unnamed(source) else source.classes
    try:
        if resume is not None:
            run = RunFolder.open(resume)
            run.refuse_changes(classes=classes)
            return run.write(processes=prepared.processes.world), None
        place = out if out is not None else new_folder("runs", new_name(prepared.graph))
        return RunFolder.create(place, prepared.recipe, prepared.graph, classes=classes), None
    except GraphError as error:
        return None, error


def _begun_before(out: str | Path, processes: Processes) -> bool:
    """Whether torchrun or Slurm started this training again after a failure, and it had begun before.

    The command is then the same as before, which has no ``--resume``.
    """
    return processes.restarts > 0 and (Path(out) / "recipe.yaml").is_file()


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
    """Load what fits of a file of weights; what does not is reported."""
    report = model.load_weights(read_weights(path), strict=False)
    if report.fits:
        return []
    text = f"{len(report.matched)} of its entries fit; {len(report.missing)} of the model begin anew, "
    text += f"{len(report.mismatched)} have another shape, {len(report.unexpected)} are not in the model\n"
    return [Problem("weights-mismatch", Where(path), text + report.table(), severity="warning")]


def _refuse(problems: Sequence[Problem]) -> None:
    if any(problem.severity == "error" for problem in problems):
        raise GraphError(_distinct(problems))


def _distinct(problems: Sequence[Problem]) -> list[Problem]:
    return [one for place, one in enumerate(problems) if one not in problems[:place]]
