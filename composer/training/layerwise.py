"""Optimizers whose steps are as long as a share of each weight's own norm: LARS and LAMB."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

__all__ = ["LARS", "LAYERWISE", "NO_ADAPTATION", "Lamb"]

NO_ADAPTATION = "no_adaptation"
"""Key of a parameter group that LARS updates as plain SGD would: biases and normalisation."""


class LARS(Optimizer):
    """SGD with momentum whose step is as long as a share of each weight's own norm (arXiv:1708.03888, section 3).

    The local rate of a weight w with gradient g is ``trust * |w| / (|g| + decay * |w|)`` where both norms are above 0,
    and 1 elsewhere. Groups with ``no_adaptation`` (biases and normalisation) are left out of it, as in BYOL
    (arXiv:2006.07733, section 3.3) and SimCLR (arXiv:2002.05709, appendix B.1 and its code). The rate is inside the
    momentum buffer, as in equation 6: a change of the learning rate does not scale what is in it.

    Args:
        params: Parameters or groups.
        lr: Learning rate, at least 0.
        momentum: What the buffer keeps of itself, at least 0.
        weight_decay: L2, at least 0.
        trust: The share (eta of the paper), above 0.
        eps: Added where norms are divided.
        nesterov: Nesterov's momentum.

    Raises:
        ValueError: A number is outside its range.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        trust: float = 1e-3,
        eps: float = 1e-8,
        nesterov: bool = False,
    ) -> None:
        for name, value in (("lr", lr), ("momentum", momentum), ("weight_decay", weight_decay), ("eps", eps)):
            if value < 0:
                raise ValueError(f"found {name} {value}, expected at least 0")
        if trust <= 0:
            raise ValueError(f"found trust {trust}, expected more than 0")
        if nesterov and not momentum:
            raise ValueError("nesterov needs a momentum above 0")
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "weight_decay": weight_decay,
            "trust": trust,
            "eps": eps,
            "nesterov": nesterov,
            NO_ADAPTATION: False,
        }
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Make one step.

        Args:
            closure: Computes the loss again, with gradients.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            weights = [item for item in group["params"] if item.grad is not None]
            if weights:
                self._move(group, weights)
        return loss

    def _move(self, group: Mapping[str, Any], weights: list[Tensor]) -> None:
        gradients = [item.grad for item in weights if item.grad is not None]
        decay, momentum = group["weight_decay"], group["momentum"]
        moved = torch._foreach_add(gradients, weights, alpha=decay) if decay else [one.clone() for one in gradients]
        if not group[NO_ADAPTATION]:
            torch._foreach_mul_(moved, _local_rates(weights, gradients, decay, group["trust"], group["eps"]))
        torch._foreach_mul_(moved, group["lr"])
        if momentum:
            buffers = []
            for weight in weights:
                state = self.state[weight]
                if "momentum_buffer" not in state:
                    state["momentum_buffer"] = torch.zeros_like(weight, memory_format=torch.preserve_format)
                buffers.append(state["momentum_buffer"])
            torch._foreach_mul_(buffers, momentum)
            torch._foreach_add_(buffers, moved)
            moved = torch._foreach_add(moved, buffers, alpha=momentum) if group["nesterov"] else buffers
        torch._foreach_sub_(weights, moved)


def _local_rates(
    weights: list[Tensor], gradients: list[Tensor], decay: float, trust: float, eps: float
) -> list[Tensor]:
    """What each gradient is multiplied with; nothing is brought to the host."""
    own = torch._foreach_norm(weights)
    theirs = torch._foreach_norm(gradients)
    return [
        torch.where((w > 0) & (g > 0), trust * w / (g + decay * w + eps), torch.ones_like(w))
        for w, g in zip(own, theirs, strict=True)
    ]


