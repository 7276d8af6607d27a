"""The passes whose values a page may still look at: their numbers, and a file of values each."""

import secrets
import shutil
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np

from composer.problems import GraphError, Problem, Where
from composer.web.runs.maps import sheet_of
from composer.web.runs.payloads import MapRequest, MapView, PassRequest, PassView
from composer.web.runs.results import RunResult, ValueRow

__all__ = ["KEPT_BYTES", "Passes"]

KEPT_BYTES = 64 * 2**20
"""Values of one pass that are kept, beside those of the selected node."""

_MOST = 16
_MOST_BYTES = 2**30
_LARGEST = 2**28
"""Numbers that are shown of one tensor, at most."""


@dataclass(frozen=True)
class _Pass:
    view: PassView
    rows: dict[tuple[str, str, int | None], ValueRow]
    path: Path
    size: int


class Passes:
    """Keeps the newest passes of all pages; who has the name of one may look at it.

    Args:
        folder: Where the files go; by default a folder of their own that ends with them.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._made = folder is None
        self._folder = Path(tempfile.mkdtemp(prefix="composer-values-")) if folder is None else folder
        self._passes: OrderedDict[str, _Pass] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self) -> tuple[str, Path]:
        """A name that nobody can guess, and the file that a worker may write."""
        name = secrets.token_urlsafe(16)
        return name, self._folder / f"{name}.values"

    def keep(self, name: str, title: str, document: str, training: bool, result: RunResult) -> None:
        """Keep what a run found; the oldest passes go where there are too many.

        Args:
            name: Its name.
            title: What went in, in a few words.
            document: The graph that ran.
            training: Whether nodes did as in training.
            result: What the run gave.
        """
        path = self._folder / f"{name}.values"
        size = path.stat().st_size if path.is_file() else 0
        view = PassView(
            name=name, title=title, mode=result.mode, training=training, document=document, rows=result.values
        )
        rows = {(row.node, row.port, row.level): row for row in result.values}
        with self._lock:
            self._passes[name] = _Pass(view, rows, path, size)
            while len(self._passes) > _MOST or sum(one.size for one in self._passes.values()) > _MOST_BYTES:
                _, gone = self._passes.popitem(last=False)
                gone.path.unlink(missing_ok=True)

    def drop(self, name: str) -> None:
        """Forget a run that gave nothing."""
        (self._folder / f"{name}.values").unlink(missing_ok=True)

    def look(self, request: PassRequest) -> PassView:
        """The numbers of every node.

        Raises:
            GraphError: The pass is not kept any more.
        """
        return self._pass(request.name).view

    def draw(self, request: MapRequest) -> MapView:
        """The values of one tensor.

        Raises:
            GraphError: The pass, or these values, are not kept.
        """
        found = self._pass(request.name)
        row = found.rows.get((request.node, request.port, request.level))
        if row is None or row.offset is None:
            text = "the values of this node are not kept: select it and run again"
            raise GraphError(Problem("no-file", Where(request.node[:100]), text))
        sheet = sheet_of(_read(found.path, row), request.channel, request.first)
        return MapView(**{**sheet.__dict__, "bars": list(sheet.bars)})

    def close(self) -> None:
        """Forget all."""
        with self._lock:
            self._passes.clear()
        if self._made:
            shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> "Passes":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _pass(self, name: str) -> _Pass:
        with self._lock:
            found = self._passes.get(name)
            if found is not None:
                self._passes.move_to_end(name)
        if found is None:
            raise GraphError(Problem("no-file", Where("values"), "the values of this run are not kept any more"))
        return found


def _read(path: Path, row: ValueRow) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    """The kept values of a row; sizes come from a worker, so they are compared with the file."""
    count = _product(row.kept)
    with path.open("rb") as file:
        file.seek(max(row.offset or 0, 0))
        found = np.frombuffer(file.read(count * 4), np.float32)
    if len(found) != count:
        raise GraphError(Problem("no-file", Where(row.node), "the values of this node cannot be read"))
    return found.reshape(row.kept)


def _product(sizes: Sequence[int]) -> int:
    found = 1
    for size in sizes:
        found *= max(size, 0)
    return min(found, _LARGEST)
