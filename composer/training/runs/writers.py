"""TensorBoard and Trackio, fed from the same events as the log. Both are extras."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from composer.problems import GraphError, Problem, Where
from composer.training.recipe import Recipe
from composer.training.runs.events import numbers_in, plain
from composer.training.runs.folder import RunFolder

__all__ = ["Writers", "require_writers"]

_KINDS = {"step": "train", "evaluation": "val"}


def require_writers(names: Sequence[str]) -> None:
    """Refuse writers whose package is missing, before anything is trained.

    Raises:
        GraphError: One is; carries all of them.
    """
    problems = []
    for place, name in enumerate(names):
        try:
            _package(name)
        except ImportError:
            text = f"{name} is missing: pip install 'graph-composer[{name}]'"
            problems.append(Problem("no-package", Where("log", path=("log", place)), text))
    if problems:
        raise GraphError(problems)


class Writers:
    """Hands the numbers of a run to what its recipe names under ``log``; what ``on_event`` takes.

    Args:
        recipe: The recipe.
        run: The run's folder: TensorBoard's files lie in ``tensorboard/`` in it.

    Raises:
        GraphError: A package is missing.
    """

    def __init__(self, recipe: Recipe, run: RunFolder) -> None:
        require_writers(recipe.log)
        self._recipe = recipe
        self._run = run
        self._writers: list[_Writer] = []

    def __call__(self, kind: str, step: int, values: Mapping[str, Any]) -> None:
        """Take an event."""
        if kind == "start":
            self.close()
            self._writers = [_MAKERS[name](self._recipe, self._run, step) for name in self._recipe.log]
        elif kind in _KINDS:
            numbers = {f"{_KINDS[kind]}/{name}": value for name, value in numbers_in(values).items()}
            for writer in self._writers:
                writer.write(step, numbers)

    def close(self) -> None:
        """Have all of it written."""
        for writer in self._writers:
            writer.close()
        self._writers = []


class _Writer(Protocol):
    def write(self, step: int, numbers: Mapping[str, float]) -> None: ...

    def close(self) -> None: ...


class _TensorBoard:
    """Scalars in ``tensorboard/``; what a resumed run repeats replaces what was there."""

    def __init__(self, recipe: Recipe, run: RunFolder, step: int) -> None:
        kind = _package("tensorboard")
        self._writer = kind(str(run.path / "tensorboard"), purge_step=step + 1 if step else None)

    def write(self, step: int, numbers: Mapping[str, float]) -> None:
        """Write the numbers of a step."""
        for name, value in numbers.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Have them on disk."""
        self._writer.close()


class _Trackio:
    """A run of the graph's project, under the folder's name, on this machine."""

    def __init__(self, recipe: Recipe, run: RunFolder, step: int) -> None:
        self._trackio = _package("trackio")
        project = run.graph.name or "composer"
        config = plain(recipe.to_document(full=True))
        self._trackio.init(project=project, name=run.name, config=config, resume="allow")

    def write(self, step: int, numbers: Mapping[str, float]) -> None:
        """Write the numbers of a step."""
        self._trackio.log(dict(numbers), step=step)

    def close(self) -> None:
        """Have them on disk."""
        self._trackio.finish()


_MAKERS: Mapping[str, Any] = {"tensorboard": _TensorBoard, "trackio": _Trackio}


def _package(name: str) -> Any:
    """What writes, of a package that is an extra."""
    if name == "tensorboard":
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415

        return SummaryWriter
    import trackio  # type: ignore[import-not-found]  # noqa: PLC0415

    return trackio
