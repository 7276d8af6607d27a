"""The lines that build a model's modules by hand: one a node, as ``composer.model.build`` does it from a plan."""

from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn

from composer.catalog.component import read_component
from composer.export.standalone.layout import INDENT, call_text
from composer.graph.plan import Momentum
from composer.model import Model
from composer.model.momentum import PROGRESS, STEPS

__all__ = ["build_lines", "part_classes"]

BODY = INDENT * 2


def part_classes(model: Model) -> dict[str, type[nn.Module]]:
    """The class of every module that is built, not copied, by path in the order of the state dict."""
    copied = tuple(f"{target}." for target in model.copies)
    return {
        path: type(module)
        for path, module in model.named_modules()
        if path in model.node_params and not f"{path}.".startswith(copied)
    }


def build_lines(model: Model, names: Mapping[type[nn.Module], str]) -> Iterator[str]:
    """The lines of ``__init__`` behind ``super().__init__()``.

    Args:
        model: The model.
        names: What each class is called.
    """
    built = part_classes(model)
    holders: set[str] = set()
    for path, module in model.named_modules():
        if path in built:
            yield from _holders(path, holders)
            yield call_text(
                f"self.{path} = {names[type(module)]}", _arguments(type(module), model.node_params[path]), BODY
            )
            if path in model.frozen_paths:
                yield f"{BODY}self.{path}.requires_grad_(False)"
    for copy in model.copies.values():
        yield from _copies(model, copy, holders)
        yield f'{BODY}self.{copy.target}.register_buffer("{STEPS}", torch.zeros((), dtype=torch.int64))'
    if PROGRESS in model._buffers:
        yield f'{BODY}self.register_buffer("{PROGRESS}", torch.zeros(()), persistent=False)'
    if _has_own_train(model):
        yield f"{BODY}self.train()"


def _arguments(cls: type[nn.Module], params: Mapping[str, Any]) -> list[tuple[str, Any]]:
    component = read_component(cls, "")
    given = component.arguments(params)
    return [(parameter.name, given[parameter.name]) for parameter in component.parameters if parameter.name in given]


def _copies(model: Model, copy: Momentum, holders: set[str]) -> Iterator[str]:
    """One copy of the whole where both have the same modules inside, else a copy of each."""
    inside = [path[len(copy.target) :] for path in _within(model, copy.target)]
    if set(inside) == {path[len(copy.source) :] for path in _within(model, copy.source)}:
        inside = [""]
    for path in inside:
        yield from _holders(copy.target + path, holders)
        yield f"{BODY}self.{copy.target}{path} = momentum_copy(self.{copy.source}{path})"


def _within(model: Model, outer: str) -> list[str]:
    return [
        path for path, _ in model.named_modules() if path in model.node_params and f"{path}.".startswith(f"{outer}.")
    ]


def _holders(path: str, known: set[str]) -> Iterator[str]:
    """The inside of a subgraph is a module without a forward."""
    names = path.split(".")
    for depth in range(1, len(names)):
        outer = ".".join(names[:depth])
        if outer not in known:
            known.add(outer)
            yield f"{BODY}self.{outer} = nn.Module()"


def _has_own_train(model: Model) -> bool:
    """Whether a module does more in ``train`` than to set the mode, so that it has to be called once."""
    modules = (module for path, module in model.named_modules() if path)
    return bool(model.frozen_paths) or any(type(module).train is not nn.Module.train for module in modules)