class Lamb(Optimizer):
    """Adam whose step is as long as a share of each weight's own norm (LAMB, arXiv:1904.00962, algorithm 2).

    A weight w whose step of Adam, with its decay, is u moves by ``lr * u * |w| / |u|`` where both norms are above 0,
    and by ``lr * u`` elsewhere. Before, all gradients are divided by their common norm where that is larger than
    ``max_grad_norm``. Both is as in Nvidia's FusedLAMB, timm and mmpretrain, which leave weights without decay out of
    the adaptation; a weight's own steps are counted, not those of its group.

    Args:
        params: Parameters or groups.
        lr: Learning rate, at least 0.
        betas: What the means of gradients and of their squares keep of themselves, from 0 to below 1.
        eps: Added where it is divided.
        weight_decay: Times the weight, added to the step.
        bias_correction: Whether the means are corrected for having begun at 0.
        grad_averaging: Whether a mean takes in the gradient times 1 - beta, and not all of it.
        max_grad_norm: Above 0; None cuts nothing.
        trust_clip: Whether the share is at most 1 (LAMBC).
        always_adapt: Whether weights without decay are adapted too.

    Raises:
        ValueError: A number is outside its range.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: Sequence[float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 0.01,
        bias_correction: bool = True,
        grad_averaging: bool = True,
        max_grad_norm: float | None = 1.0,
        trust_clip: bool = False,
        always_adapt: bool = False,
    ) -> None:
        for name, value in (("lr", lr), ("weight_decay", weight_decay), ("eps", eps)):
            if value < 0:
                raise ValueError(f"found {name} {value}, expected at least 0")
        if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"found betas {betas}, expected two numbers from 0 to below 1")
        if max_grad_norm is not None and max_grad_norm <= 0:
            raise ValueError(f"found max_grad_norm {max_grad_norm}, expected more than 0")
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "bias_correction": bias_correction,
            "grad_averaging": grad_averaging,
            "max_grad_norm": max_grad_norm,
            "trust_clip": trust_clip,
            "always_adapt": always_adapt,
        }
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Make one step.

        Args:
            closure: Computes the loss again, with gradients.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        excess = self._excess()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._move(group, weight, weight.grad if excess is None else weight.grad / excess)
        return loss

    def _excess(self) -> Tensor | None:
        """By how much the norm of all gradients is larger than it may be; 1 where it is not."""
        most = self.defaults["max_grad_norm"]
        gradients = [one.grad for group in self.param_groups for one in group["params"] if one.grad is not None]
        if most is None or not gradients:
            return None
        norm = nn.utils.get_total_norm(gradients)
        whole: Tensor = norm.full_tensor() if hasattr(norm, "full_tensor") else norm  # of shards
        excess: Tensor = (whole / most).clamp(min=1.0)
        return excess

    def _move(self, group: Mapping[str, Any], weight: Tensor, gradient: Tensor) -> None:
        state = self.state[weight]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32)
            state["exp_avg"] = torch.zeros_like(weight, memory_format=torch.preserve_format)
            state["exp_avg_sq"] = torch.zeros_like(weight, memory_format=torch.preserve_format)
        state["step"] += 1
        first, second = group["betas"]
        mean, square, count = state["exp_avg"], state["exp_avg_sq"], float(state["step"])
        mean.mul_(first).add_(gradient, alpha=1 - first if group["grad_averaging"] else 1.0)
        square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
        short, wide = (1 - first**count, 1 - second**count) if group["bias_correction"] else (1.0, 1.0)
        moved = (mean / short).div_((square.sqrt() / wide**0.5).add_(group["eps"]))
        decay = group["weight_decay"]
        if decay:
            moved.add_(weight, alpha=decay)
        if decay or group["always_adapt"]:
            own, step = weight.norm(), moved.norm()
            share = torch.where((own > 0) & (step > 0), own / step, torch.ones_like(own))
            moved.mul_(share.clamp(max=1.0) if group["trust_clip"] else share)
        weight.add_(moved, alpha=-group["lr"])


LAYERWISE: Mapping[str, type[Optimizer]] = MappingProxyType({"LARS": LARS, "Lamb": Lamb})
"""By their names in recipes."""
