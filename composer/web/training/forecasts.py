"""What checks counted that trainings will take: a training is held against it before it starts."""

import hashlib
import json
from dataclasses import dataclass

from composer.graph import Graph
from composer.graph.file.document import to_document
from composer.problems import Problem, Where, byte_text
from composer.training.recipe import Recipe
from composer.web.recent import Recent
from composer.web.setup_payloads import CheckResult

__all__ = ["Forecasts", "Needs", "graph_key"]


@dataclass(frozen=True, slots=True)
class Needs:
    """What a training will take, by its check.

    Args:
        memory: Bytes at the peak of a step on this machine's processor, beside the process itself; 0 where not known.
        disk: Bytes of its checkpoints and weights; 0 where not known.
        batch: Samples of a step.
        largest: The largest batch that fitted when it was checked; 0 where not known, or not one did.
        keep: Checkpoints that are kept.
    """

    memory: int = 0
    disk: int = 0
    batch: int = 0
    largest: int = 0
    keep: int = 0

    def memory_problem(self, whole: int | None, least: int) -> Problem | None:
        """Why it can never start on a machine; None where it can.

        Args:
            whole: Bytes of memory that the machine has; None where that is not known.
            least: Bytes that its process takes beside them.
        """
        if whole is None or not self.memory or self.memory + least <= whole:
            return None
        text = f"the check counted {byte_text(self.memory)} at the peak of a step, its process takes about "
        text += f"{byte_text(least)} more, and this machine has {byte_text(whole)}: {self.advice}"
        return Problem("out-of-memory", Where("batches.batch", path=("batches", "batch")), text)

    @property
    def advice(self) -> str:
        """How it takes less memory."""
        if 0 < self.largest < self.batch:
            return f"set batches.batch to {self.largest} at most (it is {self.batch})"
        if self.batch > 1:
            return f"set batches.batch to less than {self.batch}, or precision to bf16"
        return "take smaller images, precision: bf16 or a smaller model"


class Forecasts:
    """The newest checks, by what they were made of."""

    def __init__(self) -> None:
        self._known: Recent[str, Needs] = Recent(64)

    def remember(self, graph: Graph, recipe: Recipe, result: CheckResult) -> None:
        """Note what a check counted.

        Args:
            graph: The graph that was checked.
            recipe: The recipe, with whole paths.
            result: What was found.
        """
        on_processor = result.device == "cpu"
        found = Needs(
            memory=(result.usual or result.peak or 0) if on_processor else 0,
            disk=result.disk or 0,
            batch=recipe.batches.batch,
            largest=(result.largest or 0) if on_processor else 0,
            keep=recipe.checkpoints.keep,
        )
        self._known.put(_key(graph, recipe), found)

    def of(self, graph: Graph, recipe: Recipe) -> Needs:
        """What a training will take; nothing is known of one that was not checked as it is now.

        Args:
            graph: The graph that is trained.
            recipe: The recipe, with whole paths.
        """
        return self._known.get(_key(graph, recipe)) or Needs()


def graph_key(graph: Graph) -> str:
    """Identifies a graph; where its boxes stand does not count."""
    document = {name: part for name, part in to_document(graph).items() if name != "metadata"}
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _key(graph: Graph, recipe: Recipe) -> str:
    asked = recipe.model_dump(mode="json", exclude={"graph", "metadata"})
    return f"{graph_key(graph)} {hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()}"
