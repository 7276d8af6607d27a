"""How the weights of each node are trained: groups of an optimizer, and what is frozen at a step."""

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from torch import nn

from composer.graph import Graph, Node
from composer.model import Model
from composer.problems import Edit, Fix, GraphError, Problem, Where, is_typo, nearest, suggestion
from composer.training.blocks import layers_from_end
from composer.training.calls import FIXED_RATE, TRAINING
from composer.training.layerwise import NO_ADAPTATION
from composer.training.recipe import Freeze, Policy, Recipe

__all__ = ["FULL_RATE", "Frozen", "NodePolicy", "Treatment", "policy_problems", "role_of", "trained"]

FULL_RATE = "full_lr"
"""Key of a parameter group: its learning rate where the schedule's factor is 1."""

Role = Literal["weight", "bias", "norm", "no_decay"]


@dataclass(frozen=True, slots=True)
class Treatment:
    """How one parameter is trained.

    Args:
        name: Its name in the model.
        node: Path of the node that holds it.
        role: What it is.
        lr: Times the learning rate.
        decay: Times the weight decay.
        until: The step in which it begins to train; 0 where it always does, None where it never does.
        fixed: Whether no schedule changes its learning rate.
    """

    name: str
    node: str
    role: Role
    lr: float = 1.0
    decay: float = 1.0
    until: int | None = 0
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class Frozen:
    """What a policy freezes, and lets train again inside of it.

    Args:
        path: The node, or a part of it.
        until: The step in which it begins to train; None where it never does, 0 where it always does.
    """

    path: str
    until: int | None

    def at(self, step: int) -> bool:
        """Whether it is frozen in a step."""
        return self.until is None or step < self.until


class NodePolicy:
    """The policy of a recipe, resolved for a model.

    Every parameter that trains at any time is in the optimizer from the first step, in the order of the model. Rules
    multiply: the policy's factor, that of the role (norm, bias) and that of the depth. Of the policies around a
    parameter the innermost that says something counts, for each key.

    Args:
        recipe: The recipe, complete.
        model: The model as it was built.
        epoch: Steps of an epoch.
        total: Steps of the training.

    Raises:
        GraphError: A path names nothing that could be trained so.
    """

    def __init__(self, recipe: Recipe, model: Model, *, epoch: int, total: int) -> None:
        problems = policy_problems(recipe, model)
        if problems:
            raise GraphError(problems)
        assert recipe.optimizer is not None, "the recipe is complete"
        self.optimizer = recipe.optimizer
        self.policy = recipe.policy
        self.parts = tuple(model.node_params)
        self.frozen = tuple(
            Frozen(path, _until(rule.freeze, epoch=epoch, total=total))
            for path, rule in sorted(recipe.policy.items(), key=lambda item: item[0].count("."))
            if rule.freeze is not None
        )
        self._fixed = tuple(str(path) for path in model.graph.metadata.get(TRAINING, {}).get(FIXED_RATE, ()))
        self._depths = {
            path: layers_from_end(model, path)
            for path, rule in recipe.policy.items()
            if rule.layer_decay is not None and rule.layer_decay != 1
        }
        roles = {name: role_of(model, name, self.optimizer.no_decay) for name, _ in model.named_parameters()}
        self._given = tuple(
            self._treated(name, roles[name]) for name, item in model.named_parameters() if item.requires_grad
        )
        self.treatments = tuple(item for item in self._given if item.until is not None)
        if not self.treatments:
            text = "nothing is trained: every weight is frozen or a momentum copy"
            raise GraphError(Problem("policy-path", Where("policy", path=("policy",)), text))

    @cached_property
    def boundaries(self) -> tuple[int, ...]:
        """The steps in which something begins to train, in order."""
        return tuple(sorted({item.until for item in self.frozen if item.until}))

    def groups(self, model: nn.Module) -> list[dict[str, Any]]:
        """The groups of the optimizer, in the order of the model, named by node and role.

        Args:
            model: The model; its parameters may be parts of tensors by now.
        """
        parameters = dict(model.named_parameters())
        together: dict[tuple[Any, ...], list[Treatment]] = {}
        for item in self.treatments:
            plain = item.role in ("norm", "bias")
            together.setdefault((item.node, item.lr, item.decay, item.fixed, plain), []).append(item)
        groups = []
        for (node, lr, decay, fixed, plain), items in together.items():
            roles = sorted({item.role for item in items} - {"weight"})
            name = node if not roles else f"{node} ({', '.join(roles)})"
            rate = self.optimizer.lr * lr
            group = {"params": [parameters[item.name] for item in items], "name": name, "lr": rate, FULL_RATE: rate}
            group["weight_decay"] = self.optimizer.weight_decay * decay
            if fixed:
                group[FIXED_RATE] = True
            if self.optimizer.type == "LARS":
                group[NO_ADAPTATION] = plain
            groups.append(group)
        return groups

    def apply(self, model: nn.Module, step: int) -> None:
        """Freeze and release what is due in a step: gradients, and whether parts train or evaluate.

        Args:
            model: The model itself, not what wraps it; in training mode.
            step: Counted from 0.
        """
        if not self.frozen:
            return
        begins = {item.name: item.until for item in self._given}
        for name, parameter in model.named_parameters():
            if name in begins:
                until = begins[name]
                parameter.requires_grad_(until is not None and step >= until)
        self.apply_mode(model, step)

    def hold(self, model: nn.Module, step: int) -> None:
        """Keep frozen what a part released by itself in ``before_step``."""
        for name, parameter in model.named_parameters():
            if parameter.requires_grad and self.frozen_at(name, step):
                parameter.requires_grad_(False)

    def apply_mode(self, model: nn.Module, step: int) -> None:
        """Let frozen parts evaluate, so that their statistics stay; to be called after ``model.train()``."""
        for item in self.frozen:
            part = _module_at(model, item.path)
            if part is not None:
                part.train(not item.at(step))

    def frozen_at(self, name: str, step: int) -> bool:
        """Whether a parameter or a buffer is frozen by the policy in a step, by its name."""
        inside = [item for item in self.frozen if _is_in(name, item.path)]
        return bool(inside) and inside[-1].at(step)

    def _treated(self, name: str, role: Role) -> Treatment:
        rules = _around(self.policy, name)
        lr = _innermost(rules, "lr")
        decay = _innermost(rules, "decay")
        found = Treatment(name, _node_of(name, self.parts), role, 1.0 if lr is None else lr)
        found = replace(found, decay=1.0 if decay is None else decay)
        layered = next((path for path, rule in reversed(rules) if rule.layer_decay is not None), None)
        if layered in self._depths:
            found = replace(
                found, lr=found.lr * float(self.policy[layered].layer_decay or 1) ** self._depths[layered][name]
            )
        by_role = {
            "norm": (1.0, self.optimizer.norm_decay_mult),
            "bias": (self.optimizer.bias_lr_mult, self.optimizer.bias_decay_mult),
            "no_decay": (1.0, 0.0),
        }
        times_lr, times_decay = by_role.get(role, (1.0, 1.0))
        inside = [item for item in self.frozen if _is_in(name, item.path)]
        return replace(
            found,
            lr=found.lr * times_lr,
            decay=found.decay * times_decay,
            until=inside[-1].until if inside else 0,
            fixed=any(_is_in(name, path) for path in self._fixed),
        )


