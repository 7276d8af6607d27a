"""The folder of a run: every file that one training writes, and nothing else holds its state.

======================  ================================================================================================
``graph.yaml``          The graph that is trained.
``recipe.yaml``         The recipe with everything filled in; ``metadata.hashes`` identifies graph and data.
``events.jsonl``        The log (``composer.training.runs.events``); ``events.lock`` keeps a second writer away.
``curves.json``         What was read of the log, thinned (``composer.training.runs.history``); made anew if gone.
``status.json``         What it does now (``composer.training.runs.status``).
``environment.json``    Versions, hardware, commands and commit, one entry for each process that took up the run.
``checkpoints/``        Whole states, to go on from.
``best.safetensors``    The best weights, with the graph: ``composer run best.safetensors`` needs nothing else.
``last.safetensors``    The last ones.
``evaluation.json``     The last evaluation in full: confusion matrix, classes one by one.
``samples/``            The same validation images after each evaluation, with the answers drawn.
``looked_at/``          Small images of samples that the last evaluation names: wrong and uncertain ones.
``output.log``          What a run that stands alone printed.
``request.json``        The wish of a page that it is trained (``composer.web.training``); older than the run.
======================  ================================================================================================
"""

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from composer.graph import Graph
from composer.graph.file import atomic_write, dumps, read, write
from composer.model import Model
from composer.problems import Fix, GraphError, Problem, Where
from composer.training.data.samples import shown
from composer.training.data.source import is_of_hub, paths_of
from composer.training.environment import environment
from composer.training.recipe import Recipe, Split, read_recipe, write_recipe
from composer.training.runs.events import Event, EventReader, EventWriter, plain
from composer.training.runs.status import Status, StatusWriter, read_status

__all__ = [
    "CURVES",
    "EVENTS",
    "GRAPH",
    "OUTPUT",
    "RECIPE",
    "REQUEST",
    "STATUS",
    "RunFolder",
    "hashed",
    "new_folder",
    "new_name",
    "read_json",
    "resolved",
    "runs_in",
]

GRAPH = "graph.yaml"
RECIPE = "recipe.yaml"
EVENTS = "events.jsonl"
CURVES = "curves.json"
STATUS = "status.json"
ENVIRONMENT = "environment.json"
EVALUATION = "evaluation.json"
OUTPUT = "output.log"

CHECKPOINTS = "checkpoints"
LOCK = "events.lock"

_BEFORE_RECIPE = {GRAPH, EVENTS, LOCK, STATUS, ENVIRONMENT, OUTPUT, CHECKPOINTS}
_PARTS = (RECIPE, EVENTS, STATUS)
REQUEST = "request.json"
_PREPARED = {GRAPH, RECIPE, OUTPUT, REQUEST}
"""What lies in a folder that was prepared for a run: what is trained, and the wish to train it."""

_TAIL = 4000


