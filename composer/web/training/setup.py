"""What comes before a training: data of the workspace, the recipe, images as training sees them, and the check."""

import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from composer.catalog import Catalog
from composer.graph import Graph
from composer.problems import GraphError, Problem, Where
from composer.training.recipe import Recipe
from composer.web.runs import Runner
from composer.web.setup_payloads import (
    CheckRequest,
    CheckResult,
    DataResult,
    FoldersRequest,
    ImagesRequest,
    LookDataRequest,
    RecipeFormRequest,
    RecipeRequest,
    SaveRecipeRequest,
    SetupResult,
    StoredRecipeRequest,
    TaskRequest,
    TaskView,
    UnpackRequest,
)
from composer.web.training.archives import UnpackJob
from composer.web.training.data_look import ImagesJob, LookJob
from composer.web.training.folders import browse
from composer.web.training.forecasts import Forecasts
from composer.web.training.known import Known
from composer.web.training.recipe_form import recipe_form
from composer.web.training.recipes import Recipes
from composer.web.training.tasks import Tasks
from composer.web.training.trial import CheckJob
from composer.web.uploads import uploaded

__all__ = ["PRELOADED", "Setup"]

PRELOADED = (
    "composer.web.runs.program_job",
    "composer.web.training.archives",
    "composer.web.training.data_look",
    "composer.web.training.trial",
)
"""What workers import before they are forked."""

_DATA = "data"
"""The folder of a workspace that uploads go to."""
_SECONDS = 1800.0
_AT_ONCE = 2
_WAITING = 6


class Setup:
    """Answers about what comes before a training.

    Args:
        workspace: The folder of a person's graphs.
        folders: Folders of components to enable.
        graph_of: The graph of a document.
        catalog: The components at this moment.
    """

    def __init__(
        self,
        workspace: Path,
        folders: Sequence[Path],
        graph_of: Callable[[str], Graph],
        catalog: Callable[[], Catalog],
    ) -> None:
        self.root = workspace
        self.runner = Runner(tuple(folders), at_once=_AT_ONCE, waiting=_WAITING, seconds=_SECONDS, preload=PRELOADED)
        self.tasks = Tasks(self.runner)
        self.recipes = Recipes(workspace, catalog, graph_of)
        self.forecasts = Forecasts()
        self.graph_of = graph_of

    def calls(self) -> Mapping[str, tuple[type[BaseModel], Callable[[Any], BaseModel]]]:
        """What a page can ask: a name, the form of the request, and what answers it."""
        return {
            "setup_folders": (FoldersRequest, partial(browse, self.root)),
            "setup_unpack": (UnpackRequest, self.unpack),
            "setup_look": (LookDataRequest, self.look),
            "setup_images": (ImagesRequest, self.images),
            "setup_form": (RecipeFormRequest, lambda _: recipe_form()),
            "setup_recipe": (RecipeRequest, self.recipes.read),
            "setup_stored": (StoredRecipeRequest, self.recipes.stored),
            "setup_save": (SaveRecipeRequest, self.recipes.save),
            "setup_check": (CheckRequest, self.check),
            "setup_task": (TaskRequest, lambda request: self.tasks.look(request.id)),
            "setup_cancel": (TaskRequest, lambda request: self.tasks.stop(request.id)),
        }

    def close(self) -> None:
        """End everything that goes on."""
        self.runner.close()

    def unpack(self, request: UnpackRequest) -> TaskView:
        """Unpack an upload.

        Raises:
            GraphError: It is no upload, or the workspace cannot be written.
        """
        archive = uploaded(request.path)
        folder = self.root.resolve() / _DATA
        begun = folder / f".unpacking-{secrets.token_hex(6)}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            text = f"the folder cannot be made: {error.strerror or error}"
            raise GraphError(Problem("cannot-write", Where(_DATA), text)) from None
        if folder.is_symlink():
            raise GraphError(Problem("bad-file-name", Where(_DATA), "it is a link, and may lead out of the workspace"))
        job = UnpackJob(archive, request.name, self.root, begun)

        def ended() -> None:
            shutil.rmtree(begun, ignore_errors=True)
            with suppress(OSError):
                archive.unlink()

        return self.tasks.start(job, ended=ended)

    def look(self, request: LookDataRequest) -> TaskView:
        """Look at the data of a recipe.

        Raises:
            GraphError: The recipe is none, or its data lies elsewhere.
        """
        recipe = self.recipes.whole(request.text, request.base)
        return self.tasks.start(LookJob(recipe, self.root, request.deep), done=partial(self._remember, recipe))

    def images(self, request: ImagesRequest) -> TaskView:
        """Read images as training sees them.

        Raises:
            GraphError: The recipe is none, or its data lies elsewhere.
        """
        recipe = self.recipes.whole(request.text, request.base)
        return self.tasks.start(
            ImagesJob(request.document, recipe, self.root, request.split, request.epoch, request.start, request.count)
        )

    def check(self, request: CheckRequest) -> TaskView:
        """Try a training.

        Raises:
            GraphError: The recipe is none, or its data lies elsewhere.
        """
        recipe = self.recipes.whole(request.text, request.base)
        graph = self.graph_of(request.document)

        def counted(result: SetupResult) -> None:
            if isinstance(result, CheckResult):
                self.forecasts.remember(graph, recipe, result)

        return self.tasks.start(CheckJob(request.document, recipe, self.root), done=counted)

    def _remember(self, recipe: Recipe, result: SetupResult) -> None:
        if isinstance(result, DataResult):
            train, val = (result.known.get(name) for name in ("train", "val"))
            samples = (Known.of_json(train or {}), None if val is None else Known.of_json(val))
            self.recipes.remember(recipe, samples)
            result.known.clear()  # thousands of names that the page has already