def role_of(model: nn.Module, name: str, no_decay: Sequence[str] = ()) -> Role:
    """What a parameter is: of a normalisation, a bias, one that does not decay by its name, or a weight.

    Args:
        model: The model.
        name: The parameter's name.
        no_decay: Last parts of names of parameters that do not decay.
    """
    holder, _, leaf = name.rpartition(".")
    if leaf in no_decay:
        return "no_decay"
    if _is_norm(model.get_submodule(holder)):
        return "norm"
    return "bias" if leaf == "bias" or leaf.endswith("_bias") else "weight"


_NORMS = (
    nn.modules.batchnorm._NormBase,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.RMSNorm,
    nn.LocalResponseNorm,
)


def _is_norm(module: nn.Module) -> bool:
    """A normalisation of torch, or one of one's own that is called so."""
    return isinstance(module, _NORMS) or (type(module).__name__.endswith("Norm") and not list(module.children()))


def policy_problems(recipe: Recipe, model: Model) -> list[Problem]:
    """Policies that name nothing, or what cannot be trained so.

    Args:
        recipe: The recipe.
        model: The model of its graph.
    """
    return [problem for path, rule in recipe.policy.items() for problem in _problems_at(path, rule, model)]


def _problems_at(path: str, rule: Policy, model: Model) -> Iterator[Problem]:
    where = Where(f"policy.{path}", path=("policy", path))
    given = {key: value for key, value in rule if value is not None}
    keys = " and ".join(given) or "a policy"
    if (shared := _shares(model.graph, path)) is not None:
        text = f"'{path}' has no weights of its own: it calls those of '{shared}'; say {keys} of '{shared}'"
        yield Problem("policy-path", where, text, _renamed(path, shared, rule))
        return
    copied = next((copy for target, copy in model.copies.items() if _is_in(path, target)), None)
    if copied is not None:
        text = f"'{path}' is a momentum copy of '{copied.source}': it takes no gradient, so {keys} would change nothing"
        yield Problem("policy-path", where, text, _removed(path))
        return
    holds = [name for name, _ in model.named_parameters() if _is_in(name, path)]
    if not holds:
        known = [*model.node_params, *(name for name, part in model.named_modules() if name and _holds(part))]
        if path in model.node_params or path in model.graph.nodes or _module_at(model, path) is not None:
            yield Problem(
                "policy-path", where, f"'{path}' has no weights, so {keys} would change nothing", _removed(path)
            )
            return
        same = [name for name in known if name.count(".") == path.count(".")]
        known = same if nearest(path, same, 1) else known
        near = nearest(path, known, 1)
        fix = _renamed(path, near[0], rule) if near and is_typo(path, near[0]) else None
        text = f"no node and no part of one is called '{path}'; {suggestion(path, known, 'nodes with weights')}"
        yield Problem("policy-path", where, text, fix)
        return
    frozen = next((other for other in model.frozen_paths if _is_in(path, other)), None)
    if frozen is not None:
        if given and given != {"freeze": True}:
            text = f"the graph freezes '{frozen}', so {keys} would change nothing: take 'frozen' out of the graph, or "
            text += "this policy out of the recipe"
            yield Problem("policy-frozen", where, text, _removed(path))
        return
    never = [key for key in ("lr", "decay", "layer_decay") if key in given and rule.freeze is True]
    if never:
        text = f"'{path}' is frozen for good, so {' and '.join(never)} would change nothing"
        edits = tuple(Edit(("policy", path, key), remove=True) for key in never)
        yield Problem("policy-frozen", where, text, Fix(f"take {' and '.join(never)} out", edits))
    if rule.layer_decay is not None and not any(layers_from_end(model, path).values()):
        text = f"'{path}' has no blocks that could be counted, so layer_decay would change nothing"
        yield Problem(
            "policy-path", where, text, Fix("take it out", (Edit(("policy", path, "layer_decay"), remove=True),))
        )