class RunFolder:
    """The files of one training.

    ``RunFolder.create`` begins one and ``RunFolder.open`` reads one; ``write`` takes up the writing, which one process
    can do at a time.

    Args:
        path: The folder.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._events: EventWriter | None = None
        self._status: StatusWriter | None = None

    @classmethod
    def create(
        cls,
        path: str | Path,
        recipe: Recipe,
        graph: Graph,
        *,
        hashes: Mapping[str, str] | None = None,
        classes: Sequence[str] = (),
    ) -> "RunFolder":
        """Begin a run in a new or empty folder, as its writer.

        The recipe is written last: a run that was killed before it had one is begun anew in the same folder.

        Args:
            path: The folder.
            recipe: The recipe, complete, with paths that hold from anywhere (``resolved``).
            graph: The graph.
            hashes: Of what else the run depends on, such as the names of the samples: a resumed run is held to them.
            classes: The names of the classes of the data, as ``data_classes`` gives them again.

        Raises:
            GraphError: There is something in the folder, or it cannot be written.
        """
        run = cls(path)
        if run.path.is_file() or (run.path.is_dir() and not _is_unbegun(run.path)):
            text = "the folder holds something; a run begins in a new one"
            again = f"go on with this run: composer train --resume {run.path}"
            fix = Fix(again, changes="no new run begins") if _is_run(run.path) else None
            raise GraphError(Problem("run-exists", Where(file=str(run.path)), text, fix))
        try:
            run.checkpoints.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            text = f"the folder cannot be made: {error.strerror or error}"
            raise GraphError(Problem("cannot-write", Where(file=str(run.path)), text)) from None
        run.write()
        run.events.cut(0)
        write(graph, run.path / GRAPH)
        known = {"graph": hashed(dumps(graph).encode()), **(hashes or {})}
        if recipe.weights is not None and Path(recipe.weights).is_file():
            known.setdefault("weights", hashed(Path(recipe.weights)))
        metadata = {**recipe.metadata, "hashes": known, **({"classes": list(classes)} if classes else {})}
        written = recipe.model_copy(update={"graph": GRAPH, "metadata": metadata})
        write_recipe(written, run.path / RECIPE, full=True)
        return run

    @classmethod
    def open(cls, path: str | Path) -> "RunFolder":
        """Open a run to read it, whatever state a kill or a full disk left it in.

        Raises:
            GraphError: It is no folder of a run.
        """
        run = cls(path)
        if not _is_run(run.path):
            text = "this is no folder of a run: it has no recipe.yaml, events.jsonl or status.json"
            if not run.path.is_dir():
                text = "there is no such run"
            raise GraphError(Problem("no-run", Where(file=str(run.path)), text))
        return run

    def write(self, *, processes: int = 1) -> "RunFolder":
        """Take up the writing: lock the log, write the status, note the environment.

        Args:
            processes: How many processes train together.

        Raises:
            GraphError: Another process writes the run, or it cannot be written.
        """
        if self._events is None:
            self._events = EventWriter(self.path / EVENTS)
            self._remove_halves()
            self._status = StatusWriter(self.path / STATUS, processes)
            self._status.write("starting")
            found = [*self.environments(), environment()]
            self._replace(ENVIRONMENT, json.dumps(found, indent=2) + "\n")
        return self

    def close(self) -> None:
        """Let go of the log."""
        if self._events is not None:
            self._events.close()
        self._events = self._status = None

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.path.resolve().name

    @property
    def checkpoints(self) -> Path:
        """The folder of whole states."""
        return self.path / CHECKPOINTS

    @property
    def samples(self) -> Path:
        """The folder of drawn validation images."""
        return self.path / "samples"

    @property
    def looked_at(self) -> Path:
        """The folder of images of wrong and uncertain samples."""
        return self.path / "looked_at"

    @property
    def events(self) -> EventWriter:
        """The log, to write."""
        if self._events is None:
            raise ValueError("this run was opened to be read; write() takes up the writing")
        return self._events

    @property
    def status(self) -> StatusWriter:
        """The status, to write."""
        if self._status is None:
            raise ValueError("this run was opened to be read; write() takes up the writing")
        return self._status

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe, complete.

        Raises:
            GraphError: The file is missing or damaged.
        """
        return read_recipe(self.path / RECIPE)

    @cached_property
    def graph(self) -> Graph:
        """The graph.

        Raises:
            GraphError: The file is missing or damaged.
        """
        return read(self.path / GRAPH)

    @property
    def data_classes(self) -> tuple[str, ...]:
        """The names of the classes of the data that it was begun with; empty where they are not known."""
        found = self.recipe.metadata.get("classes", ())
        return tuple(map(str, found)) if isinstance(found, Sequence) and not isinstance(found, str) else ()

    def refuse_changes(self, hashes: Mapping[str, str] | None = None, classes: Sequence[str] = ()) -> None:
        """Refuse to go on with another graph or other data than the run began with.

        Args:
            hashes: As ``create`` was given.
            classes: The names of the classes of the data.

        Raises:
            GraphError: Something differs.
        """
        began = self.recipe.metadata.get("hashes", {})
        found = {"graph": hashed(dumps(self.graph).encode()), **(hashes or {})}
        where = Where(file=str(self.path))
        problems = [
            Problem("run-changed", where, f"{name} is not what the run began with: a new run is needed for it")
            for name, value in found.items()
            if name in began and began[name] != value
        ]
        if classes and self.data_classes and tuple(classes) != self.data_classes:
            text = f"the classes of the data are {shown(classes)}, and were {shown(self.data_classes)} when the run "
            problems.append(Problem("run-changed", where, f"{text}began: a new run is needed for them"))
        if problems:
            raise GraphError(problems)

    def write_weights(
        self, name: Literal["last", "best"], model: Model, state: Mapping[str, Tensor] | None = None
    ) -> Path:
        """Write the weights with the graph; whatever happens, there are the old ones or the new ones.

        Args:
            name: Which.
            model: The model.
            state: Its weights, where they are not in it: a moving average, or gathered from several processes.

        Raises:
            GraphError: They cannot be written.
        """
        path = self.weights(name)
        try:
            model.save(path, state)
        except OSError as error:
            text = f"the weights cannot be written: {error.strerror or error}"
            raise GraphError(Problem("cannot-write", Where(file=str(path)), text)) from None
        return path

    def weights(self, name: str) -> Path:
        """Where ``last`` or ``best`` weights are."""
        return self.path / f"{name}.safetensors"

    def write_evaluation(self, step: int, details: Mapping[str, Any]) -> None:
        """Keep an evaluation in full, in place of the last one."""
        self._replace(EVALUATION, json.dumps(plain({"step": step, **details})) + "\n")

    def evaluation(self) -> dict[str, Any]:
        """The last evaluation in full; empty where there is none."""
        found = read_json(self.path / EVALUATION)
        return found if isinstance(found, dict) else {}

    def read_status(self) -> Status:
        """What the run does; a run whose process is gone has ``died``, also one without a readable status."""
        found = read_status(self.path / STATUS)
        if found is None:
            last = self.last_event()
            found = Status("died", step=0 if last is None else last.step, heartbeat=0 if last is None else last.time)
        if found.state != "died":
            return found
        return replace(found, message=self._last_words(found))

    def reader(self) -> EventReader:
        """A reader of its log."""
        return EventReader(self.path / EVENTS)

    def read_events(self, *kinds: str) -> list[Event]:
        """The events of some kinds, or all."""
        return [event for event in self.reader().read() if not kinds or event.kind in kinds]

    def last_event(self) -> Event | None:
        """The last event, read from the end of the log."""
        try:
            with open(self.path / EVENTS, "rb") as file:
                end = file.seek(0, os.SEEK_END)
                file.seek(max(0, end - 64 * 1024))
                lines = file.read().splitlines(keepends=True)
        except OSError:
            return None
        found = (Event.of_line(line) for line in reversed(lines) if line.endswith(b"\n"))
        return next((event for event in found if event is not None), None)

    def last_checkpoint(self) -> Path | None:
        """The newest entry of ``checkpoints/``; None where there is none."""
        try:
            found = [item for item in self.checkpoints.iterdir() if not item.name.startswith(".")]
            found = [item for item in found if not item.name.endswith((".tmp", ".part"))]
            return max(found, key=lambda item: (item.stat().st_mtime_ns, item.name), default=None)
        except OSError:
            return None

    def environments(self) -> list[dict[str, Any]]:
        """What it was made with, one entry for each process that took it up."""
        found = read_json(self.path / ENVIRONMENT)
        return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []

    def _remove_halves(self) -> None:
        """What a killed process had not written to its end under another name: weights, mostly."""
        for half in self.path.glob(".*.tmp"):
            half.unlink(missing_ok=True)

    def _last_words(self, status: Status) -> str:
        """Of a run that died: what is known of its end, and how to go on."""
        died = "its process ended without a word (killed, or the machine went down)"
        printed = self._printed()
        checkpoint = self.last_checkpoint()
        if checkpoint is None:
            rest = "no checkpoint was written"
        else:
            rest = f"the last checkpoint is {checkpoint.name}; go on with: composer train --resume {self.path}"
        words = f"; it was at: {status.message}" if status.message else ""
        return f"{died}{words}{printed}; {rest}"

    def _printed(self) -> str:
        """The last line that a run which stands alone printed."""
        try:
            with open(self.path / OUTPUT, "rb") as file:
                end = file.seek(0, os.SEEK_END)
                file.seek(max(0, end - _TAIL))
                lines = file.read().decode(errors="replace").split("\n")
        except OSError:
            return ""
        said = [line.strip() for line in lines if line.strip()]
        return f"; it printed: {said[-1][-300:]}" if said else ""

    def _replace(self, name: str, text: str) -> None:
        try:
            atomic_write(self.path / name, text.encode())
        except OSError as error:
            text = f"the run cannot be written: {error.strerror or error}"
            raise GraphError(Problem("cannot-write", Where(file=str(self.path / name)), text)) from None


