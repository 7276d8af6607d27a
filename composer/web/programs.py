"""Programs of ``torch.export`` that a person uploads: they become graphs, whose weights the workspace keeps."""

import secrets
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from composer.problems import GraphError, Problem, Where
from composer.web.filenames import SUFFIX, file_name_of, name_fault
from composer.web.payloads import KeepWeightsReply
from composer.web.runs.program_job import ProgramJob
from composer.web.setup_payloads import KeepWeightsRequest, ProgramRequest, TaskView
from composer.web.training.tasks import Tasks
from composer.web.uploads import uploaded
from composer.web.workspace import Workspace

__all__ = ["Programs"]

_FOLDER = ".imports"
_KEPT = 8
"""Imports whose weights are kept for Run and Save; the oldest go first."""
_SECONDS = 600.0
_WEIGHTS = ".safetensors"


class Programs:
    """Reads programs, and keeps the weights that came with them until a graph is saved.

    Args:
        workspace: The files.
        tasks: Does the reading.
    """

    def __init__(self, workspace: Workspace, tasks: Tasks) -> None:
        self.workspace = workspace
        self.tasks = tasks

    def calls(self) -> Mapping[str, tuple[type[BaseModel], Callable[[Any], BaseModel]]]:
        """What a page can ask: a name, the form of the request, and what answers it."""
        return {"program_read": (ProgramRequest, self.read), "program_keep": (KeepWeightsRequest, self.keep)}

    def read(self, request: ProgramRequest) -> TaskView:
        """Begin to read an upload.

        Raises:
            GraphError: It is no upload, or the workspace cannot be written.
        """
        source = uploaded(request.path)
        name = request.name.replace("\\", "/").rpartition("/")[2] or "model.pt2"
        folder = self._made()
        stem = file_name_of(name.rpartition(".")[0] or name).removesuffix(SUFFIX)
        target = folder / f"{stem}{_WEIGHTS}"

        def ended() -> None:
            with suppress(OSError):
                source.unlink()
            if not target.is_file():
                shutil.rmtree(folder, ignore_errors=True)

        return self.tasks.start(ProgramJob(source, name, target), ended=ended, seconds=_SECONDS)

    def keep(self, request: KeepWeightsRequest) -> KeepWeightsReply:
        """Put the weights of an import beside the graph file that it was saved as.

        Raises:
            GraphError: They are not kept any more, there is no such file, or they cannot be written.
        """
        weights = self.weights(request.name)
        if weights is None:
            text = "the weights that came with this file are not kept any more: upload it again"
            raise GraphError(Problem("no-weights", Where(request.name.rpartition("/")[2]), text))
        file = self.workspace.keep_weights(request.file, weights)
        return KeepWeightsReply(file=file, load=self.workspace.load_line(request.file))

    def weights(self, name: str) -> Path | None:
        """The weights of an import, by what ``ProgramResult.file`` says; None where they are not kept any more.

        Raises:
            GraphError: It is no name of an import.
        """
        fault = name_fault(name)
        if fault is None and name.count("/") != 1:
            fault = "it is no name of an import"
        if fault is not None:
            raise GraphError(Problem("bad-file-name", Where(name[:100]), fault))
        path = (self._root() / name).with_suffix(_WEIGHTS)
        links = path.is_symlink() or path.parent.is_symlink() or path.parent.parent.is_symlink()
        return path if path.is_file() and not links else None

    def _root(self) -> Path:
        return self.workspace.folder.resolve() / _FOLDER

    def _made(self) -> Path:
        """A folder for one import, where the oldest of too many made room.

        Raises:
            GraphError: It cannot be made.
        """
        root = self._root()
        if root.is_symlink():
            raise GraphError(
                Problem("bad-file-name", Where(_FOLDER), "it is a link, and may lead out of the workspace")
            )
        folder = root / secrets.token_hex(8)
        try:
            folder.mkdir(parents=True)
            kept = sorted((one for one in root.iterdir() if one != folder), key=lambda one: one.stat().st_mtime)
        except OSError as error:
            text = f"the folder cannot be made: {error.strerror or error}"
            raise GraphError(Problem("cannot-write", Where(_FOLDER), text)) from None
        for old in kept[: max(0, len(kept) + 1 - _KEPT)]:
            shutil.rmtree(old, ignore_errors=True)
        return folder
