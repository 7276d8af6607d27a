"""What one step of a training shows: losses, gradients by node, a first loss beside that of a guess, the policy."""

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

from torch import Tensor

from composer.catalog import Catalog
from composer.catalog.component import Component
from composer.graph import Graph
from composer.graph.plan import plan
from composer.model import Model
from composer.ports import Label, Logits
from composer.training.check.findings import Finding, State
from composer.training.check.proof import NodeProof, Probe
from composer.training.defaults import task_of
from composer.training.node_statistics import node_of

__all__ = ["first_losses", "gradient_findings", "policy_finding", "step_finding"]

_LOUD = 1000
"""So many times the median is a gradient too large."""

_GUESS = 0.5
"""How far the first loss may lie from that of a guess, as a share of it."""


def step_finding(probe: Probe) -> Finding:
    """The losses of a step, which are finite."""
    losses = ", ".join(f"{name} {value:.4g}" for name, value in probe.losses.items())
    return Finding("step", "ok", f"{losses}; all finite", values={"loss": dict(probe.losses)})


def gradient_findings(model: Model, probe: Probe) -> Iterator[Finding]:
    """Norms by node: none, 0, no number, or far above the others.

    The values of each finding are the norm of every node (``norms``), the weights without a gradient (``unreached``),
    and by node what is wrong with it (``nodes``: ``state``, ``about``, ``unreached``).
    """
    paths = tuple(model.node_params)
    squares: dict[str, float] = {}
    for name, norm in probe.gradients.items():
        node = node_of(name, paths)
        squares[node] = squares.get(node, 0.0) + norm**2
    norms = {node: math.sqrt(square) for node, square in squares.items()}
    usual = [norm for norm in norms.values() if math.isfinite(norm) and norm > 0]
    middle = statistics.median(usual) if usual else 0.0
    bad = [node for node, norm in norms.items() if not math.isfinite(norm)]
    still = [node for node, norm in norms.items() if norm == 0]
    loud = [node for node, norm in norms.items() if math.isfinite(norm) and norm > _LOUD * middle > 0]
    unreached = {name: node_of(name, paths) for name in probe.unreached}
    nodes = {
        **{node: _entry("error", "its gradient is no finite number") for node in bad},
        **{node: _entry("warning", "its gradient is 0") for node in still},
        **{node: _entry("warning", f"its gradient is {_far_above(middle, f'{_LOUD:,}')}") for node in loud},
    }
    for name, node in unreached.items():
        before = nodes.get(node, _entry("warning", f"no loss depends on {name.removeprefix(f'{node}.')}"))
        nodes[node] = {**before, "unreached": True}
    values = {"norms": norms, "unreached": list(unreached), "nodes": nodes}
    if unreached:
        named = sorted(set(unreached.values()))
        text = f"no loss depends on {len(unreached)} trained weights, of {', '.join(named)}"
        advice = f"wire {named[0]} to a loss, or freeze it: policy: {{{named[0]}: {{freeze: true}}}}"
        yield Finding("gradients", "warning", text, advice, values)
    if bad:
        text = f"the gradient of {', '.join(bad)} is no finite number"
        yield Finding("gradients", "error", text, "lower the learning rate, or compute in fp32 or bf16", values)
    if still:
        text = f"the gradient of {', '.join(still)} is 0"
        advice = "what follows cuts it off (a ReLU that is never above 0, a weight of 0 behind it): look at the wires"
        yield Finding("gradients", "warning", text, advice, values)
    if loud:
        text = f"the gradient of {', '.join(loud)} is {_far_above(middle, str(_LOUD))}"
        advice = "give it a norm, a smaller lr by policy, or clip: {norm: 5}"
        yield Finding("gradients", "warning", text, advice, values)
    if not nodes:
        text = f"of {len(norms)} nodes, norms from {min(usual, default=0):.3g} to {max(usual, default=0):.3g}"
        yield Finding("gradients", "ok", text, values=values)


