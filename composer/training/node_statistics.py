"""Numbers of every node while a model trains: what it gives, its weights and their gradients.

They are counted in a few steps only, by hooks that are gone in all others. Nothing is drawn or changed: a training with
them makes the same steps as one without, to the bit.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from composer.model import Model
from composer.training.processes import Processes
from composer.training.runs.events import Event, last_event

__all__ = [
    "EVENT",
    "NodeReport",
    "NodeStatistics",
    "NodeWatch",
    "floats_in",
    "node_of",
    "read_nodes",
    "statistics_every",
]

EVENT = "nodes"
"""The kind of event that holds them."""

_TIMES = 200
"""So many times a training notes them, about."""
_SELDOM = 50
"""Steps between two of them, at least: they cost a few per cent of a step."""
_STRETCH = 1 << 16
"""So many numbers are counted at a time on a CPU: they lie in its cache."""
_DIGITS = 6
_NUMBERS = ("mean", "std", "bad", "weight", "gradient")

Outputs = dict[str, tuple[float, float, float, float]]
"""Of each node how many numbers it gave, their mean, their sum of squares around it, and how many are not finite."""


@dataclass(frozen=True, slots=True)
class NodeStatistics:
    """A node in one step.

    Args:
        mean: Mean of the floating-point numbers that it gave, over the whole batch; NaN where one of them is; None
            where it gave none, or nobody looked (``NodeReport.outputs``).
        std: Their standard deviation.
        bad: How many of them were NaN or infinite.
        weight: Norm of its weights after the step; None where it has none.
        gradient: Norm of their gradients, before they were cut; None where it got none.
    """

    mean: float | None = None
    std: float | None = None
    bad: int = 0
    weight: float | None = None
    gradient: float | None = None


@dataclass(frozen=True, slots=True)
class NodeReport:
    """Every node of a training in one step.

    Args:
        nodes: The nodes by path, in the order in which they run.
        step: Steps that were made.
        time: When, in seconds since 1970.
        first_bad: The first node that gave NaN or infinite numbers; None where none did.
        outputs: Whether what nodes give was looked at: ``torch.compile`` does not let anybody look.
    """

    nodes: Mapping[str, NodeStatistics]
    step: int = 0
    time: float = 0.0
    first_bad: str | None = None
    outputs: bool = True

    def to_values(self) -> dict[str, Any]:
        """As the values of an event; what is None is left out, and so are counts of 0."""
        nodes = {path: dict(_numbers(one)) for path, one in self.nodes.items()}
        found: dict[str, Any] = {"nodes": nodes, "outputs": self.outputs}
        return {**found, "first_bad": self.first_bad} if self.first_bad is not None else found

    @classmethod
    def of_event(cls, event: Event) -> "NodeReport | None":
        """What an event holds; None where it is of another kind or form."""
        nodes = event.values.get("nodes")
        if event.kind != EVENT or not isinstance(nodes, dict):
            return None
        read = {str(path): _read(one) for path, one in nodes.items() if isinstance(one, dict)}
        first = event.values.get("first_bad")
        outputs = event.values.get("outputs") is not False
        return cls(read, event.step, event.time, first if isinstance(first, str) else None, outputs)


def read_nodes(log: str | Path) -> NodeReport | None:
    """The newest numbers of every node in a run's log; None where there are none yet.

    Args:
        log: The log, ``events.jsonl``; it is read from its end.
    """
    event = last_event(log, EVENT)
    return None if event is None else NodeReport.of_event(event)


def statistics_every(total: int) -> int:
    """How many steps lie between two notes, where a recipe does not say it.

    Args:
        total: Steps of the training.
    """
    return max(_SELDOM, -(-total // _TIMES))


def node_of(name: str, paths: Iterable[str]) -> str:
    """The node that holds a parameter or buffer, by its name.

    Args:
        name: The name.
        paths: Paths of all nodes.
    """
    around = [path for path in paths if name == path or name.startswith(f"{path}.")]
    return max(around, key=len) if around else name.partition(".")[0]


def floats_in(value: Any) -> Iterator[Tensor]:
    """The tensors of floating-point numbers in what a node gives."""
    if isinstance(value, Tensor):
        if value.is_floating_point():
            yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from floats_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from floats_in(item)


@dataclass
class NodeWatch:
    """Counts the numbers of nodes in one step of loss mode.

    All is counted where the model is; one transfer brings it here, in ``report``.

    Args:
        model: The model.
        processes: The processes that train: what they give is counted together.
        sharded: Whether each holds a part of every weight (FSDP).
        newest: What was counted last.
    """

    model: Model
    processes: Processes | None = None
    sharded: bool = False
    newest: NodeReport | None = field(default=None, init=False)
    _nodes: dict[str, str] = field(init=False)
    _given: list[tuple[str, float, Tensor]] = field(default_factory=list, init=False)
    _gradients: tuple[list[str], Tensor] | None = field(default=None, init=False)
    _calls: int = field(default=0, init=False)
    _known: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        paths = tuple(self.model.node_params)
        self._nodes = {name: node_of(name, paths) for name, _ in self.model.named_parameters()}

    @contextmanager
    def outputs(self) -> Iterator[None]:
        """Count what each node gives while the block runs the loss mode, as often as it does."""
        self._given, self._calls, self._known = [], 0, True
        order = self.model.node_calls["loss"]
        handles = [
            self.model.get_submodule(module).register_forward_hook(self._hook(module, order))
            for module in dict.fromkeys(module for _, module in order)
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    @torch.no_grad()
    def gradients(self, scale: float = 1.0) -> None:
        """Count the gradients, as they are now.

        Args:
            scale: What they were multiplied with (fp16).
        """
        found = {name: item.grad for name, item in self.model.named_parameters() if item.grad is not None}
        if found:
            self._gradients = (list(found), _squares(list(found.values())) / scale**2)

    @torch.no_grad()
    def report(self, step: int = 0, *, alone: bool = False) -> NodeReport:
        """What was counted, with the weights as they are now; then it begins anew.

        Args:
            step: Steps that were made.
            alone: Whether the other processes do not call it, as one failed: only what this one saw is reported.
        """
        weights = dict(self.model.named_parameters())
        squares = _squares(list(weights.values())) if weights else torch.zeros(0)
        names, gradients = self._gradients or ([], torch.zeros(0, device=squares.device))
        rows = [row for _, _, row in self._given]
        parts = [squares.float(), gradients.float(), *(row.to(squares.device) for row in rows)]
        numbers = torch.cat(parts).tolist()
        own_weights = self._by_node(weights, numbers)
        own_gradients = self._by_node(names, numbers[len(weights) :])
        rest = iter(numbers[len(weights) + len(names) :])
        outputs: Outputs = {}
        for path, count, _ in self._given:
            mean, variance, bad = next(rest), next(rest), next(rest)
            outputs[path] = _merged(outputs.get(path), (count, mean, variance * count, bad))
        known = self._known and (alone or self._calls % len(self.model.node_calls["loss"]) == 0)
        self._given, self._gradients = [], None
        if self.processes is not None and self.processes.world > 1 and not alone:
            gathered = self.processes.of_all((outputs, own_weights, own_gradients))
            outputs = {path: _merged(*(one[0].get(path) for one in gathered)) for path in outputs}
            if self.sharded:
                own_weights, own_gradients = (_summed([one[place] for one in gathered]) for place in (1, 2))
        self.newest = self._reported(outputs if known else {}, own_weights, own_gradients, step, known)
        return self.newest

    def _reported(
        self,
        outputs: Outputs,
        weights: Mapping[str, float],
        gradients: Mapping[str, float],
        step: int,
        known: bool,
    ) -> NodeReport:
        order = dict.fromkeys([path for path, _ in self.model.node_calls["loss"]] + list(weights))
        nodes = {}
        for path in order:
            count, mean, squares, bad = outputs.get(path, (0.0, 0.0, 0.0, 0.0))
            std = math.sqrt(squares / count) if count and squares >= 0 else math.nan
            nodes[path] = NodeStatistics(
                mean if count else None,
                std if count else None,
                int(bad),
                math.sqrt(weights[path]) if path in weights else None,
                math.sqrt(gradients[path]) if path in gradients else None,
            )
        first = next((path for path in order if nodes[path].bad), None)
        return NodeReport(nodes, step, first_bad=first, outputs=known and bool(outputs))

    def _hook(self, module: str, order: Sequence[tuple[str, str]]) -> Any:
        def hook(part: nn.Module, arguments: Any, output: Any) -> None:
            path, expected = order[self._calls % len(order)]
            self._calls += 1
            self._known = self._known and expected == module  # else a component calls another one by itself
            for tensor in floats_in(output):
                if tensor.numel() and not tensor.is_meta:
                    self._given.extend((path, count, row) for count, row in _rows(tensor))

        return hook

    def _by_node(self, names: Iterable[str], squares: Sequence[float]) -> dict[str, float]:
        found: dict[str, float] = {}
        for name, square in zip(names, squares, strict=False):
            found[self._nodes[name]] = found.get(self._nodes[name], 0.0) + square
        return found


@torch.no_grad()
def _rows(tensor: Tensor) -> Iterator[tuple[float, Tensor]]:
    """Stretches of a tensor, which need little memory beside it: how many numbers, and mean, variance, how many bad."""
    here = tensor.device.type == "cpu"
    if tensor.dim() == len("NCHW") and tensor.is_contiguous(memory_format=torch.channels_last):
        tensor = tensor.permute(0, 2, 3, 1)
    for part in torch.split(tensor.detach().reshape(-1), _STRETCH if here else _STRETCH << 8):
        values = part.float()
        mean = values.mean()
        apart = values - mean
        variance = torch.dot(apart, apart) / len(values)
        if here and math.isfinite(mean.item()):  # no number of them is bad, then
            bad = torch.zeros(())
        else:
            bad = (len(values) - values.isfinite().sum()).float()
        yield float(len(values)), torch.stack([mean, variance, bad])


@torch.no_grad()
def _squares(tensors: Sequence[Tensor]) -> Tensor:
    """The sum of squares of each; of sharded ones that of the part that is here."""
    here = [one.to_local() if hasattr(one, "to_local") else one for one in tensors]
    floats = [one.detach() if one.is_floating_point() else one.detach().float() for one in here]
    return torch.stack([norm.float() for norm in torch._foreach_norm(floats)]).square()


def _merged(*parts: tuple[float, float, float, float] | None) -> tuple[float, float, float, float]:
    """Counts, means and sums of squares of several as one (Chan, Golub and LeVeque, 1979, equations 2.1)."""
    count, mean, squares, bad = 0.0, 0.0, 0.0, 0.0
    for part in parts:
        if part is None or not part[0]:
            continue
        total = count + part[0]
        apart = part[1] - mean
        squares += part[2] + (apart * apart * count * part[0] / total if count else 0.0)
        mean += apart * part[0] / total
        count, bad = total, bad + part[3]
    return count, mean, squares, bad


def _summed(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: sum(part.get(name, 0.0) for part in parts) for name in names}


def _numbers(one: NodeStatistics) -> Iterator[tuple[str, float]]:
    for name in _NUMBERS:
        value = getattr(one, name)
        if value is not None and (name != "bad" or value):
            yield name, value if isinstance(value, int) or not math.isfinite(value) else float(f"{value:.{_DIGITS}g}")


def _read(values: Mapping[str, Any]) -> NodeStatistics:
    """Of an event that was read; JSON has no NaN, so such a number is a text there."""
    numbers = {name: _number(values.get(name)) for name in _NUMBERS}
    bad = numbers.pop("bad")
    return NodeStatistics(**numbers, bad=0 if bad is None or not math.isfinite(bad) else int(bad))


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None
