"""Recipes as pages have them: read, completed by graph and data, held against both, and kept beside the graph."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from composer.catalog import Catalog
from composer.graph import Graph
from composer.graph.file import atomic_write
from composer.graph.file.yamltext import parse
from composer.graph.file.yamlwriter import dump
from composer.graph.link import link
from composer.model import Model
from composer.model.compile import outline
from composer.problems import GraphError, Problem, Where
from composer.training.data.columns import check_wiring
from composer.training.defaults import check_recipe, complete
from composer.training.metrics import default_metrics
from composer.training.recipe import Recipe, loads_recipe
from composer.web.filenames import RECIPE_SUFFIX, SUFFIX
from composer.web.payloads import ProblemView
from composer.web.recent import Recent
from composer.web.setup_payloads import (
    RecipeReply,
    RecipeRequest,
    SaveRecipeReply,
    SaveRecipeRequest,
    StoredRecipeReply,
    StoredRecipeRequest,
)
from composer.web.training.comments import rewritten
from composer.web.training.folders import below, confined
from composer.web.training.known import Known
from composer.web.training.recipe_text import command, edited, in_order, moved
from composer.web.views import problem_view
from composer.web.views.problem_views import problem_views

__all__ = ["Recipes", "data_key"]

_KEPT = 16
_FILE = "recipe"
_FILLED = ("epochs", "steps", "optimizer", "schedule", "augment", "channels_last", "clip", "checkpoints", "evaluation")
"""Keys that are filled in by graph and data; defaults are shown as if a recipe had none of them."""

Samples = tuple[Known, Known | None]


def data_key(recipe: Recipe) -> str:
    """Identifies the samples of a recipe.

    Args:
        recipe: The recipe, with whole paths.
    """
    data = recipe.data.model_dump(mode="json", exclude={"columns"})
    return hashlib.sha256(json.dumps([data, recipe.seed], sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class _Read:
    """A recipe as far as it can be read.

    Args:
        values: What the text says; None where it is no mapping.
        recipe: The recipe with whole paths; None where it is wrong.
        problems: What is wrong.
        has_data: Whether it names data.
    """

    values: dict[str, Any] | None
    recipe: Recipe | None
    problems: list[Problem]
    has_data: bool


@dataclass(frozen=True)
class Recipes:
    """All about recipes.

    Args:
        root: The workspace.
        catalog: The components at this moment.
        graph_of: The graph of a document.
    """

    root: Path
    catalog: Callable[[], Catalog]
    graph_of: Callable[[str], Graph]
    _samples: Recent[str, Samples] = field(default_factory=lambda: Recent(_KEPT), repr=False)
    _outlines: Recent[str, Model | GraphError] = field(default_factory=lambda: Recent(_KEPT), repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def remember(self, recipe: Recipe, samples: Samples) -> None:
        """Note what the samples of a recipe are."""
        self._samples.put(data_key(recipe), samples)

    def forget(self, recipe: Recipe) -> None:
        """Samples are looked at again, since files may have changed."""
        self._samples.forget(data_key(recipe))

    def read(self, request: RecipeRequest) -> RecipeReply:
        """Read a recipe, or change it and read what became of it."""
        text, filled = request.text, None
        if request.edits:
            before = self._read(text, request)
            if before.values is None:
                raise GraphError(before.problems)
            filled = self._filled(before, request.document)
            text = rewritten(text, self._edited(before, request, filled))
        now = self._read(text, request)
        return self._reply(text, now, request)

    def whole(self, text: str, base: str) -> Recipe:
        """The recipe of a text, with paths that lie in the workspace.

        Raises:
            GraphError: It is none, or a path leads out of the workspace.
        """
        return confined(loads_recipe(text, _FILE), self.root, base)

    def stored(self, request: StoredRecipeRequest) -> StoredRecipeReply:
        """The recipe beside a graph of the workspace."""
        path, name, base = self._beside(request.graph)
        content = None
        with suppress(OSError):
            content = path.read_bytes()
        text = "" if content is None else content.decode("utf-8", "replace")
        return StoredRecipeReply(name=name, text=text, version=_version(content), base=base)

    def save(self, request: SaveRecipeRequest) -> SaveRecipeReply:
        """Write a recipe beside a graph of the workspace; the file is replaced at once.

        Raises:
            GraphError: There is no such graph, or the file cannot be written.
        """
        path, name, base = self._beside(request.graph)
        text = request.text
        with suppress(GraphError):  # what cannot be read is kept as it is typed
            data, _ = parse(text, _FILE)
            if isinstance(data, dict):
                fresh = {**moved(data, request.base, base), "graph": request.graph.rpartition("/")[2]}
                text = text if fresh == data else rewritten(text, in_order(fresh))
        with self._lock:
            before = None
            with suppress(OSError):
                before = path.read_bytes()
            changed = before is not None and before.decode("utf-8", "replace") != text
            if changed and _version(before) != request.version and not request.overwrite:
                conflict = f"{name} is not what it was when it was read here: somebody or something else changed it"
                return SaveRecipeReply(name=name, text=text, base=base, version=_version(before), conflict=conflict)
            try:
                atomic_write(path, text.encode())
            except OSError as error:
                found = f"the recipe cannot be written: {error.strerror or error}"
                raise GraphError(Problem("cannot-write", Where(name), found)) from None
        return SaveRecipeReply(name=name, text=text, base=base, version=_version(text.encode()))

    def _beside(self, graph: str) -> tuple[Path, str, str]:
        """The recipe of a graph: its path, its name, and its folder from the workspace on."""
        if not graph.endswith(SUFFIX) or graph.endswith(RECIPE_SUFFIX):
            raise GraphError(Problem("bad-file-name", Where(graph[:100]), f"the name of a graph file ends in {SUFFIX}"))
        if not below(self.root, graph, "graph").is_file():
            raise GraphError(Problem("no-file", Where(graph), "there is no such graph any more"))
        name = graph.removesuffix(SUFFIX) + RECIPE_SUFFIX
        return below(self.root, name, "recipe"), name, graph.rpartition("/")[0]

    # --- reading ---

    def _read(self, text: str, request: RecipeRequest) -> _Read:
        name = request.graph.rpartition("/")[2]
        try:
            data, _ = parse(text, _FILE) if text.strip() else ({"graph": name}, None)
        except GraphError as error:
            return _Read(None, None, list(error.problems), False)
        values = in_order(data) if isinstance(data, dict) else None
        has_data = isinstance(data, dict) and data.get("data") is not None
        try:
            recipe = loads_recipe(text if text.strip() else dump(values), _FILE)
            return _Read(values, confined(recipe, self.root, request.base), [], has_data)
        except GraphError as error:
            wanted = [("data",), ("graph",)] if not has_data else [("graph",)]
            kept = [one for one in error.problems if one.code != "recipe-missing" or one.where.path not in wanted]
            return _Read(values, None, kept, has_data)

    def _edited(self, before: _Read, request: RecipeRequest, filled: Recipe | None) -> dict[str, Any]:
        assert before.values is not None, "the caller looked"
        whole = None if filled is None else filled.to_document(full=True)
        data = {"graph": request.graph.rpartition("/")[2], **before.values}
        found = edited(data, request.edits, whole)
        return self._tidy(found, request)

    def _tidy(self, data: dict[str, Any], request: RecipeRequest) -> dict[str, Any]:
        """Parts that say what would be filled in are taken out again."""
        try:
            recipe = confined(loads_recipe(dump(data), _FILE), self.root, request.base)
        except GraphError:
            return data
        usual = self._usual(recipe, data, request.document)
        if usual is None:
            return data
        for part in ("optimizer", "schedule", "augment"):
            if data.get(part) and getattr(recipe, part) == getattr(usual, part):
                del data[part]
        if "optimizer" not in data and "clip" in data and recipe.clip == usual.clip:
            del data["clip"]
        return data

    def _reply(self, text: str, now: _Read, request: RecipeRequest) -> RecipeReply:
        model, broken = self._outline(request.document)
        samples = self._known(now.recipe)
        completed = self._filled(now, request.document)
        defaults = None if now.recipe is None else self._usual(now.recipe, now.values or {}, request.document)
        problems, unfit = list(now.problems), list(broken)
        if now.recipe is not None and model is not None:
            found, more = self._held(now.recipe, request.document, model, samples)
            problems += found
            unfit += more
        elif now.recipe is not None:
            problems += check_recipe(now.recipe, self.graph_of(request.document), self.catalog())
        run = {} if now.values is None else moved(now.values, request.base, "")
        wrong = any(problem.severity == "error" for problem in (*problems, *unfit))
        return RecipeReply(
            text=text,
            values=now.values,
            completed=None if completed is None else completed.to_document(full=True),
            defaults=None if defaults is None else defaults.to_document(full=True),
            problems=_once(problem_view(problem) for problem in problems),
            graph_problems=self._of_graph(unfit, request.document),
            has_data=now.has_data,
            known=samples is not None,
            steps=_steps(completed, samples),
            command=command(run, request.graph) if now.has_data else "",
            ready=not wrong and now.recipe is not None and samples is not None,
            run_text=dump(in_order(run)) if now.recipe is not None else "",
        )

    def _held(
        self, recipe: Recipe, document: str, model: Model, samples: Samples | None
    ) -> tuple[list[Problem], list[Problem]]:
        """What is wrong with recipe and data, and what of the graph does not fit."""
        graph, catalog = self.graph_of(document), self.catalog()
        train = None if samples is None else samples[0]
        found = check_recipe(recipe, graph, catalog, train, model)
        if samples is not None:
            found += check_wiring(graph, catalog, recipe, samples[0])[1]
            if samples[1] is not None:
                found += check_wiring(graph, catalog, recipe, samples[1], training=False)[1]
        ours = [one for one in found if _is_of_recipe(one)]
        return ours, [one for one in found if one not in ours]

    def _of_graph(self, problems: list[Problem], document: str) -> list[ProblemView]:
        return _once(problem_views(problems, link(self.graph_of(document), self.catalog()), ()))

    # --- completing ---

    def _filled(self, now: _Read, document: str) -> Recipe | None:
        """The recipe with all that is filled in; None where graph or data are not known."""
        return None if now.recipe is None else self._complete(now.recipe, document)

    def _complete(self, recipe: Recipe, document: str) -> Recipe | None:
        samples = self._known(recipe)
        model, _ = self._outline(document)
        if samples is None or model is None:
            return None
        graph, catalog = self.graph_of(document), self.catalog()
        try:
            found = complete(recipe, graph, catalog, samples[0], model)
            if samples[1] is not None and found.evaluation.metrics is None:
                wires, _ = check_wiring(graph, catalog, recipe, samples[1], training=False)
                names = default_metrics(graph, catalog, samples[1], wires)
                found = found.model_copy(update={"evaluation": found.evaluation.model_copy(update={"metrics": names})})
        except GraphError:
            return None
        return found

    def _usual(self, recipe: Recipe, values: Mapping[str, Any], document: str) -> Recipe | None:
        """What is filled in where a recipe says nothing of it, with the batch that it says."""
        kept: dict[str, Any] = {"graph": recipe.graph, "data": recipe.data, "weights": recipe.weights}
        whole = values.get("batches")
        batch = whole.get("batch") if isinstance(whole, Mapping) else None
        plain = self._complete(Recipe.model_validate({**kept, "seed": recipe.seed}), document)
        if plain is None or type(batch) is not int or batch < 1:
            return plain
        batched = Recipe.model_validate({**kept, "seed": recipe.seed, "batches": {"batch": batch}})
        found = self._complete(batched, document)
        return None if found is None else found.model_copy(update={"batches": plain.batches})

    def _known(self, recipe: Recipe | None) -> Samples | None:
        return None if recipe is None else self._samples.get(data_key(recipe))

    def _outline(self, document: str) -> tuple[Model | None, list[Problem]]:
        """The model without numbers, or what is wrong with the graph."""
        key = hashlib.sha256(document.encode()).hexdigest()
        found = self._outlines.get(key)
        if found is None:
            try:
                found = outline(self.graph_of(document), self.catalog())
            except GraphError as error:
                found = error
            self._outlines.put(key, found)
        if isinstance(found, GraphError):
            return None, [problem for problem in found.problems if problem.severity == "error"]
        return found, []


def _is_of_recipe(problem: Problem) -> bool:
    """Whether a problem is about the recipe, and its fix an edit of that."""
    keys = {field.alias or name for name, field in Recipe.model_fields.items()}
    return bool(problem.where.path) and problem.where.path[0] in keys


def _steps(recipe: Recipe | None, samples: Samples | None) -> int | None:
    """Steps of the whole training."""
    if recipe is None or samples is None:
        return None
    return recipe.total_steps(recipe.batches.steps_in_epoch(len(samples[0])))


def _once(problems: Iterable[ProblemView]) -> list[ProblemView]:
    found: list[ProblemView] = []
    for problem in problems:
        if problem not in found:
            found.append(problem)
    return found


def _version(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()[:24]
