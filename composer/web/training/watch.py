"""What is known of a run, read from its files a stretch at a time: a log of millions is never waited for."""

import threading
from contextlib import suppress
from pathlib import Path

from composer.problems import GraphError
from composer.training.recipe import Recipe
from composer.training.runs.folder import RunFolder
from composer.training.runs.history import History
from composer.web.recent import Recent

__all__ = ["Watch", "Watches"]


class Watch(History):
    """A run's history, with what its graph and recipe are called.

    Args:
        folder: The run's folder.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(RunFolder(folder))
        self.folder = folder
        self.lock = threading.Lock()
        self._graph: str | None = None
        self._recipe = ""

    @property
    def graph(self) -> str:
        """The name of the graph; empty while there is none that can be read."""
        if not self._graph:
            try:
                self._graph = self.run.graph.name
            except GraphError:
                self._graph = ""
        return self._graph

    @property
    def recipe(self) -> str:
        """Optimizer, batch and length in a few words; empty while there is no recipe that can be read."""
        if not self._recipe:
            with suppress(GraphError):
                recipe = RunFolder(self.folder).recipe
                if recipe.optimizer is None:  # what waits is filled in when it starts
                    return _in_words(recipe)
                self._recipe = _in_words(recipe)
        return self._recipe

    def mark(self, name: str) -> str:
        """Changes when points of a curve that were given hold no longer."""
        return f"{self.cuts}.{self.curves[name].width}"


def _in_words(recipe: Recipe) -> str:
    parts = [f"batch {recipe.batches.batch:,}"]
    if recipe.optimizer is not None:
        parts.insert(0, f"{recipe.optimizer.type} {recipe.optimizer.lr:g}")
    length = f"{recipe.steps:,} steps" if recipe.steps else f"{recipe.epochs or 1:,} epochs"
    return ", ".join([*parts, length])


class Watches:
    """What is known of the runs that somebody looked at."""

    def __init__(self) -> None:
        self._kept: Recent[Path, Watch] = Recent(500)

    def of(self, folder: Path) -> Watch:
        """What is known of a run."""
        return self._kept.setdefault(folder, Watch(folder))

    def forget(self, folder: Path) -> None:
        """Of a run that is gone."""
        self._kept.forget(folder)
