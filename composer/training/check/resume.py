"""Whether a step after saving and loading equals that of an uninterrupted training, bit for bit."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from composer.training.check.findings import Finding

__all__ = ["flat_state", "resume_finding"]


def flat_state(state: Any, path: str = "") -> dict[str, Any]:
    """Every tensor and number of a state by its place; copies."""
    if isinstance(state, Tensor):
        return {path: state.detach().cpu().clone()}
    if isinstance(state, Mapping):
        return {key: value for name, one in state.items() for key, value in flat_state(one, f"{path}/{name}").items()}
    if isinstance(state, list | tuple):
        return {
            key: value for place, one in enumerate(state) for key, value in flat_state(one, f"{path}/{place}").items()
        }
    return {path: state}


def resume_finding(expected: Mapping[str, Any], found: Mapping[str, Any], device: torch.device) -> Finding:
    """A step after saving, loading into a fresh model and going on, beside the step of the model that went on."""
    other = [key for key in expected if key not in found or not _same_bits(expected[key], found[key])]
    other += [key for key in found if key not in expected]
    if not other:
        text = f"saved, loaded and gone on: all {len(expected)} values are equal to the bit"
        return Finding("resume", "ok", text)
    named = ", ".join(key.strip("/") for key in other[:3])
    text = f"after saving, loading and one step {len(other)} of {len(expected)} values differ, such as {named}"
    if device.type != "cpu" and all(_near(expected.get(key), found.get(key)) for key in other):
        advice = "kernels of this device add in any order; set torch.use_deterministic_algorithms(True) for equal bits"
        return Finding("resume", "warning", f"{text}, by rounding", advice)
    advice = (
        "a resumed run would differ: a part keeps state outside the state dict, or draws from a generator of its own"
    )
    return Finding("resume", "error", text, advice, {"differ": other})


def _same_bits(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        if one.dtype != other.dtype or one.shape != other.shape:
            return False
        pair = [item.contiguous().reshape(-1).view(torch.uint8) for item in (one, other)]
        return torch.equal(*pair)
    if one is None or other is None or type(one) is not type(other):
        return one is other
    return bool(one == other)


def _near(one: Any, other: Any) -> bool:
    if not isinstance(one, Tensor) or not isinstance(other, Tensor) or one.shape != other.shape:
        return False
    return torch.allclose(one.float(), other.float(), rtol=1e-2, atol=1e-4)
