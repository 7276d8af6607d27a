"""Runs side by side: what each came to, and in what their recipes differ."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from composer.problems import GraphError
from composer.training.recipe import Recipe
from composer.training.runs.curves import Curve
from composer.training.runs.folder import RunFolder
from composer.training.runs.history import History

__all__ = ["RecipeChange", "RunSummary", "recipe_changes", "summary_of"]

_OWN = ("metadata",)


@dataclass(frozen=True)
class RunSummary:
    """What a run came to.

    Args:
        name: The name of its folder.
        path: The folder.
        graph: The name of the graph; empty where the file is damaged.
        state: What it does, or how it ended.
        message: Its last words.
        step: Steps that were made.
        steps: Steps of the whole training; 0 where they are not known.
        epoch: Epochs that were made.
        metric: The number that says which weights are best; empty where nothing was measured.
        best: The best value of it; NaN where there is none.
        best_step: After how many steps.
        seconds: How long the processes ran that are still in the log.
        began: When it began, in seconds since 1970.
        curves: Its curves, by name.
        last: The last evaluation.
    """

    name: str
    path: str
    graph: str
    state: str
    message: str = ""
    step: int = 0
    steps: int = 0
    epoch: float = 0.0
    metric: str = ""
    best: float = math.nan
    best_step: int = 0
    seconds: float = 0.0
    began: float = 0.0
    curves: Mapping[str, Curve] = field(default_factory=dict)
    last: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The summary as plain data, with the curves."""
        kept = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in ("curves", "last")}
        curves = {name: [[point.last, point.mean] for point in curve.points] for name, curve in self.curves.items()}
        return {**kept, "last": dict(self.last), "curves": curves}


def summary_of(run: RunFolder) -> RunSummary:
    """What a run came to, whatever state it is in."""
    status, history = run.read_status(), History(run)
    history.refresh()
    metric, _ = history.metric
    best, best_step = history.best or (math.nan, 0)
    curves = dict(history.curves)
    epochs = curves.pop("epoch", None)
    return RunSummary(
        run.name,
        str(run.path),
        _graph_name(run),
        status.state,
        status.message,
        max(status.step, history.step),
        history.steps or status.steps,
        0.0 if epochs is None else epochs.last,
        metric,
        best,
        best_step,
        history.seconds,
        history.began or status.begun,
        curves,
        history.metrics,
    )


def _graph_name(run: RunFolder) -> str:
    try:
        return run.graph.name
    except GraphError:
        return ""


@dataclass(frozen=True)
class RecipeChange:
    """A key in which recipes differ.

    Args:
        key: The key: ``optimizer.lr``.
        values: What it is in each of them; None where it is missing.
    """

    key: str
    values: tuple[Any, ...]


def recipe_changes(recipes: Sequence[Recipe]) -> list[RecipeChange]:
    """The keys in which recipes differ, in the order of the file; notes and hashes do not count."""
    flat = [dict(_entries(recipe.to_document(full=True))) for recipe in recipes]
    keys = list(dict.fromkeys(key for one in flat for key in one))
    changes = [RecipeChange(key, tuple(one.get(key) for one in flat)) for key in keys]
    return [change for change in changes if any(value != change.values[0] for value in change.values)]


def _entries(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """The values of a document by their keys; lists are values."""
    if path and path[0] in _OWN:
        return
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _entries(item, (*path, str(key)))
    elif path:
        yield ".".join(path), value
