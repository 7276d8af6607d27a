"""Hooks on the modules of nodes: which node runs now, and what it gives."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from composer.graph.plan import Program
from composer.model import Model
from composer.web.runs.messages import Progress
from composer.web.runs.values import Recorder

__all__ = ["Watch"]


class Watch:
    """Follows one forward, call by call.

    A program's calls run in order, each is one call of one module: the n-th forward hook belongs to the n-th call.

    Args:
        program: What runs.
        say: Called before each call.
        recorder: Counts what each call gives.
    """

    def __init__(self, program: Program, say: Callable[[Progress], None], recorder: Recorder) -> None:
        self.program = program
        self.say = say
        self.recorder = recorder
        self.node: str | None = None
        self._begun = 0

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

    def _before(self, module: Any, arguments: Any) -> None:
        if self._begun < len(self.program.calls):
            call = self.program.calls[self._begun]
            self.node = f"{call.path} ({call.component.name})"
            self.say(Progress(doing="Running", node=self.node, done=self._begun, total=len(self.program.calls)))
            self._begun += 1

    def _after(self, module: Any, arguments: Any, output: Any) -> None:
        self.recorder.output(self.program.calls[self._begun - 1].path, output)