def _entry(state: State, about: str) -> dict[str, Any]:
    return {"state": state, "about": about, "unreached": False}


def _far_above(median: float, times: str) -> str:
    return f"more than {times} times the median of all nodes ({median:.3g})"


@contextmanager
def first_losses(
    model: Model, graph: Graph, catalog: Catalog, *, trained: bool
) -> Iterator[Callable[[], Iterator[Finding]]]:
    """Compares the first loss of a classifier with that of a guess, which its loss knows (``loss_of_guess(classes)``).

    Args:
        model: The model.
        graph: Its graph.
        catalog: The catalog.
        trained: Whether it begins with trained weights.
    """
    seen: dict[str, tuple[int, float, float]] = {}
    calls = chain.from_iterable(program.calls for program in plan(graph, catalog).programs.values())
    margins = any(_takes_labels(call.component) for call in calls)
    watched = task_of(graph, catalog) == "classification" and not margins

    def note(path: str) -> Callable[..., None]:
        def hook(module: Any, given: tuple[Any, ...], loss: Any) -> None:
            rows = given[0]
            if isinstance(loss, Tensor) and loss.dim() == 0 and isinstance(rows, Tensor) and rows.dim() == 2:
                blind = module.loss_of_guess(rows.shape[1])
                if blind is not None:
                    found = float(loss.detach()) / float(getattr(module, "loss_weight", 1) or 1)
                    seen.setdefault(path, (rows.shape[1], found, blind))

        return hook

    handles = [
        part.register_forward_hook(note(path))
        for path, part in model.named_modules()
        if watched and hasattr(type(part), "loss_of_guess")
    ]

    def findings() -> Iterator[Finding]:
        for path, (classes, loss, blind) in seen.items():
            if classes > 1:
                yield _guess(path, classes, loss, blind, trained=trained)

    try:
        yield findings
    finally:
        for handle in handles:
            handle.remove()


def _takes_labels(component: Component) -> bool:
    """Whether logits depend on the labels (margins, ArcFace), so that they begin where no guess would."""
    return any(port.type.is_a(Label) for port in component.inputs) and any(
        port.type.is_a(Logits) for port in component.outputs
    )


def _guess(path: str, classes: int, loss: float, blind: float, *, trained: bool) -> Finding:
    shown = f"ln({classes}) = {blind:.3f}" if blind == math.log(classes) else f"{blind:.3f}"
    text = f"{path} begins at {loss:.3f}; a guess among {classes} classes has {shown}"
    values = {"loss": loss, "guess": blind, "classes": classes}
    if loss > (1 + _GUESS) * blind:
        advice = "the first logits are large: look at how images are normalised, and at the head's first weights"
        return Finding("first loss", "warning", text, advice, values)
    if loss < (1 - _GUESS) * blind and not trained:
        advice = "it knows the labels before it has learned: does the label reach an input, or is there one class?"
        return Finding("first loss", "warning", text, advice, values)
    return Finding("first loss", "ok", text, values=values)


def policy_finding(proofs: Sequence[NodeProof]) -> Finding:
    """Whether each node moved in one step as its policy says; the values hold each node with its state."""
    nodes = [
        {
            "node": one.node,
            "kind": one.kind,
            "fine": one.fine,
            "moved": one.moved,
            "state": "ok" if one.fine else "warning" if one.kind == "trained" else "error",
            "about": one.about,
        }
        for one in proofs
    ]
    values = {"nodes": nodes}
    wrong = [proof for proof in proofs if not proof.fine]
    if wrong:
        text = "\n".join(f"{proof.node}: {proof.about}" for proof in wrong)
        severe = any(one["state"] == "error" for one in nodes)
        advice = "look at policy, frozen and the learning rate of these nodes"
        return Finding("policy", "error" if severe else "warning", text, advice, values)
    counts = {kind: sum(proof.kind == kind for proof in proofs) for kind in ("trained", "frozen", "momentum copy")}
    text = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    return Finding("policy", "ok", f"{text}: each node moved as it should in one step", values=values)
