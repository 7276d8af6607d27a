"""Optimizers by name: those of torch, fused where that is faster, and LARS."""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from composer.problems import Problem, Where, suggestion
from composer.training import recipe as recipes

__all__ = ["LARS", "NO_ADAPTATION", "build_optimizer", "optimizer_class", "optimizer_names", "optimizer_problems"]

NO_ADAPTATION = "no_adaptation"
"""Key of a parameter group that LARS updates as plain SGD would: biases and normalisation."""

_TAKEN = ("params", "lr", "weight_decay")
_OURS = ("foreach", "fused", "capturable", "differentiable", "maximize")
"""What an optimizer takes that is no matter of a recipe."""

_UNSUITED = ("LBFGS", "SparseAdam", "Muon", "Optimizer")
"""Those that need a closure, sparse gradients, or matrices alone."""


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


def optimizer_names() -> list[str]:
    """The names that a recipe may give."""
    found = [
        name
        for name, item in vars(torch.optim).items()
        if isinstance(item, type) and issubclass(item, Optimizer) and name not in _UNSUITED
    ]
    return sorted([*found, "LARS"])


def optimizer_class(name: str) -> type[Optimizer]:
    """The class of a name that ``optimizer_names`` has."""
    if name == "LARS":
        return LARS
    found: type[Optimizer] = getattr(torch.optim, name)
    return found


def optimizer_problems(optimizer: "recipes.Optimizer", where: Where | None = None) -> list[Problem]:
    """What an optimizer of a recipe has that its class does not take.

    Args:
        optimizer: The part of the recipe.
        where: The place in messages.
    """
    where = where or Where("optimizer", path=("optimizer",))
    if optimizer.type not in optimizer_names():
        hint = suggestion(optimizer.type, optimizer_names(), "optimizers")
        return [Problem("recipe-value", _at(where, "type"), f"there is no optimizer '{optimizer.type}'; {hint}")]
    known = _options(optimizer_class(optimizer.type))
    problems = [
        Problem(
            "recipe-key",
            _at(where, name),
            f"{optimizer.type} takes no '{name}'; {suggestion(name, known, f'options of {optimizer.type}')}",
        )
        for name in optimizer.options
        if name not in known
    ]
    if not problems:
        try:
            _made(optimizer, [torch.nn.Parameter(torch.zeros(1))], fused=False)
        except (TypeError, ValueError) as error:
            problems.append(Problem("recipe-value", where, f"{optimizer.type} refuses what is given: {error}"))
    return problems


def build_optimizer(
    optimizer: "recipes.Optimizer", groups: Iterable[Any], *, device: torch.device, sharded: bool = False
) -> Optimizer:
    """The optimizer of a recipe over parameter groups.

    Args:
        optimizer: The part of the recipe; ``optimizer_problems`` finds nothing in it.
        groups: Parameters or groups, with their own ``lr`` and ``weight_decay``.
        device: Where the weights are; fused kernels are used where there are some.
        sharded: Whether the weights are parts of tensors (FSDP), which fused kernels of a CPU do not take.
    """
    cls = optimizer_class(optimizer.type)
    fused = "fused" in inspect.signature(cls.__init__).parameters and device.type in ("cpu", "cuda") and not sharded
    groups = list(groups)
    if fused and cls is torch.optim.Adagrad and device.type != "cpu":
        fused = False
    return _made(optimizer, groups, fused=fused)


def _made(optimizer: "recipes.Optimizer", groups: list[Any], *, fused: bool) -> Optimizer:
    cls: Any = optimizer_class(optimizer.type)
    known = inspect.signature(cls.__init__).parameters
    options = {name: tuple(value) if isinstance(value, list) else value for name, value in optimizer.options.items()}
    if "weight_decay" in known:
        options["weight_decay"] = optimizer.weight_decay
    if fused:
        options["fused"] = True
    found: Optimizer = cls(groups, lr=optimizer.lr, **options)
    return found


def _options(cls: type[Optimizer]) -> list[str]:
    """The options that a recipe may give to a class."""
    known = inspect.signature(cls.__init__).parameters
    return [name for name in known if name not in ("self", *_TAKEN, *_OURS)]


def _at(where: Where, key: str) -> Where:
    return Where(f"{where.subject}.{key}", where.file, where.line, where.column, path=(*where.path, key))
