"""Weights: reading them from files, holding them against a model, and saving a model with its graph in one file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from composer.graph.file import atomic_write
from composer.problems import GraphError, Problem, Where, some_of

__all__ = ["WeightsReport", "compare", "convert", "graph_text_of", "put", "read_weights", "save_weights"]

GRAPH_KEY = "composer.graph"


@dataclass(frozen=True)
class WeightsReport:
    """How a file's weights fit a model.

    Args:
        matched: Names that both have, with the same shape.
        missing: Names that the model has and the file lacks.
        unexpected: Names that the file has and the model lacks.
        mismatched: Names with another shape: (shape in the file, shape in the model).
        dtypes: Names with another dtype: (dtype in the file, dtype in the model).
        nodes: Ids of the model's nodes, in order.
        otherwise: Settings of nodes with which they compute something else than what the weights were trained in:
            (here, there).
    """

    matched: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    mismatched: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = field(default_factory=dict)
    dtypes: Mapping[str, tuple[torch.dtype, torch.dtype]] = field(default_factory=dict)
    nodes: tuple[str, ...] = ()
    otherwise: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)

    @property
    def fits(self) -> bool:
        """Whether every name and shape agrees."""
        return not (self.missing or self.unexpected or self.mismatched)

    def table(self) -> str:
        """One line a node: how many entries matched, are missing, have another shape, or are only in the file."""
        groups: dict[str, list[int]] = {}
        columns = (self.matched, self.missing, tuple(self.mismatched), self.unexpected)
        for column, names in enumerate(columns):
            for name in names:
                node = name.split(".", 1)[0]
                node = node if node in self.nodes or not self.nodes else f"({node})"
                groups.setdefault(node, [0, 0, 0, 0])[column] += 1
        width = max([len("node"), *map(len, groups)])
        head = f"{'node':{width}}  matched  missing  other shape  not in the model"
        order = {node: position for position, node in enumerate(self.nodes)}
        rows = [
            f"{node:{width}}  {a:7}  {b:7}  {c:11}  {d:16}"
            for node, (a, b, c, d) in sorted(groups.items(), key=lambda item: order.get(item[0], len(order)))
        ]
        return "\n".join([head, *rows])

    @property
    def misfit(self) -> str:
        """What is said of weights that do not fit."""
        return f"the weights do not fit the graph\n{self}"

    def __str__(self) -> str:
        lines = [self.table()]
        for name, (found, expected) in list(self.mismatched.items())[:20]:
            lines.append(f"other shape: {name}: the file has {list(found)}, the model {list(expected)}")
        for title, names in (("missing", self.missing), ("not in the model", self.unexpected)):
            if names:
                lines.append(f"{title}: {some_of(names, 10)}")
        return "\n".join(lines)


def read_weights(
    path: str | Path, *, allow_pickle: bool = False, device: torch.device | str = "cpu"
) -> dict[str, Tensor]:
    """The tensors in a file, by name.

    A safetensors file holds tensors and nothing that runs. Other files are torch's pickles: they are refused unless the
    caller allows them, and then only tensors and plain containers are taken from them (``weights_only=True``).

    Args:
        path: The file.
        allow_pickle: Whether a torch file may be read.
        device: Where the tensors go.

    Raises:
        GraphError: There is no such file, it is damaged, or it is a pickle and these are not allowed.
    """
    where = Where(str(path), file=None)
    if not Path(path).is_file():
        raise GraphError(Problem("no-file", where, "there is no such file of weights"))
    if _is_safetensors(path):
        try:
            return load_file(path, device=str(device))
        except (SafetensorError, ValueError, OSError) as error:
            raise GraphError(Problem("bad-weights-file", where, f"it cannot be read: {error}")) from error
    if not allow_pickle:
        text = (
            "this is not a safetensors file; a torch file is a pickle, which is refused unless the caller says "
            "allow_pickle=True (it is then read with weights_only=True)"
        )
        raise GraphError(Problem("pickle-refused", where, text))
    try:
        found = torch.load(path, map_location=device, weights_only=True)
    except Exception as error:  # a damaged or hostile pickle may raise anything
        raise GraphError(Problem("bad-weights-file", where, f"it cannot be read: {error}")) from error
    found = found.get("state_dict", found) if isinstance(found, Mapping) else found
    if not isinstance(found, Mapping) or not all(isinstance(value, Tensor) for value in found.values()):
        text = f"expected a mapping of names to tensors, found {type(found).__name__}"
        raise GraphError(Problem("bad-weights-file", where, text))
    return dict(found)


def graph_text_of(path: str | Path) -> str:
    """The graph inside a safetensors file that ``Model.save`` wrote.

    Raises:
        GraphError: The file holds none.
    """
    where = Where(str(path))
    try:
        with safe_open(path, framework="pt") as file:
            metadata: Mapping[str, str] = file.metadata() or {}
    except FileNotFoundError as error:
        raise GraphError(Problem("no-file", where, "there is no such file")) from error
    except (SafetensorError, OSError) as error:
        raise GraphError(Problem("bad-weights-file", where, f"it cannot be read: {error}")) from error
    if GRAPH_KEY not in metadata:
        text = "it holds weights but no graph; load the graph's own file and give this one as weights="
        raise GraphError(Problem("no-graph", where, text))
    return metadata[GRAPH_KEY]


def compare(model: nn.Module, state: Mapping[str, Tensor], nodes: tuple[str, ...]) -> WeightsReport:
    """Hold names, shapes and dtypes of a state dict against a model."""
    mine = model.state_dict()
    both = [name for name in mine if name in state]
    same = [name for name in both if mine[name].shape == state[name].shape]
    return WeightsReport(
        matched=tuple(same),
        missing=tuple(name for name in mine if name not in state),
        unexpected=tuple(name for name in state if name not in mine),
        mismatched={
            name: (tuple(state[name].shape), tuple(mine[name].shape))
            for name in both
            if mine[name].shape != state[name].shape
        },
        dtypes={name: (state[name].dtype, mine[name].dtype) for name in same if state[name].dtype != mine[name].dtype},
        nodes=nodes,
    )


def put(
    model: nn.Module, state: Mapping[str, Tensor], report: WeightsReport, *, strict: bool, source: str, assign: bool
) -> None:
    """Put the matching entries of a state dict into a model.

    Args:
        model: Takes them.
        state: The tensors by name.
        report: What ``compare`` found.
        strict: Refuse if anything does not fit.
        source: Where they come from, for the error.
        assign: Let the model hold these very tensors, with their dtype, instead of copying into its own.

    Raises:
        GraphError: Something does not fit and ``strict`` is set, or nothing at all does.
    """
    if (strict and not report.fits) or (report.unexpected and not report.matched):
        hint = "load what matches with strict=False" if report.matched else "no entry matches: is this the right file?"
        raise GraphError(Problem("weights-mismatch", Where(source), f"{report.misfit}\n{hint}"))
    kinds = {name: pair for name, pair in report.dtypes.items() if len({dtype.is_floating_point for dtype in pair}) > 1}
    if kinds:
        name, (theirs, own) = next(iter(kinds.items()))
        text = f"{len(kinds)} entries are of another kind of number: {name} is {theirs} in the file, {own} in the model"
        raise GraphError(Problem("weights-dtype", Where(source), text))
    if report.dtypes and not assign:
        name, (theirs, own) = next(iter(report.dtypes.items()))
        text = (
            f"{len(report.dtypes)} entries have another dtype: {name} is {theirs} in the file, {own} in the model; "
            f"say which to use: dtype={own} converts the weights, dtype={theirs} the model"
        )
        raise GraphError(Problem("weights-dtype", Where(source), text))
    model.load_state_dict({name: state[name] for name in report.matched}, strict=False, assign=assign)


def save_weights(state: Mapping[str, Tensor], path: str | Path, graph_text: str) -> None:
    """Write a state dict as safetensors, with the model's graph in the metadata; the file is replaced at once."""
    tensors: dict[str, Tensor] = {}
    held: set[int] = set()
    for name, tensor in state.items():
        storage = tensor.untyped_storage().data_ptr() if tensor.numel() else 0
        whole = tensor.detach().contiguous()
        tensors[name] = whole.clone() if storage and storage in held else whole
        held.add(storage)
    # one entry only: safetensors writes several in a random order, and equal models should give equal files
    atomic_write(path, save(tensors, metadata={GRAPH_KEY: graph_text}))


def _is_safetensors(path: str | Path) -> bool:
    """By content: an 8-byte length, then a JSON object."""
    with open(path, "rb") as file:
        head = file.read(9)
    return len(head) == 9 and head[8:9] == b"{"


def convert(state: Mapping[str, Tensor], dtype: torch.dtype | None) -> dict[str, Any]:
    """A state dict with its floating-point tensors in one dtype; None keeps them."""
    if dtype is None:
        return dict(state)
    return {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in state.items()}
