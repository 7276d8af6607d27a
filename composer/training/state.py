"""What a training depends on beside weights and optimizer: random numbers, and what parts of a model hold."""

import hashlib
import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from composer.problems import GraphError, Problem, Where

__all__ = [
    "PartValues",
    "buffer_digests",
    "mixed_seed",
    "outside_buffers",
    "put_buffers",
    "random_state",
    "seed_everything",
    "set_random_state",
]

_PLAIN = (bool, int, float, str, type(None))
_NOT_OURS = {*vars(nn.Module()), "training"}


def seed_everything(seed: int) -> None:
    """Let every source of random numbers begin at a seed: torch on all devices, numpy, random."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def mixed_seed(seed: int, *numbers: int) -> int:
    """A seed of its own for a purpose."""
    found = seed
    for number in numbers:
        found = (found * 6364136223846793005 + number + 1442695040888963407) % 2**63
    return found


def random_state(device: torch.device) -> dict[str, Any]:
    """The state of every source of random numbers of this process: torch (host and device), numpy, random.

    Args:
        device: The device that is trained on.

    Returns:
        Tensors and plain data, which ``torch.load`` reads with ``weights_only=True``.
    """
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    found: dict[str, Any] = {
        "torch": torch.get_rng_state(),
        "numpy": [str(name), torch.from_numpy(np.asarray(keys).astype(np.int64)), position, has_gauss, cached],
        "random": random.getstate(),
    }
    if device.type != "cpu":
        found["device"] = torch.get_device_module(device).get_rng_state(device)
    return found


def set_random_state(state: Mapping[str, Any], device: torch.device) -> None:
    """Go on with random numbers where they were.

    Args:
        state: What ``random_state`` gave; where it is of another kind of device, that device starts anew.
        device: The device that is trained on.
    """
    torch.set_rng_state(state["torch"].cpu())
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, keys.cpu().numpy().astype(np.uint32), position, has_gauss, cached))
    version, inner, gauss = state["random"]
    random.setstate((version, tuple(inner), gauss))
    if device.type != "cpu" and "device" in state:
        torch.get_device_module(device).set_rng_state(state["device"].cpu(), device)


def outside_buffers(model: nn.Module) -> dict[str, Tensor]:
    """The buffers that are not in the state dict (ODC's banks), by name."""
    inside = set(model.state_dict())
    return {name: buffer for name, buffer in model.named_buffers() if name not in inside}


@torch.no_grad()
def put_buffers(model: nn.Module, buffers: Mapping[str, Tensor]) -> None:
    """Put buffers back where they were."""
    own = dict(model.named_buffers())
    for name, value in buffers.items():
        own[name].copy_(value)


def buffer_digests(model: nn.Module) -> dict[str, str]:
    """What each buffer holds, as a hash: processes compare these in place of the buffers."""
    return {name: hashlib.blake2b(_bytes(buffer)).hexdigest() for name, buffer in model.named_buffers()}


def _bytes(tensor: Tensor) -> bytes:
    found: bytes = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    return found


class PartValues:
    """Numbers and tensors that parts of a model hold as plain attributes, and change while they train.

    Args:
        model: The model as it was built: what differs from then is state.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self._built = {key: _kept(value) for key, value in _attributes(model)}

    def changed(self) -> dict[str, dict[str, Any]]:
        """What differs from how the model was built: module path, then name.

        Raises:
            GraphError: A part holds changed tensors in a list or mapping, which no checkpoint can take.
        """
        found: dict[str, dict[str, Any]] = {}
        for (path, name), value in _attributes(self.model):
            before = self._built.get((path, name), _MISSING)
            if _equal(before, value):
                continue
            if not isinstance(value, Tensor | bool | int | float | str | type(None)):
                text = f"'{name}' of {type(self.model.get_submodule(path)).__name__} holds tensors that change, in a "
                text += f"{type(value).__name__} that no checkpoint takes: make them buffers (register_buffer)"
                raise GraphError(Problem("state-outside", Where(path, node=path.partition(".")[0]), text))
            found.setdefault(path, {})[name] = value.detach().cpu() if isinstance(value, Tensor) else value
        return found

    def put(self, values: Mapping[str, Mapping[str, Any]]) -> None:
        """Give parts back what they held."""
        for path, attributes in values.items():
            part = self.model.get_submodule(path)
            for name, value in attributes.items():
                own = getattr(part, name, None)
                setattr(part, name, value.to(own.device) if isinstance(own, Tensor) else value)


_MISSING = object()


def _attributes(model: nn.Module) -> Iterator[tuple[tuple[str, str], Any]]:
    for path, part in model.named_modules():
        if not path:
            continue
        for name, value in vars(part).items():
            if name in _NOT_OURS:
                continue
            if isinstance(value, (Tensor, *_PLAIN)) or _holds_tensors(value):
                yield (path, name), value


def _holds_tensors(value: Any) -> bool:
    inside = value.values() if isinstance(value, Mapping) else value
    return isinstance(value, Mapping | list | tuple | set) and any(isinstance(item, Tensor) for item in inside)


def _kept(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, Mapping):
        return {key: _kept(item) for key, item in value.items()}
    return [_kept(item) for item in value] if isinstance(value, list | tuple | set) else value


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.shape == other.shape and torch.equal(one.to(other.device), other)
    if isinstance(one, dict) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list | tuple | set):
        return len(one) == len(other) and all(_equal(a, b) for a, b in zip(one, other, strict=True))
    return type(one) is type(other) and bool(one == other)
