"""What stands behind the page: components, graphs, files, and the processes that run models."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from composer.web.actions import Actions
from composer.web.catalog_source import CatalogSource
from composer.web.dock import Setting
from composer.web.file_actions import FileActions
from composer.web.payloads import OpenRequest
from composer.web.runs import Runner
from composer.web.workspace import Workspace

__all__ = ["Services"]

_FIRST = "classification/fashion_mnist.yaml"


@dataclass(frozen=True)
class Services:
    """All of them.

    Args:
        actions: Answers about graphs.
        files: Answers about files.
        dock: What the dock is given.
    """

    actions: Actions
    files: FileActions
    dock: Setting

    @classmethod
    @contextmanager
    def open(cls, workspace: Path, folders: Sequence[Path] = ()) -> "Iterator[Services]":
        """The services, and their end.

        Args:
            workspace: Folder of the person's graphs.
            folders: Folders of components to enable.
        """
        actions = Actions(CatalogSource(tuple(folders)))
        files = FileActions(Workspace(workspace), actions.components, actions.graph_of, actions.shown, actions.told)
        with Runner(tuple(folders)) as runner:
            setting = Setting(actions.components, actions.graph_of, files.read, files.workspace.weights_of, runner)
            yield cls(actions, files, setting)

    def warm_up(self) -> None:
        """Do once what takes long the first time: reading the components, sizes, and the process that runs models."""
        self.dock.runner.warm_up()
        self.actions.catalog()
        self.files.open(OpenRequest(place="shipped", name=_FIRST))
