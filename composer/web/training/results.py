"""What came out of a run: drawn samples, the evaluation in full, weights to use and to take away, and comparisons."""

import base64
import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from composer.catalog import Catalog
from composer.edits.difference import Difference, diff
from composer.graph import Graph
from composer.graph.file.document import to_document
from composer.problems import GraphError, Problem, Where
from composer.training.runs.comparison import recipe_changes
from composer.training.runs.folder import RunFolder, read_json
from composer.web.payloads import KeepWeightsReply, OpenReply, ProblemView
from composer.web.runs import Done, ExportJob, Failed, Runner, WeightsChoice
from composer.web.runs.results import ExportResult
from composer.web.training.downloads import Downloads
from composer.web.training.payloads import (
    TrainBox,
    TrainBoxes,
    TrainChange,
    TrainClass,
    TrainCompareRequest,
    TrainComparison,
    TrainConfused,
    TrainEvaluation,
    TrainExportReply,
    TrainExportRequest,
    TrainFilesView,
    TrainKeepRequest,
    TrainLookedAt,
    TrainNameRequest,
    TrainPrecision,
    TrainSample,
    TrainSamples,
    TrainSamplesRequest,
)
from composer.web.training.places import Places
from composer.web.workspace import Workspace

__all__ = ["Results"]

_LARGEST = 2 * 2**20
"""Bytes of an image, at most."""
_IMAGES = 16
_LOOKED_AT = 24
_MATRIX = 60
"""Classes of which the whole confusion matrix is drawn."""
_CONFUSED = 30
_CLASSES = 1000
_CURVES = 12
_CHANGES = 200
_FILES = ("best.safetensors", "last.safetensors", "graph.yaml", "recipe.yaml", "events.jsonl", "output.log")


