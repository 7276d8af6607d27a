"""A file of another runtime, run as the model that it was made of."""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from composer.catalog import Catalog
from composer.graph import Graph
from composer.graph.file import dumps, loads
from composer.graph.file.document import to_document
from composer.graph.plan import Program
from composer.ports import PortTypes
from composer.problems import GraphError, Problem, Where

__all__ = ["ExportedModel", "metadata", "unread"]

_GRAPH, _MODE = "composer.graph", "composer.mode"


class ExportedModel(ABC):
    """An exported file. It is called as a ``Model`` is, for the one mode that it holds.

    Args:
        path: The file.
        entries: What it says of itself, as ``metadata`` has it.
        taken: Its inputs, each with the only size of its batch; None, or a text, where it takes any.
        format: What ``composer export --to`` calls such files.

    Attributes:
        graph: The graph that it was made of.
        mode: The mode that it holds.
        port_types: The port types by name.
        program: What the mode takes, by name.

    Raises:
        GraphError: The file does not come from composer.
    """

    def __init__(
        self, path: str | Path, entries: Mapping[str, str], taken: Mapping[str, int | str | None], format: str
    ) -> None:
        if _GRAPH not in entries or _MODE not in entries:
            text = "it does not say which graph it was made of, so nothing is known of its images; expected a file of "
            raise GraphError(Problem("no-graph", Where(str(path)), f"{text}composer export --to {format}"))
        self.graph: Graph = loads(entries[_GRAPH], str(path))
        self.mode: str = entries[_MODE]
        self.port_types: PortTypes = Catalog.default().port_types
        self._taken = taken
        self.program = Program(
            self.mode,
            tuple(name for name in self.graph.inputs if name in taken),
            tuple(name for name in self.graph.data_samples if name in taken),
            (),
            (),
        )

    @abstractmethod
    def compute(self, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Outputs by name.

        Args:
            given: The inputs and fields that the file takes, by name.
        """

    def __call__(
        self, inputs: Mapping[str, Tensor], fields: Mapping[str, Tensor] | None = None, mode: str = ""
    ) -> dict[str, Tensor]:
        """What the file gives. A file of a fixed batch gets the samples again and again until it is full."""
        given = {**inputs, **(fields or {})}
        count = len(next(iter(given.values())))
        feed = {name: self._filled(name, given[name]) for name in self._taken}
        outputs = self.compute(feed)
        full = len(next(iter(feed.values())))
        return {name: value[:count] if value.ndim and len(value) == full else value for name, value in outputs.items()}

    def _filled(self, name: str, value: Tensor) -> Tensor:
        batch = self._taken[name]
        if not isinstance(batch, int) or len(value) == batch:
            return value
        if len(value) > batch:
            text = f"found {len(value)} samples, the file takes {batch} at once"
            raise GraphError(Problem("image-size", Where(name), text))
        return value.repeat(-(-batch // len(value)), *(1 for _ in value.shape[1:]))[:batch]


def metadata(graph: Graph, mode: str) -> dict[str, str]:
    """What a file says of itself: its graph and mode, and for other programs ``classes`` and ``preprocess`` as JSON."""
    inputs = to_document(graph).get("inputs", {})
    steps = {name: entry["preprocess"] for name, entry in inputs.items() if "preprocess" in entry}
    found = {_GRAPH: dumps(graph), _MODE: mode, "preprocess": json.dumps(steps)}
    return found | ({"classes": json.dumps(list(graph.classes), ensure_ascii=False)} if graph.classes else {})


def unread(path: str | Path, error: OSError) -> GraphError:
    """The error for a file that cannot be opened."""
    code = "no-file" if isinstance(error, FileNotFoundError) else "cannot-read"
    return GraphError(Problem(code, Where(str(path)), f"it cannot be read: {error.strerror}"))
