"""Counting memory: every storage that a step makes, while it lives; with numbers or without."""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from weakref import ReferenceType, ref

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

__all__ = ["RunningNode", "StorageCounter", "fake_like", "fake_module", "held_tensors", "named_nodes"]


@dataclass(frozen=True, slots=True)
class _Made:
    size: int
    phase: str
    node: str


class RunningNode:
    """Knows which node of a model runs.

    Attributes:
        node: Its path; empty between nodes.
    """

    node = ""


class StorageCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """How many bytes of storage live, and the most that ever did.

    It sees what operators return, once a storage however many tensors view it. What an operator uses inside itself and
    gives back before it returns is not seen (about the same on CPU and CUDA: workspaces of convolutions and matrix
    products). Storages on devices other than ``device`` are not counted.

    Args:
        device: The kind of device whose memory is counted.
        block: Bytes that the size of each storage is rounded up to a multiple of.
    """

    def __init__(self, device: str = "cpu", block: int = 1) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.device = device
        self.block = block
        self.phase = "start"
        self.node = ""
        self.now = 0
        self.peak = 0
        self._made: list[_Made] = []
        self._log: list[int] = []  # numbers of storages, as they come; ~number as they go
        self._live: dict[int, tuple[int, ReferenceType[Any]]] = {}
        self._tags: dict[int, str] = {}
        self._marks: dict[str, set[int]] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run an operator and count what it returns."""
        found = func(*args, **(kwargs or {}))
        self.count(one for one in tree_leaves(found) if isinstance(one, Tensor))
        return found

    def count(self, tensors: Iterable[Tensor], tag: str | None = None) -> None:
        """Count tensors that are there.

        Args:
            tensors: The tensors.
            tag: What they are, for ``at_peak``; the first one that is said of a storage holds.
        """
        for tensor in tensors:
            if tensor.device.type != self.device:
                continue
            storage = tensor.untyped_storage()
            number = self._number(storage)
            if tag is not None:
                self._tags.setdefault(number, tag)

    def mark(self, name: str) -> None:
        """Remember what lives now, under a name: what is kept for the backward pass lives where a forward ends."""
        self._marks.setdefault(name, set()).update(number for number, _ in self._live.values())

    def at_peak(self) -> tuple[str, dict[str, int], dict[str, int]]:
        """What the peak is made of.

        Returns:
            In which phase it was; bytes by tag, where what has none is ``activations`` if it lived at the mark
            ``forward`` and ``temporaries`` else; bytes by node of all activations that lived at that mark.
        """
        living, number = self._living_at_peak()
        parts: dict[str, int] = {}
        nodes: dict[str, int] = {}
        kept = self._marks.get("forward", set())
        for one in living:
            tag = self._tags.get(one) or ("activations" if one in kept else "temporaries")
            parts[tag] = parts.get(tag, 0) + self._made[one].size
        for one in kept - self._tags.keys():
            nodes[self._made[one].node] = nodes.get(self._made[one].node, 0) + self._made[one].size
        return self._made[number].phase if self._made else "start", parts, nodes

    def _number(self, storage: Any) -> int:
        key = storage._cdata
        known = self._live.get(key)
        if known is not None:
            return known[0]
        number = len(self._made)
        size = -(-storage.nbytes() // self.block) * self.block
        self._made.append(_Made(size, self.phase, self.node))
        self._log.append(number)
        self._live[key] = number, ref(storage, lambda _: self._gone(key))
        self.now += size
        self.peak = max(self.peak, self.now)
        return number

    def _gone(self, key: int) -> None:
        number, _ = self._live.pop(key)
        self._log.append(~number)
        self.now -= self._made[number].size

    def _living_at_peak(self) -> tuple[set[int], int]:
        """The storages that lived at the peak, and the last one of them."""
        now = most = place = 0
        for position, number in enumerate(self._log):
            now += self._made[number].size if number >= 0 else -self._made[~number].size
            if now > most:
                most, place = now, position
        living: set[int] = set()
        for number in self._log[: place + 1]:
            living.add(number) if number >= 0 else living.discard(~number)
        return living, self._log[place] if self._log else 0


def held_tensors(module: nn.Module) -> Iterator[Tensor]:
    """Parameters, buffers and plain attributes of a module and all inside it; what is shared may come again."""
    for part in module.modules():
        for held in (part._parameters, part._buffers, vars(part)):
            yield from (one for one in held.values() if isinstance(one, Tensor))


def fake_module(module: nn.Module, mode: FakeTensorMode, device: str, channels_last: bool = False) -> nn.Module:
    """A copy of a module whose tensors have sizes but no numbers, and take no memory.

    Args:
        module: The module, on any device, meta too; it stays as it is.
        mode: What the tensors belong to.
        device: Where they are said to be.
        channels_last: Whether its weights of four axes lie channels last.
    """
    memo: dict[int, Any] = {}
    for tensor in held_tensors(module):
        if id(tensor) not in memo:
            found = fake_like(tensor, mode, device, channels_last=channels_last)
            if isinstance(tensor, nn.Parameter):
                found = nn.Parameter(found, tensor.requires_grad)
            memo[id(tensor)] = found
    for part in module.modules():  # generators draw no numbers here
        memo.update((id(one), one) for one in vars(part).values() if isinstance(one, torch.Generator))
    return copy.deepcopy(module, memo)


def fake_like(
    tensor: Tensor,
    mode: FakeTensorMode,
    device: str,
    batch: tuple[int, int] | None = None,
    *,
    channels_last: bool = False,
) -> Tensor:
    """A tensor of the same sizes without numbers.

    Args:
        tensor: The tensor.
        mode: What the new one belongs to.
        device: Where it is said to be.
        batch: The length of the first axis that stands for samples, and what it becomes.
        channels_last: Whether one of four axes lies channels last.
    """
    shape = tuple(tensor.shape)
    if batch is not None and shape and shape[0] == batch[0]:
        shape = (batch[1], *shape[1:])
    with mode:
        if channels_last and len(shape) == len("NCHW"):
            return torch.empty(shape, dtype=tensor.dtype, device=device, memory_format=torch.channels_last)
        if shape != tuple(tensor.shape):
            return torch.empty(shape, dtype=tensor.dtype, device=device)
        return torch.empty_strided(tensor.size(), tensor.stride(), dtype=tensor.dtype, device=device)


@contextmanager
def named_nodes(module: nn.Module, paths: Iterable[str], holder: RunningNode | StorageCounter) -> Iterator[None]:
    """Note which node runs.

    Args:
        module: The model.
        paths: Paths of its nodes.
        holder: What the name of the running node is set on.
    """
    handles: list[Any] = []
    outer: list[str] = []

    def enter(path: str) -> Callable[..., None]:
        def hook(*_: Any) -> None:
            outer.append(holder.node)
            holder.node = path

        return hook

    def leave(*_: Any) -> None:
        holder.node = outer.pop() if outer else ""

    for path in paths:
        part = module.get_submodule(path)
        handles += [part.register_forward_pre_hook(enter(path)), part.register_forward_hook(leave)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