class Results:
    """Answers about what runs came to.

    Args:
        places: Where runs are.
        catalog: The components at this moment.
        shown: A graph as it is opened.
        runner: Writes exports.
        downloads: Hands out files.
    """

    def __init__(
        self,
        places: Places,
        catalog: Callable[[], Catalog],
        shown: Callable[[Graph], OpenReply],
        runner: Runner,
        downloads: Downloads,
    ) -> None:
        self.places = places
        self.catalog = catalog
        self.shown = shown
        self.runner = runner
        self.downloads = downloads

    def samples(self, request: TrainSamplesRequest) -> TrainSamples:
        """The validation images of a run after an evaluation, with the answers drawn.

        Raises:
            GraphError: There is no such run.
        """
        folder = self.places.existing(request.name) / "samples" / f"step-{request.step:08d}"
        answers = read_json(folder / "answers.json")
        found = []
        for about in answers[:_IMAGES] if isinstance(answers, list) else []:
            file = about.get("file") if isinstance(about, dict) else None
            if not isinstance(file, str) or "/" in file or "\\" in file:
                continue
            image = _image(folder / file)
            if image:
                found.append(TrainSample(image=image, words=_words(about)))
        return TrainSamples(step=request.step, samples=found)

    def evaluation(self, request: TrainNameRequest) -> TrainEvaluation:
        """The last evaluation of a run in full.

        Raises:
            GraphError: There is no such run.
        """
        folder = self.places.existing(request.name)
        found = RunFolder(folder).evaluation()
        parts = [(name, part) for name, part in found.items() if isinstance(part, dict) and name != "values"]
        flat = [part for _, part in parts] + [
            inner for _, part in parts for inner in part.values() if isinstance(inner, dict)
        ]
        classes: list[Any] = next((part["classes"] for part in flat if isinstance(part.get("classes"), list)), [])
        names = [str(row.get("name", "")) for row in classes if isinstance(row, dict)]
        matrix: list[Any] = next((part["confusion"] for part in flat if _is_matrix(part.get("confusion"))), [])
        step = found.get("step")
        return TrainEvaluation(
            step=step if isinstance(step, int) else 0,
            classes=[_class(row) for row in classes[:_CLASSES] if isinstance(row, dict)],
            confusion=matrix if len(matrix) <= _MATRIX else [],
            confused=_confused(matrix, names),
            precision=[curve for part in flat for curve in _precision(part)][:_CURVES],
            wrong=_looked_at(folder, flat, "wrong", names),
            uncertain=_looked_at(folder, flat, "uncertain", names),
            missed=_boxes(folder, flat, "missed"),
            false=_boxes(folder, flat, "false"),
            at_score=next((_number(part.get("score")) for part in flat if isinstance(part.get("missed"), list)), None),
        )

    def open(self, request: TrainNameRequest) -> OpenReply:
        """The graph of a run, to be opened on the canvas; the dock takes its best weights.

        Raises:
            GraphError: There is no such run, or its graph cannot be read.
        """
        folder = self.places.existing(request.name)
        return self.shown(RunFolder(folder).graph).model_copy(update={"name": request.name})

    def weights(self, name: str) -> Path | None:
        """The best weights of a run, or the last ones where nothing was measured; None where there are none.

        Raises:
            GraphError: It cannot be the name of a run.
        """
        run = RunFolder(self.places.run(name))
        return next((run.weights(kind) for kind in ("best", "last") if run.weights(kind).is_file()), None)

    def keep(self, request: TrainKeepRequest) -> KeepWeightsReply:
        """Put the best weights of a run beside a graph file: what was trained stays with what was saved.

        Raises:
            GraphError: There are none, there is no such file, or they cannot be written.
        """
        weights = self.weights(request.name)
        if weights is None:
            raise GraphError(Problem("no-weights", Where(request.name), "this run has written no weights yet"))
        workspace = Workspace(self.places.workspace)
        return KeepWeightsReply(
            file=workspace.keep_weights(request.file, weights), load=workspace.load_line(request.file)
        )

    def files(self, request: TrainNameRequest) -> TrainFilesView:
        """The files of a run that can be taken away.

        Raises:
            GraphError: There is no such run.
        """
        folder = self.places.existing(request.name)
        found = []
        for name in _FILES:
            with suppress(OSError):
                if (folder / name).is_file() and not (folder / name).is_symlink():
                    found.append(self.downloads.offer(folder / name, f"{request.name}-{name}"))
        modes: list[str] = []
        with suppress(GraphError):
            modes = list(RunFolder(folder).graph.modes)
        return TrainFilesView(files=found, modes=modes)

    def export(self, request: TrainExportRequest) -> TrainExportReply:
        """Write the best weights of a run in a format for use elsewhere.

        Raises:
            GraphError: There are none, or the graph has no such form.
        """
        folder = self.places.existing(request.name)
        weights = self.weights(request.name)
        if weights is None:
            raise GraphError(Problem("no-weights", Where(request.name), "this run has written no weights yet"))
        graph = RunFolder(folder).graph
        mode = request.mode if request.mode in graph.modes else next(iter(graph.modes), "tensor")
        choice = WeightsChoice("shipped", weights, weights.name)
        target = self.downloads.folder()
        job = ExportJob(json.dumps(to_document(graph)), request.to, target, request.name, mode, choice)
        for event in self.runner.run(job):
            if isinstance(event, Done) and isinstance(event.result, ExportResult):
                paths = [target / Path(name).name for name in event.result.files]
                files = [self.downloads.offer(path, path.name) for path in paths]
                return TrainExportReply(files=files, notes=list(event.result.notes))
            if isinstance(event, Failed):
                raise GraphError([_problem(view) for view in event.problems])
        raise AssertionError("a job ends with Done or Failed")

    def compare(self, request: TrainCompareRequest) -> TrainComparison:
        """In what the recipes and the graphs of two runs differ.

        Raises:
            GraphError: There is no such run, or its recipe or graph cannot be read.
        """
        one, other = (RunFolder(self.places.existing(name)) for name in (request.one, request.other))
        changes = [
            TrainChange(key=change.key, one=_text(change.values[0]), other=_text(change.values[1]))
            for change in recipe_changes([one.recipe, other.recipe])[:_CHANGES]
        ]
        difference = diff(one.graph, other.graph, self.catalog())
        return TrainComparison(recipe=changes, graph=_graph_lines(difference))


def _problem(view: ProblemView) -> Problem:
    where = Where(view.subject, line=view.line, node=view.node, mode=view.mode, path=tuple(view.keys))
    return Problem(view.code, where, view.message, severity=view.severity)


def _is_matrix(value: Any) -> bool:
    """Whether it is rows of counts, each as long as there are rows."""
    return isinstance(value, list) and all(
        isinstance(row, list) and len(row) == len(value) and all(type(count) is int for count in row) for row in value
    )


def _graph_lines(difference: Difference) -> list[str]:
    lines = [str(change) for change in difference.changes[:_CHANGES]]
    more = len(difference.changes) - len(lines)
    if more > 0:
        lines.append(f"and {more:,} more")
    old, new = difference.parameters
    if old != new and old is not None and new is not None:
        lines.append(f"parameters: {old:,} -> {new:,}")
    return lines


