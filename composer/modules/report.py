"""What an import has to report: what became what, by counts and by name."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from composer.problems import Problem, Where, some_of

__all__ = ["ImportReport"]


@dataclass(frozen=True)
class ImportReport:
    """What became what.

    Args:
        source: What was imported: the class of a module, or a file.
        calls: Calls of layers and functions.
        nodes: Nodes of the graph, with those inside every call of a subgraph.
        top: Nodes on the top level.
        subgraphs: Names of the subgraphs and how often each is called.
        became: For each (what was called, type of the component) how many calls; an empty type is a call that changes
            nothing and has no node.
        placeholders: For each placeholder, by its path, what it stands for and why it has no part.
        renamed: Names in the graph's state dict that differ from the module's, with the module's.
        weights: How many tensors the graph's state dict has.
        unused: Names of the module's weights that the graph does not have, since no call reads them.
        evaluation: The largest difference of the outputs in evaluation, relative to the largest output; None where they
            were not compared.
        training: The largest difference of outputs and weights around one training step; None where there was none.
        notes: What else there is to know.
        lost: What acts in training alone and left no trace in what was imported, so that the graph trains otherwise.
    """

    source: str
    calls: int
    nodes: int
    top: int
    subgraphs: Mapping[str, int]
    became: Mapping[tuple[str, str], int]
    placeholders: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    weights: int = 0
    unused: tuple[str, ...] = ()
    evaluation: float | None = None
    training: float | None = None
    notes: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [
            f"{self.source}: {self.calls:,} calls became {self.nodes:,} nodes, {self.top} of them on the top level, "
            f"in {len(self.subgraphs)} subgraphs"
        ]
        rows = sorted(self.became.items(), key=lambda item: (-item[1], item[0]))
        width = max((len(f"{count:,}") for _, count in rows), default=1)
        for (called, type), count in rows:
            what = type or "no node: it changes nothing"
            lines.append(f"  {count:>{width},} {called}{'' if called == type else f' -> {what}'}")
        lines += [f"  placeholder {path}: {why}" for path, why in self.placeholders.items()]
        lines.append(self._proof())
        if self.renamed:
            some = next(iter(self.renamed.items()))
            lines.append(f"{len(self.renamed)} of {self.weights} names of weights differ: {some[1]} is {some[0]}")
        if self.unused:
            lines.append(f"weights that no call reads: {some_of(self.unused, 10)}")
        return "\n".join([*lines, *self.notes, *(f"warning: {text}" for text in self.lost)])

    def problems(self) -> tuple[Problem, ...]:
        """The same as problems, none of which is an error: what came in, what has no part, what trains otherwise."""
        where = Where(self.source)
        inside = f" and {len(self.subgraphs)} subgraphs" if self.subgraphs else ""
        text = f"{self.calls:,} calls became {self.top} nodes{inside}, {self._proof()}"
        unread = (f"weights that no call reads are left out: {some_of(self.unused, 10)}",) if self.unused else ()
        return (
            Problem("imported", where, "; ".join((text, *unread, *self.notes)), severity="notice"),
            *(Problem("lost-in-evaluation", where, text, severity="warning") for text in self.lost),
            *(Problem("no-part", Where(path), why, severity="warning") for path, why in self.placeholders.items()),
        )

    def _proof(self) -> str:
        if self.evaluation is None:
            return "outputs were not compared"
        text = f"outputs differ by at most {self.evaluation:.1e} of the largest in evaluation"
        if self.training is not None:
            text += f", outputs and weights by at most {self.training:.1e} around a training step"
        return text
