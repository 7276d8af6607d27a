"""Proof that a graph is the module that it was made of: outputs in evaluation, and weights after a training step."""

import copy
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from composer.export.compare import largest_difference
from composer.model import Model
from composer.modules.arguments import Arguments
from composer.modules.layers import drop_rates
from composer.modules.recorder import named_tensors, user_line
from composer.problems import some_of

__all__ = ["TOLERANCE", "MismatchError", "evaluated_alike", "trained_alike"]

TOLERANCE = 1e-5
"""The largest difference that two results may have, relative to the largest number in them, or to 1 if that is more."""

_LARGEST = 1e-2  # so the tolerance is a thousandth of the largest gradient
_SEED = 20


class MismatchError(Exception):
    """Graph and module give other results; the text says where."""


def difference(one: Tensor, other: Tensor) -> float:
    """The largest difference of two tensors, relative to the largest number in them, or to 1 if that is more."""
    if one.shape != other.shape:
        raise MismatchError(f"the sizes are {list(one.shape)} and {list(other.shape)}")
    return largest_difference(one, other)


def evaluated_alike(model: Model, expected: Mapping[str, Tensor], inputs: Mapping[str, Tensor], *, what: str) -> float:
    """The largest difference of the outputs in evaluation.

    Raises:
        MismatchError: It is more than the tolerance.
    """
    training = model.training
    model.eval()
    with torch.no_grad():
        found = model(dict(inputs))
    model.train(training)
    worst = 0.0
    for (name, mine), theirs in zip(found.items(), expected.values(), strict=True):
        apart = difference(mine, theirs)
        if apart > TOLERANCE:
            raise MismatchError(f"{what}: output '{name}' differs by {apart:.1e} of its largest number")
        worst = max(worst, apart)
    return worst


def trained_alike(
    module: nn.Module,
    model: Model,
    arguments: Arguments,
    inputs: Mapping[str, Tensor],
    weights: Mapping[str, str],
) -> tuple[float, list[str]]:
    """The largest difference of outputs and weights around one step of gradient descent, both from one seed.

    Chances of being left out are set to 0 in both; those of dropout must be the same.

    Args:
        module: The module; a copy of it takes the step.
        model: The graph's model; a copy of it takes the step.
        arguments: Arguments of the module's forward.
        inputs: Inputs of the model.
        weights: For each name in the model's state dict, the name in the module's.

    Returns:
        The difference, and what there is to know.

    Raises:
        MismatchError: It is more than the tolerance.
    """
    theirs, mine = copy.deepcopy(module).train(), copy.deepcopy(model).train()
    for part, name, _ in (*drop_rates(theirs), *drop_rates(mine)):
        setattr(part, name, 0.0)
    their_chances, my_chances = _Chances(), _Chances()
    buffers = {name: item.detach().clone() for name, item in theirs.named_buffers()}
    with _seeded(), their_chances:
        expected = _trained(theirs, arguments)
    with _seeded(), my_chances:
        found = mine(dict(inputs))
    left, extra = Counter(their_chances.dropped), Counter(my_chances.dropped)
    if extra - left or (left - extra and len(expected) == len(found)):  # outputs of training alone may drop out too
        text = f"{_shown(their_chances.dropped)}, in the graph {_shown(my_chances.dropped)}"
        raise MismatchError(f"in training the chances of dropout are others: in the module {text}")
    written = _changed(theirs, buffers)
    hints = list(their_chances.drawn)
    hints += [f"its forward changes {some_of(written, 10)}"] if written else []
    try:
        worst, more = _compared(theirs, mine, expected, found, weights)
    except MismatchError as error:
        why = f": in training {'; '.join(hints)}, which no part does" if hints else ""
        raise MismatchError(f"{error}{why}") from error
    return worst, more


def _compared(
    theirs: nn.Module,
    mine: nn.Module,
    expected: dict[str, Tensor],
    found: Mapping[str, Tensor],
    weights: Mapping[str, str],
) -> tuple[float, list[str]]:
    """The largest difference of outputs, and of weights after a step, and what there is to know.

    Raises:
        MismatchError: It is more than the tolerance.
    """
    notes: list[str] = []
    if len(expected) < len(found):
        raise MismatchError(f"in training the module returns {len(expected)} tensors, in evaluation {len(found)}")
    if len(expected) > len(found):
        notes.append(
            f"in training the module returns {len(expected)} tensors and the graph {len(found)}, those of evaluation; "
            "the first were compared"
        )
        expected = dict(list(expected.items())[: len(found)])
    worst = 0.0
    for (name, one), other in zip(found.items(), expected.values(), strict=True):
        apart = difference(one, other)
        if apart > TOLERANCE:
            raise MismatchError(f"in training output '{name}' differs by {apart:.1e} of its largest number")
        worst = max(worst, apart)
    try:
        their_gradients = _gradients(theirs, list(expected.values()))
    except RuntimeError as error:
        raise MismatchError(f"in training the module itself fails: {type(error).__name__}: {error}") from error
    my_gradients = _gradients(mine, list(found.values()))
    largest = max((float(one.abs().max()) for one in their_gradients.values()), default=0.0)
    for whole, gradients in ((theirs, their_gradients), (mine, my_gradients)):
        _step(whole, gradients, _LARGEST / (largest or 1.0))
    after, before = theirs.state_dict(), mine.state_dict()
    for name, source in weights.items():
        if name not in before or source not in after:
            continue
        apart = difference(before[name], after[source])
        if apart > TOLERANCE:
            raise MismatchError(f"after a training step '{source}' differs by {apart:.1e} of its largest number")
        worst = max(worst, apart)
    return worst, notes