def resolved(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe with paths that hold from anywhere.

    Args:
        recipe: The recipe.
        folder: Where it lies, from which its paths are.
    """

    def whole(path: str) -> str:
        return str(Path(os.path.abspath(folder / path)))

    def split(given: Split) -> Split:
        if is_of_hub(given):
            return given
        paths = {name: whole(path) for name, path in paths_of(given).items() if isinstance(path, str)}
        return Split.model_validate({**given.model_dump(), **paths})

    val = None if recipe.data.val is None else split(recipe.data.val)
    data = recipe.data.model_copy(update={"train": split(recipe.data.train), "val": val})
    weights = None if recipe.weights is None else whole(recipe.weights)
    return recipe.model_copy(update={"data": data, "graph": whole(recipe.graph), "weights": weights})


def hashed(content: bytes | Path) -> str:
    """The SHA-256 of bytes or of a file."""
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with open(content, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def runs_in(folder: str | Path) -> list[RunFolder]:
    """The runs in a folder and in those inside it, the newest first."""
    root = Path(folder)
    found: list[Path] = [root] if _is_run(root) else []
    with suppress(OSError):
        for item in root.iterdir():
            if not item.is_dir() or item.name.startswith("."):
                continue
            if _is_run(item):
                found.append(item)
            else:
                found += [inner for inner in item.iterdir() if inner.is_dir() and _is_run(inner)]
    return [RunFolder(path) for path in sorted(found, key=_begun, reverse=True)]


def new_name(graph: Graph, now: float | None = None) -> str:
    """The name of a new run's folder: the graph's name, date and time."""
    name = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in graph.name) or "run"
    return f"{name}-{time.strftime('%Y%m%d-%H%M%S', time.localtime(now))}"


def new_folder(runs: str | Path, name: str) -> Path:
    """Make a folder for a run, with a number behind its name where another run has it.

    Raises:
        GraphError: It cannot be made.
    """
    for number in range(1, 1000):
        path = Path(runs) / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            text = f"the folder cannot be made: {error.strerror or error}"
            raise GraphError(Problem("cannot-write", Where(path.name), text)) from None
        return path
    raise GraphError(Problem("run-exists", Where(name), "there are too many runs of this name"))


def _begun(path: Path) -> float:
    for name in (RECIPE, EVENTS, STATUS):
        with suppress(OSError):
            return (path / name).stat().st_mtime
    return 0.0


def _is_unbegun(path: Path) -> bool:
    """Whether a folder is empty, was prepared for a run, or has only what a run writes before its recipe."""
    items = {item.name for item in path.iterdir() if not (item.name.startswith(".") and item.name.endswith(".tmp"))}
    if REQUEST in items:
        return items <= _PREPARED
    ours = items <= _BEFORE_RECIPE if LOCK in items else items <= {CHECKPOINTS}
    checkpoints = path / CHECKPOINTS
    return ours and (not checkpoints.exists() or (checkpoints.is_dir() and not any(checkpoints.iterdir())))


def _is_run(path: Path) -> bool:
    """Whether a folder is one of a run; a recipe alone beside a graph is not."""
    names = [name for name in _PARTS if (path / name).is_file()]
    return bool(names) and (names != [RECIPE] or (path / CHECKPOINTS).is_dir())


def read_json(path: Path) -> Any:
    """What a file holds; None where there is none, or one that is not whole."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
