"""Hooks on the modules of nodes: which node runs now, and what the selected one puts out."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from composer.graph.plan import Call, Program, Value
from composer.model import Model
from composer.web.runs.messages import Progress

__all__ = ["Watch", "first_sample"]


class Watch:
    """Follows one forward, call by call.

    A program's calls run in order, each is one call of one module: the n-th forward hook belongs to the n-th call.

    Args:
        program: What runs.
        say: Told before each call.
        wanted: Path of the node (or of a called subgraph) whose outputs are kept.
    """

    def __init__(self, program: Program, say: Callable[[Progress], None], wanted: str = "") -> None:
        self.program = program
        self.say = say
        self.node: str | None = None
        self.kept: dict[str, Any] = {}
        self._begun = 0
        self._ports = tuple(_ports(program, wanted))
        self._keep = {value.source for _, value in self._ports}

    @contextmanager
    def on(self, model: Model) -> Iterator[None]:
        """Watch while the block runs."""
        modules = {call.module: model.get_submodule(call.module) for call in self.program.calls}
        handles = [
            handle
            for module in dict.fromkeys(modules.values())
            for handle in (module.register_forward_pre_hook(self._before), module.register_forward_hook(self._after))
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def outputs(self) -> Iterator[tuple[str, Any]]:
        """What the wanted node put out for the first sample, by port."""
        for name, value in self._ports:
            if value.source not in self.kept:
                continue
            found = self.kept[value.source]
            if value.port is not None and hasattr(found, "_fields"):
                found = getattr(found, value.port)
            yield name, found if value.index is None else found[value.index]

    def _before(self, module: Any, arguments: Any) -> None:
        if self._begun < len(self.program.calls):
            call = self.program.calls[self._begun]
            self.node = f"{call.path} ({call.component.name})"
            self.say(Progress(doing="Running", node=self.node, done=self._begun, total=len(self.program.calls)))
            self._begun += 1

    def _after(self, module: Any, arguments: Any, output: Any) -> None:
        call = self.program.calls[self._begun - 1]
        if call.path in self._keep:
            self.kept[call.path] = first_sample(output)


def first_sample(value: Any) -> Any:
    """A copy of the first sample, on the CPU: what comes later may write over a value in place."""
    if isinstance(value, Tensor):
        whole = value.detach()
        return (whole[:1] if whole.ndim else whole).cpu().clone()
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(first_sample, value))
    if isinstance(value, list | tuple):
        return [first_sample(item) for item in value]
    return value


def _ports(program: Program, wanted: str) -> Iterable[tuple[str, Value]]:
    """The outputs of a node, or of a call of a subgraph, each with where it comes from."""
    calls: dict[str, Call] = {call.path: call for call in program.calls}
    if wanted in calls:
        for port in calls[wanted].component.outputs:
            yield port.name, Value(wanted, port.name)
    prefix = f"{wanted}."
    for reference, value in program.aliases:
        path, _, port_name = reference.rpartition(".")
        if path == wanted and prefix != "." and value.source in calls:
            yield port_name, value