def _trained(module: nn.Module, arguments: Arguments) -> dict[str, Tensor]:
    """The outputs of a module in training mode.

    Raises:
        MismatchError: It fails there.
    """
    try:
        return named_tensors(arguments.given_to(module))
    except Exception as error:  # a forward may raise anything
        text = f"in training the module itself fails on the example: {type(error).__name__}: {error}"
        raise MismatchError(text) from error


def _shown(chances: Sequence[float]) -> str:
    return some_of([f"{one:g}" for one in sorted(chances)], 10) or "none"


_DROPOUTS = ("dropout", "alpha_dropout", "feature_alpha_dropout", "feature_dropout", "dropout1d", "dropout2d",
             "dropout3d")  # fmt: skip


class _Chances(TorchFunctionMode):
    """Functions that leave out at random leave nothing out, and what is drawn at random is written down.

    Attributes:
        dropped: The chances that functions were given, in the order of the calls.
        drawn: Where random numbers are drawn otherwise.
    """

    def __init__(self) -> None:
        super().__init__()
        self.dropped: list[float] = []
        self.drawn: list[str] = []

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = dict(kwargs or {})
        name = getattr(func, "__name__", "").rstrip("_")
        if name in _DROPOUTS:
            all_given = given | dict(zip(("input", "p", "training"), args, strict=False))
            if all_given.get("training", all_given.get("train", True)) and all_given.get("p", 0.5):
                self.dropped.append(float(all_given.get("p", 0.5)))
                return all_given["input"]
        elif name == "scaled_dot_product_attention":
            given |= dict(zip(("query", "key", "value", "attn_mask", "dropout_p", "is_causal"), args, strict=False))
            if given.get("dropout_p"):
                self.dropped.append(float(given["dropout_p"]))
            args, given["dropout_p"] = (), 0.0
        elif name in _RANDOM:
            text = f"{name} draws random numbers at {user_line()}"
            self.drawn += [text] if text not in self.drawn else []
        return func(*args, **given)


_RANDOM = ("bernoulli", "rand", "rand_like", "randn", "randn_like", "randint", "randint_like", "randperm", "normal",
           "uniform", "multinomial", "poisson", "exponential", "rrelu", "gumbel_softmax")  # fmt: skip


def _changed(module: nn.Module, before: Mapping[str, Tensor]) -> list[str]:
    """Names of the buffers that are others than before, without the statistics of norms."""
    found = []
    for name, item in module.named_buffers():
        own = before.get(name)
        if own is None or name.endswith(("running_mean", "running_var", "num_batches_tracked")):
            continue
        if item.shape != own.shape or not torch.equal(torch.nan_to_num(item), torch.nan_to_num(own)):
            found.append(name)
    return found


def _gradients(module: nn.Module, outputs: list[Tensor]) -> dict[str, Tensor]:
    """Gradients of a fixed random projection of the outputs, by the names of the weights."""
    generator = torch.Generator().manual_seed(_SEED)
    losses = []
    for item in outputs:
        if item.is_floating_point() and item.requires_grad:
            losses.append((item * torch.randn(item.shape, generator=generator).to(item)).mean())
    named = {name: item for name, item in module.named_parameters() if item.requires_grad}
    if not losses or not named:
        return {}
    found = torch.autograd.grad(torch.stack(losses).sum(), list(named.values()), allow_unused=True)
    given = cast("list[Tensor | None]", list(found))
    return {name: gradient for name, gradient in zip(named, given, strict=True) if gradient is not None}


def _step(module: nn.Module, gradients: Mapping[str, Tensor], rate: float) -> None:
    """One step of gradient descent."""
    with torch.no_grad():
        for name, gradient in gradients.items():
            module.get_parameter(name).sub_(gradient * rate)


@contextmanager
def _seeded() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_SEED)
        yield