def _text(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text[:500]


def _words(about: Mapping[str, Any]) -> str:
    """What a drawn sample shows, for those who do not see it."""
    name = str(about.get("name", "image"))[:200]
    if isinstance(about.get("detections"), list):
        return f"{name}: {len(about['detections'])} found"
    answers = about.get("answers")
    first = answers[0] if isinstance(answers, list) and answers and isinstance(answers[0], dict) else {}
    return f"{name}: {str(first.get('name', ''))[:100]}"


def _class(row: Mapping[str, Any]) -> TrainClass:
    numbers = {
        key: _number(row[key])
        for key in ("precision", "recall", "count", "ap", "ap50", "f1", "iou", "accuracy")
        if key in row
    }
    return TrainClass(name=str(row.get("name", ""))[:200], numbers=numbers)


def _confused(matrix: list[Any], names: list[str]) -> list[TrainConfused]:
    """The pairs that are confused most often, of any number of classes."""
    pairs = [
        (count, right, answered)
        for right, row in enumerate(matrix)
        for answered, count in enumerate(row)
        if right != answered and count > 0
    ]
    pairs.sort(key=lambda pair: (-pair[0], pair[1:]))
    return [
        TrainConfused(right=_named(names, right), answered=_named(names, answered), count=count)
        for count, right, answered in pairs[:_CONFUSED]
    ]


def _precision(part: Mapping[str, Any]) -> Iterator[TrainPrecision]:
    """Precision at 101 recalls: of all classes together, then one by one."""
    overall = part.get("recall_precision")
    if isinstance(overall, list):
        yield TrainPrecision(name="all classes", precision=[_number(value) for value in overall[:101]])
    classes = part.get("classes")
    for row in classes if isinstance(classes, list) else ():
        if isinstance(row, dict) and isinstance(row.get("recall_precision"), list):
            values = [_number(value) for value in row["recall_precision"][:101]]
            yield TrainPrecision(name=str(row.get("name", ""))[:200], precision=values)


def _looked_at(folder: Path, parts: list[dict[str, Any]], kind: str, names: list[str]) -> list[TrainLookedAt]:
    rows: list[Any] = next((part[kind] for part in parts if isinstance(part.get(kind), list)), [])
    found = []
    for row in rows[:_LOOKED_AT]:
        if not isinstance(row, dict) or not isinstance(row.get("index"), int):
            continue
        found.append(
            TrainLookedAt(
                name=str(row.get("name", ""))[:500],
                right=_named(names, row.get("label")),
                answer=_named(names, row.get("answer")),
                score=_number(row.get("score")),
                image=_image(folder / "looked_at" / f"{row['index']}.jpg"),
            )
        )
    return found


def _boxes(folder: Path, parts: list[dict[str, Any]], kind: str) -> list[TrainBoxes]:
    rows: list[Any] = next((part[kind] for part in parts if isinstance(part.get(kind), list)), [])
    found = []
    for row in rows[:_LOOKED_AT]:
        if not isinstance(row, dict) or not isinstance(row.get("index"), int):
            continue
        objects = row.get("objects")
        boxes = [_box(one) for one in objects if isinstance(one, dict)] if isinstance(objects, list) else []
        found.append(
            TrainBoxes(
                name=str(row.get("name", ""))[:500],
                image=_image(folder / "looked_at" / f"{row['index']}.jpg"),
                missed=_count(row.get("missed")),
                false=_count(row.get("false")),
                boxes=[box for box in boxes if box is not None],
            )
        )
    return found


def _box(one: Mapping[str, Any]) -> TrainBox | None:
    place, fault = one.get("box"), one.get("fault")
    if not isinstance(place, list) or len(place) != 4 or fault not in ("", "missed", "false"):
        return None
    sides = [_number(side) for side in place]
    left, top, right, bottom = (0.0 if side is None else min(max(side, 0.0), 1.0) for side in sides)
    name, score = str(one.get("name", ""))[:200], _number(one.get("score"))
    return TrainBox(left=left, top=top, right=right, bottom=bottom, name=name, score=score, fault=fault)


def _count(value: Any) -> int:
    return value if type(value) is int and value >= 0 else 0


def _named(names: list[str], label: Any) -> str:
    if isinstance(label, int) and 0 <= label < len(names):
        return names[label][:200]
    return f"class {label}" if isinstance(label, int) else ""


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _image(path: Path) -> str:
    """A JPEG as a data address; empty where there is none."""
    try:
        if path.is_symlink() or path.stat().st_size > _LARGEST:
            return ""
        content = path.read_bytes()
    except OSError:
        return ""
    return f"data:image/jpeg;base64,{base64.b64encode(content).decode()}"
