"""Where runs and data are: names that a page gives become paths here, and none of them leads out of the workspace."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from composer.problems import GraphError, Problem, Where
from composer.web.filenames import RUNS, SUFFIX, name_fault, normal

__all__ = ["Places"]

_LONGEST = 1000


@dataclass(frozen=True)
class Places:
    """The folders that training reads and writes.

    Args:
        workspace: The folder of a person's graphs; runs are in ``runs``, data beside it.
    """

    workspace: Path

    @property
    def runs(self) -> Path:
        """The folder of runs."""
        return self.workspace.resolve() / RUNS

    def names(self) -> list[str]:
        """The names of the folders in ``runs``, of runs and of what waits to become one."""
        with suppress(OSError):
            return sorted(path.name for path in self._folders() if run_fault(path.name) is None)
        return []

    def run(self, name: str) -> Path:
        """The folder of a run, whether it is there or not.

        Raises:
            GraphError: It cannot be the name of a run.
        """
        fault = run_fault(name)
        path = self.runs / normal(name)
        if fault is None and path.is_symlink():
            fault = "it is a link"
        if fault is not None:
            raise GraphError(Problem("bad-file-name", Where(name[:100]), fault))
        return path

    def existing(self, name: str) -> Path:
        """The folder of a run that is there.

        Raises:
            GraphError: There is no such run.
        """
        path = self.run(name)
        if not path.is_dir():
            raise GraphError(Problem("no-run", Where(name), "there is no such run any more"))
        return path

    def data(self, name: str) -> Path:
        """A folder or a file of samples in the workspace.

        Args:
            name: Its path from the workspace on, with ``/``.

        Raises:
            GraphError: There is none, or it lies elsewhere.
        """
        root = self.workspace.resolve()
        fault = _path_fault(name)
        if fault is None:
            with suppress(OSError, ValueError):
                path = (root / name).resolve()
                if not path.is_relative_to(root):
                    fault = "it leads out of the workspace"
                elif path.exists():
                    return path
        if fault is not None:
            raise GraphError(Problem("bad-file-name", Where(name[:100]), fault))
        text = f"there is no such folder in the workspace ({root}): copy the images there, in one folder for each class"
        raise GraphError(Problem("no-file", Where(name[:100]), text))

    def _folders(self) -> Iterator[Path]:
        return (path for path in self.runs.iterdir() if path.is_dir() and not path.is_symlink())


def run_fault(name: str) -> str | None:
    """What is wrong with the name of a run; None if it can be used."""
    return "the name of a run has no slash" if "/" in name else name_fault(name + SUFFIX)


def _path_fault(name: str) -> str | None:
    if not name.strip():
        return "no folder was named"
    if len(name) > _LONGEST or not name.isprintable():
        return "it is no path"
    if name.startswith(("/", "~")) or "\\" in name or ".." in name.split("/"):
        return "the path is given from the workspace on, and does not leave it"
    return None