def _until(freeze: bool | Freeze | None, *, epoch: int, total: int) -> int | None:
    if isinstance(freeze, Freeze):
        return freeze.until.in_steps(epoch=epoch, total=total)
    return None if freeze else 0


def _around(policy: Mapping[str, Policy], name: str) -> list[tuple[str, Policy]]:
    """The policies around a parameter, the innermost last."""
    found = [(path, rule) for path, rule in policy.items() if _is_in(name, path)]
    return sorted(found, key=lambda item: item[0].count("."))


def _innermost(rules: Iterable[tuple[str, Policy]], key: str) -> Any:
    found = None
    for _, rule in rules:
        value = getattr(rule, key)
        found = found if value is None else value
    return found


def _is_in(name: str, path: str) -> bool:
    return name == path or name.startswith(f"{path}.")


def _node_of(name: str, parts: Iterable[str]) -> str:
    """The node that holds a parameter."""
    around = [path for path in parts if _is_in(name, path)]
    return max(around, key=len) if around else name.partition(".")[0]


def _module_at(model: nn.Module, path: str) -> nn.Module | None:
    try:
        return model.get_submodule(path)
    except AttributeError:
        return None


def _holds(part: nn.Module) -> bool:
    return next(part.parameters(), None) is not None


def _shares(graph: Graph, path: str) -> str | None:
    """Whose weights a node calls, where they are not its own: the path of that node."""
    nodes: Mapping[str, Node] = graph.nodes
    outer: list[str] = []
    for name in path.split("."):
        node = nodes.get(name)
        if node is None:
            return None
        if node.weights.rule == "share" and node.weights.source is not None:
            rest = path.split(".")[len(outer) + 1 :]
            return ".".join([*outer, node.weights.source, *rest])
        outer.append(name)
        body = graph.graphs.get(node.graph or "")
        if body is None:
            return None
        nodes = body.nodes
    return None


def _renamed(path: str, other: str, rule: Policy) -> Fix:
    value = copy.copy(rule).model_dump(mode="json", exclude_none=True)
    edits = (Edit(("policy", other), value), Edit(("policy", path), remove=True))
    return Fix(f"say it of '{other}'", edits)


def _removed(path: str) -> Fix:
    return Fix(f"take 'policy.{path}' out", (Edit(("policy", path), remove=True),))


def rates(groups: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """The learning rates of groups by their names."""
    return {str(group["name"]): float(group["lr"]) for group in groups}


def trained(model: nn.Module) -> tuple[str, ...]:
    """The names of what takes a gradient now."""
    return tuple(name for name, item in model.named_parameters() if item.requires_grad)
