"""Begins a training from what a page has: a graph on the canvas, a recipe, and data in the workspace."""

import time
from collections.abc import Callable
from typing import Any

from composer.catalog import Catalog
from composer.graph import Graph
from composer.graph.file import write
from composer.graph.file.yamltext import MAX_BYTES
from composer.problems import GraphError, Problem, Where
from composer.training.data.source import is_of_hub, paths_of
from composer.training.recipe import Data, Recipe, Split, loads_recipe, write_recipe
from composer.training.runs.folder import GRAPH, RECIPE, new_folder, new_name, resolved
from composer.web.training.forecasts import Forecasts
from composer.web.training.payloads import TrainStartReply, TrainStartRequest
from composer.web.training.places import Places
from composer.web.training.queue import Queue
from composer.web.training.requests import Request

__all__ = ["Starter", "placed"]


class Starter:
    """Begins trainings.

    Args:
        places: Where runs and data are.
        queue: Starts them.
        graph_of: The graph of a document.
        catalog: The components at this moment.
        forecasts: What checks counted.
    """

    def __init__(
        self,
        places: Places,
        queue: Queue,
        graph_of: Callable[[str], Graph],
        catalog: Callable[[], Catalog],
        forecasts: Forecasts,
    ) -> None:
        self.places = places
        self.queue = queue
        self.graph_of = graph_of
        self.catalog = catalog
        self.forecasts = forecasts

    def start(self, request: TrainStartRequest) -> TrainStartReply:
        """Prepare the folder of a run and let it wait for its turn.

        Raises:
            GraphError: The graph, the recipe or a path is wrong, the name is taken, or there is too little disk or
                memory for what the check counted.
        """
        graph = self.graph_of(request.document)
        if not graph.nodes:
            raise GraphError(Problem("no-graph", Where("graph"), "the canvas is empty: open or draw a model first"))
        recipe = placed(self.recipe_of(request), self.places)
        needs = self.forecasts.of(graph, recipe)
        self.queue.refuse_full(needs)
        name = self.places.run(request.name or new_name(graph)).name  # refuses what is no name
        folder = new_folder(self.places.runs, name)
        try:
            write(graph, folder / GRAPH, self.catalog())
            write_recipe(recipe, folder / RECIPE, full=False)
        except OSError as error:
            text = f"the run cannot be written: {error.strerror or error}"
            raise GraphError(Problem("cannot-write", Where(folder.name), text)) from None
        self.queue.submit(folder.name, Request("begin", time.time(), request.fix, needs=needs))
        return TrainStartReply(name=folder.name)

    def recipe_of(self, request: TrainStartRequest) -> Recipe:
        """The recipe that a page asks for, with paths from the workspace on.

        Raises:
            GraphError: It is none.
        """
        if len(request.recipe) > MAX_BYTES:
            raise GraphError(Problem("too-large", Where("recipe"), f"it has {len(request.recipe):,} characters"))
        if request.recipe.strip():
            recipe = loads_recipe(_with_graph(request.recipe), "recipe")
        elif request.data:
            recipe = Recipe(graph=GRAPH, data=Data(train=Split(path=request.data)))
        else:
            text = "no data was named: choose a folder of images in the workspace"
            raise GraphError(Problem("recipe-missing", Where("data"), text))
        changes: dict[str, Any] = {"graph": GRAPH}
        if request.data:
            changes["data"] = recipe.data.model_copy(update={"train": Split(path=request.data), "val": None})
        if request.epochs is not None:
            changes |= {"epochs": request.epochs, "steps": None}
        return recipe.model_copy(update=changes)


def placed(recipe: Recipe, places: Places) -> Recipe:
    """A recipe of a page with paths that hold from anywhere, all of them in the workspace.

    Args:
        recipe: The recipe, with paths from the workspace on.
        places: Where data is.

    Raises:
        GraphError: A path leads out of the workspace, or nothing is there; carries all of them.
    """
    problems: list[Problem] = []
    splits = {"train": recipe.data.train, "val": recipe.data.val}
    for key, split in splits.items():
        if split is None:
            continue
        where = f"data.{key}"
        if is_of_hub(split):
            text = "data of a hub is not fetched from the browser: train it with composer train"
            problems.append(Problem("recipe-value", Where(where), text))
            continue
        problems += [fault for path in paths_of(split).values() if (fault := _fault(places, path, where)) is not None]
    if recipe.weights is not None and (fault := _fault(places, recipe.weights, "weights")) is not None:
        problems.append(fault)
    if problems:
        raise GraphError(problems)
    return resolved(recipe, places.workspace.resolve()).model_copy(update={"graph": recipe.graph})


def _fault(places: Places, path: Any, where: str) -> Problem | None:
    if not isinstance(path, str):
        return Problem("recipe-value", Where(where), "a path is a text")
    try:
        places.data(path)
    except GraphError as error:
        return error.problems[0]
    return None


def _with_graph(text: str) -> str:
    """A recipe of the form has no graph: it is the one on the canvas."""
    return text if any(line.startswith("graph:") for line in text.splitlines()) else f"graph: {GRAPH}\n{text}"
