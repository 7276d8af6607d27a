"""What stands behind the page: components, graphs, files, and the processes that run models."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from composer.web.actions import Actions
from composer.web.catalog_source import CatalogSource
from composer.web.dock import Setting
from composer.web.dock.sources import WeightsPlace
from composer.web.file_actions import FileActions
from composer.web.payloads import OpenRequest
from composer.web.programs import Programs
from composer.web.runs import Passes, Runner
from composer.web.training import Training
from composer.web.training.setup import PRELOADED
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
        training: Starts trainings and answers about them.
        programs: Reads programs that a person uploads.
    """

    actions: Actions
    files: FileActions
    dock: Setting
    training: Training
    programs: Programs

    @classmethod
    @contextmanager
    def open(cls, workspace: Path, folders: Sequence[Path] = (), *, runs_at_once: int = 1) -> "Iterator[Services]":
        """The services, and their end.

        Args:
            workspace: Folder of the person's graphs.
            folders: Folders of components to enable.
            runs_at_once: How many trainings run at the same time.
        """
        actions = Actions(CatalogSource(tuple(folders)))
        files = FileActions(Workspace(workspace), actions.components, actions.graph_of, actions.shown, actions.view_of)
        with (
            Runner(tuple(folders), preload=PRELOADED) as runner,
            Training(
                workspace,
                folders,
                actions.graph_of,
                actions.components,
                actions.shown,
                runner,
                at_once=runs_at_once,
            ) as training,
            Passes() as passes,
        ):
            programs = Programs(files.workspace, training.setup.tasks)

            def weights(place: WeightsPlace, name: str) -> Path | None:
                if place == "import":
                    return programs.weights(name)
                return training.results.weights(name) if place == "run" else files.workspace.weights_of(place, name)

            setting = Setting(actions.components, actions.graph_of, files.read, weights, runner, passes)
            yield cls(actions, files, setting, training, programs)

    def warm_up(self) -> None:
        """Do once what takes long the first time: reading the components, sizes, and the process that runs models."""
        self.dock.runner.warm_up()
        self.actions.catalog()
        self.files.open(OpenRequest(place="shipped", name=_FIRST))
