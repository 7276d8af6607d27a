"""Arguments of a module's forward: the tensors among them by name, and how they are given."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from composer.problems import GraphError, Problem, Where

__all__ = ["Arguments", "arguments_of"]


@dataclass(frozen=True)
class _Slot:
    """The place of a tensor, also within lists and dictionaries."""

    name: str


@dataclass(frozen=True)
class Arguments:
    """Arguments of a forward.

    Args:
        tensors: The tensors by name.
        args: Arguments by place, with slots for tensors.
        kwargs: Arguments by name, with slots for tensors.
    """

    tensors: Mapping[str, Tensor]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    def given_to(self, module: nn.Module) -> Any:
        """What a module returns for them."""
        return module(*self._filled(self.args), **self._filled(self.kwargs))

    def _filled(self, item: Any) -> Any:
        if isinstance(item, _Slot):
            return self.tensors[item.name]
        if isinstance(item, Mapping):
            return {key: self._filled(part) for key, part in item.items()}
        if isinstance(item, tuple) and hasattr(item, "_fields"):
            return type(item)(*map(self._filled, item))
        if isinstance(item, list | tuple):
            return type(item)(map(self._filled, item))
        return item

    @property
    def batch(self) -> int:
        """Size of the first axis of the first tensor that has one."""
        return next((len(item) for item in self.tensors.values() if item.ndim), 1)

    def with_batch(self, size: int) -> "Arguments | None":
        """The same with another size of the batch, the first axis of all tensors; None where they share none."""
        sizes = {item.shape[0] if item.ndim else None for item in self.tensors.values()}
        if len(sizes) != 1 or None in sizes:
            return None
        return replace(self, tensors={name: _resized(item, size) for name, item in self.tensors.items()})

    def with_other_numbers(self) -> "Arguments":
        """The same with other numbers in the tensors of real numbers."""
        generator = torch.Generator().manual_seed(1)
        return replace(
            self,
            tensors={
                name: torch.randn(item.shape, generator=generator).to(item) if item.is_floating_point() else item
                for name, item in self.tensors.items()
            },
        )


def arguments_of(module: nn.Module, example: Sequence[Any], named: Mapping[str, Any]) -> Arguments:
    """An example of the arguments of a module's forward.

    Raises:
        GraphError: It does not fit, or holds no tensor.
    """
    signature = inspect.signature(module.forward)
    try:
        bound = signature.bind(*example, **named)
    except TypeError as error:
        text = f"the example does not fit forward{signature}: {error}"
        raise GraphError(Problem("cannot-import", Where(type(module).__name__), text)) from error
    tensors: dict[str, Tensor] = {}
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for name, item in bound.arguments.items():
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            kwargs |= {key: _with_slots(part, key, tensors) for key, part in item.items()}
        elif kind is inspect.Parameter.VAR_POSITIONAL:
            args += _with_slots(list(item), name, tensors)
        elif kind is inspect.Parameter.KEYWORD_ONLY:
            kwargs[name] = _with_slots(item, name, tensors)
        else:
            args.append(_with_slots(item, name, tensors))
    if not tensors:
        raise GraphError(Problem("cannot-import", Where(type(module).__name__), "the example holds no tensor"))
    return Arguments(tensors, tuple(args), kwargs)


def _with_slots(item: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """An argument with slots in the place of its tensors; these are taken out under names of where they stood."""
    if isinstance(item, Tensor):
        tensors[name] = item
        return _Slot(name)
    if isinstance(item, dict):
        return {key: _with_slots(part, f"{name}_{key}", tensors) for key, part in item.items()}
    if isinstance(item, tuple) and hasattr(item, "_fields"):
        return type(item)(
            *(_with_slots(part, f"{name}_{key}", tensors) for key, part in zip(item._fields, item, strict=True))
        )
    if isinstance(item, list | tuple):
        return type(item)(_with_slots(part, f"{name}_{index}", tensors) for index, part in enumerate(item))
    return item


def _resized(tensor: Tensor, size: int) -> Tensor:
    """A tensor with as many entries along the first axis: its own, and new ones like them."""
    if size <= tensor.shape[0]:
        return tensor[:size]
    rows = [tensor[index % tensor.shape[0]] for index in range(tensor.shape[0], size)]
    more = torch.stack(rows)
    if tensor.is_floating_point():
        more = more.roll(1, -1) if more.ndim > 1 else more * 0.5
    return torch.cat([tensor, more])
