"""Rules for some parameters (``paramwise_cfg``), as roles and a policy by node.

What mmengine would do with each parameter of the built model is worked out first (mmengine 0.10,
``DefaultOptimWrapperConstructor``; ``paramwise_options`` of mmselfsup 0.x are regular expressions). Then the recipe is
found that does the same, and compared parameter by parameter.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from torch import nn

from composer.graph import Graph
from composer.model import Model
from composer.openmmlab.recipes.settings import Settings
from composer.training.policy import NodePolicy, policy_problems, role_of
from composer.training.recipe import Recipe

__all__ = ["Rules", "proved", "read_rules"]

_NORMS = (nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm, nn.GroupNorm, nn.LayerNorm)
_FLAT = ("norm_decay_mult", "bias_decay_mult", "bias_lr_mult", "flat_decay_mult", "dwconv_decay_mult")
_NORM_WORDS = ("norm", "ln", "bn", "gn")
_MOST_PATHS = 40
_MOST_VALUES = 3
_SHOWN = 3
_CLOSE = 1e-6
Factors = tuple[float, float]
"""Times the learning rate, and times the weight decay."""


@dataclass
class Rules:
    """How parameters are trained, as a recipe says it.

    Args:
        optimizer: ``norm_decay_mult``, ``bias_decay_mult``, ``bias_lr_mult``, ``no_decay``.
        policy: By path of a node or a part of it.
        wanted: What mmengine does with each parameter; empty where the model cannot be built.
    """

    optimizer: dict[str, Any] = field(default_factory=lambda: {"norm_decay_mult": 1.0, "bias_decay_mult": 1.0})
    policy: dict[str, dict[str, float]] = field(default_factory=dict)
    wanted: dict[str, Factors] = field(default_factory=dict)


@dataclass(frozen=True)
class _Parameter:
    """A parameter of the model.

    Args:
        name: Its name in the model.
        theirs: Its name in OpenMMLab.
        role: What a recipe takes it for.
        flat: Whether it has one axis.
        of_norm: Whether mmengine takes it for one of a normalisation.
        of_depthwise: Whether it is of a depthwise convolution.
    """

    name: str
    theirs: str
    role: str
    flat: bool
    of_norm: bool
    of_depthwise: bool

    @property
    def leaf(self) -> str:
        """The last part of its name."""
        return self.name.rpartition(".")[2]


@dataclass(frozen=True)
class _Custom:
    """A rule for parameters by name.

    Args:
        key: A part of the name, or an expression.
        factors: Times the learning rate and the decay; None for what it leaves.
        expression: Whether the key is a regular expression.
        place: Where it stands.
    """

    key: str
    factors: tuple[float | None, float | None]
    expression: bool
    place: str

    def hits(self, name: str) -> bool:
        """Whether it is about a parameter."""
        return bool(re.search(self.key, name)) if self.expression else self.key in name


def read_rules(given: Settings, graph: Graph, model: Model | None, decay: float) -> Rules:
    """The rules of a config.

    Args:
        given: ``paramwise_cfg``, or ``paramwise_options`` of mmselfsup 0.x.
        graph: The graph.
        model: The model of the graph, without numbers; None where it cannot be built.
        decay: The weight decay, of which mmselfsup 0.x writes the value itself.
    """
    found = Rules()
    if not given:
        return found
    flat = {key: value for key in _FLAT if (value := given.number(key)) is not None}
    given.beside("bypass_duplicate", "num_layers")
    depth = given.number("layer_decay_rate", given.number("decay_rate", low=_CLOSE, high=1), low=_CLOSE, high=1)
    custom = _custom(given, decay)
    given.usual("dcn_offset_lr_mult", 1, 1.0)
    given.left("dcn_offset_lr_mult", "offsets of deformable convolutions learn as the rest does here")
    if depth is not None:
        _by_layer(found, given, graph, depth)
    given.close("there is no such rule")
    for key in ("norm_decay_mult", "bias_decay_mult", "bias_lr_mult"):
        if key in flat:
            found.optimizer[key] = flat[key]
    if model is None:
        _by_words(found, given, flat, custom, graph)
    else:
        _by_model(found, given, flat, custom, list(_parameters(model, graph)))
    return found


def _by_model(
    found: Rules, given: Settings, flat: Mapping[str, float], custom: Sequence[_Custom], parameters: list[_Parameter]
) -> None:
    """What each parameter of the model shall have, as roles and the fewest paths."""
    found.wanted = {one.name: _wanted(one, flat, custom) for one in parameters}
    _report_no_hits(given, custom, parameters)
    _name_those_without_decay(found, parameters)
    paths: dict[str, dict[str, float]] = {}
    chosen: dict[str, float] = {}
    best: tuple[bool, int, int] | None = None
    for roles in _choices(found, flat, parameters):
        never, these = _by_path(found.wanted, {**found.optimizer, **roles}, parameters)
        count = sum(map(len, these.values()))
        score = (count > _MOST_PATHS, never, count)
        if best is None or score < best:
            best, paths, chosen = score, these, roles
    found.optimizer |= chosen
    for key, values in paths.items():
        if len(values) > _MOST_PATHS:
            text = f"{len(values)} parts of the model would have a {key} of their own: they are not in the policy"
            given.report.left(given.at("custom_keys"), text)
            continue
        for path, value in values.items():
            found.policy.setdefault(path, {})[key] = float(f"{value:.9g}")


def proved(recipe: Recipe, rules: Rules, model: Model, given: Settings) -> Recipe:
    """The recipe, compared with what mmengine would do, parameter by parameter.

    Args:
        recipe: The recipe, with an optimizer.
        rules: What was read.
        model: The model of its graph.
        given: ``paramwise_cfg``.

    Returns:
        The recipe without policies that the model cannot take.
    """
    for problem in (problems := policy_problems(recipe, model)):
        given.report.left(given.place, problem.message)
    if problems:
        paths = {problem.where.path[1] for problem in problems}
        kept = {path: rule for path, rule in recipe.policy.items() if path not in paths}
        recipe = recipe.model_copy(update={"policy": kept})
    layered = [path for path, rule in recipe.policy.items() if rule.layer_decay is not None]
    decays, others = [], []
    for item in NodePolicy(recipe, model, epoch=1, total=1).treatments:
        rate, decay = rules.wanted.get(item.name, (item.lr, item.decay))
        inside = any(item.name.startswith(f"{path}.") for path in layered)
        if decay and not item.decay:
            decays.append(item.name)
        elif abs(decay - item.decay) > _CLOSE or (abs(rate - item.lr) > _CLOSE and not inside):
            others.append(item.name)
    if decays:
        text = (
            f"{len(decays)} of {len(rules.wanted)} parameters decay there and not here, since a key in their name sets "
        )
        text += f"the rules for biases and normalisation aside in mmengine (mmengine#846): {_some(decays)}"
        given.meant("custom_keys" if "custom_keys" in given else "norm_decay_mult", text)
    if others:
        given.report.left(given.place, f"{len(others)} parameters learn or decay otherwise: {_some(others)}")
    return recipe


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (" ..." if len(names) > _SHOWN else "")


def _custom(given: Settings, decay: float) -> list[_Custom]:
    """``custom_keys``, the longest first, or the expressions of mmselfsup 0.x in their order."""
    keys = given.inside("custom_keys")
    found = [_rule(keys.inside(key), key, decay, expression=False) for key in keys.data]
    found.sort(key=lambda one: (-len(one.key), one.key))
    keys.close()
    expressions = [key for key, value in given.data.items() if isinstance(value, Mapping) and key != "custom_keys"]
    for key in expressions:
        rule = _rule(given.inside(key), key, decay, expression=True)
        try:
            re.compile(key)
        except re.error as error:
            given.report.left(rule.place, f"it is no regular expression: {error}")
        else:
            found.append(rule)
    return found


def _rule(one: Settings, key: str, decay: float, *, expression: bool) -> _Custom:
    rate = one.number("lr_mult", None if expression else 1.0)
    times = one.number("decay_mult", one.number("weight_decay_mult", None if expression else 1.0))
    own = one.number("weight_decay")
    if own is not None:
        times = own / decay if decay else 1.0
    one.beside("lars_exclude")  # biases and normalisation are left out of the adaptation of LARS in a recipe
    one.close("a recipe has no such rule")
    return _Custom(key, (rate, times), expression, one.place)


def _parameters(model: Model, graph: Graph) -> Iterator[_Parameter]:
    """Every parameter that takes a gradient."""
    for name, item in model.named_parameters():
        if item.requires_grad:
            holder = model.get_submodule(name.rpartition(".")[0])
            depthwise = isinstance(holder, nn.Conv2d) and holder.in_channels == holder.groups
            yield _Parameter(
                name,
                _their_name(name, graph),
                role_of(model, name),
                item.dim() == 1,
                isinstance(holder, _NORMS),
                depthwise,
            )


def _their_name(name: str, graph: Graph) -> str:
    """What OpenMMLab calls a parameter: entries of a list are numbered, and a head holds its loss."""
    node, _, rest = name.partition(".")
    slot, _, number = node.rpartition("_")
    if node == "loss" and "head" in graph.nodes:
        return f"head.loss_module.{rest}"
    if number.isdigit() and slot and slot not in graph.nodes:
        return f"{slot}.{number}.{rest}"
    return name


def _wanted(one: _Parameter, flat: Mapping[str, float], custom: Sequence[_Custom]) -> Factors:
    """What mmengine does with a parameter."""
    hits = [rule for rule in custom if rule.hits(one.theirs)]
    if hits and not hits[0].expression:
        rate, decay = hits[0].factors
        return (1.0 if rate is None else rate), (1.0 if decay is None else decay)
    rate, decay = 1.0, 1.0
    bias = one.leaf == "bias"
    if bias and not one.of_norm:
        rate = flat.get("bias_lr_mult", 1.0)
    if one.of_norm and "norm_decay_mult" in flat:
        decay = flat["norm_decay_mult"]
    elif bias and "bias_decay_mult" in flat:
        decay = flat["bias_decay_mult"]
    elif one.of_depthwise and "dwconv_decay_mult" in flat:
        decay = flat["dwconv_decay_mult"]
    elif one.flat and "flat_decay_mult" in flat:
        decay = flat["flat_decay_mult"]
    for rule in hits:
        rate = rate if rule.factors[0] is None else rule.factors[0]
        decay = decay if rule.factors[1] is None else rule.factors[1]
    return rate, decay


def _report_no_hits(given: Settings, custom: Sequence[_Custom], parameters: Sequence[_Parameter]) -> None:
    """Keys that name no parameter: in mmengine they change nothing without a word."""
    for rule in custom:
        if not any(rule.hits(one.theirs) for one in parameters):
            given.report.meant(rule.place, f"no trained parameter has '{rule.key}' in its name: it changes nothing")


def _choices(found: Rules, flat: Mapping[str, float], parameters: Sequence[_Parameter]) -> Iterator[dict[str, float]]:
    """What normalisation and biases may be given as roles: what the config says, or what some of them shall have."""
    values = []
    for role, key in (("norm", "norm_decay_mult"), ("bias", "bias_decay_mult")):
        decays = Counter(found.wanted[one.name][1] for one in parameters if one.role == role)
        usual = [value for value, _ in decays.most_common(_MOST_VALUES)]
        values.append([flat[key]] if key in flat else list(dict.fromkeys([1.0, *usual])))
    for norm, bias in product(*values):
        yield {"norm_decay_mult": norm, "bias_decay_mult": bias}


def _name_those_without_decay(found: Rules, parameters: Sequence[_Parameter]) -> None:
    """Names that no decaying parameter has, such as ``pos_embed``."""
    leaves: dict[str, set[float]] = {}
    for one in parameters:
        leaves.setdefault(one.leaf, set()).add(found.wanted[one.name][1])
    roles = {one.leaf for one in parameters if one.role in ("norm", "bias")}
    names = sorted(leaf for leaf, decays in leaves.items() if decays == {0.0} and leaf not in (*roles, "weight"))
    if names:
        found.optimizer["no_decay"] = names


def _by_path(
    wanted: Mapping[str, Factors], optimizer: Mapping[str, Any], parameters: Sequence[_Parameter]
) -> tuple[int, dict[str, dict[str, float]]]:
    """What is left beside the roles, by the path of a node or a part of it.

    Args:
        wanted: What each parameter shall have.
        optimizer: What the roles have.
        parameters: Those of the model.

    Returns:
        For how many no policy does, since their role does not decay; and the paths, for ``lr`` and ``decay``.
    """
    ratios: dict[str, tuple[float | None, float | None]] = {}
    never = 0
    for one in parameters:
        own, theirs = _of_role(one, optimizer), wanted[one.name]
        ratios[one.name] = (_ratio(theirs[0], own[0]), _ratio(theirs[1], own[1]))
        never += bool(theirs[1] and not own[1])
    return never, {
        key: dict(_paths({name: pair[index] for name, pair in ratios.items()}, 1.0))
        for index, key in enumerate(("lr", "decay"))
    }


def _of_role(one: _Parameter, optimizer: Mapping[str, Any]) -> Factors:
    if one.leaf in optimizer.get("no_decay", ()):
        return 1.0, 0.0
    if one.role == "norm":
        return 1.0, optimizer["norm_decay_mult"]
    if one.role == "bias":
        return optimizer.get("bias_lr_mult", 1.0), optimizer["bias_decay_mult"]
    return 1.0, 1.0


def _ratio(wanted: float, own: float) -> float | None:
    """What a policy must multiply with; None where everything will do, or nothing."""
    return wanted / own if own else None


def _paths(values: Mapping[str, float | None], inherited: float, at: str = "") -> Iterator[tuple[str, float]]:
    """The fewest paths that give each parameter its value, where an inner path overrides an outer one."""
    inside = {name: value for name, value in values.items() if value is not None}
    if not inside or set(inside.values()) == {inherited}:
        return
    chosen = inherited
    if at:
        common = Counter(inside.values()).most_common(1)[0][0]
        chosen = common if Counter(inside.values())[inherited] < Counter(inside.values())[common] else inherited
        if chosen != inherited:
            yield at, chosen
    children: dict[str, dict[str, float | None]] = {}
    for name, value in values.items():
        rest = name[len(at) + 1 :] if at else name
        if name != at:
            child = rest.partition(".")[0]
            children.setdefault(f"{at}.{child}" if at else child, {})[name] = value
    for child, items in children.items():
        yield from _paths(items, chosen, child)


def _by_layer(found: Rules, given: Settings, graph: Graph, rate: float) -> None:
    """A rate that falls by layer of the backbone."""
    kind = given.take("decay_type", "layer_wise")
    if kind != "layer_wise":
        given.meant("decay_type", f"{kind} there; here the rate falls by block")
    node = next((name for name in ("backbone", "backbone_0") if name in graph.nodes), None)
    if node is None:
        given.report.left(given.place, "the graph has no backbone whose layers could be counted")
    else:
        found.policy.setdefault(node, {})["layer_decay"] = rate


def _by_words(
    found: Rules, given: Settings, flat: Mapping[str, float], custom: Iterable[_Custom], graph: Graph
) -> None:
    """What names show of a model that cannot be built: nothing is compared."""
    unsure = "the graph cannot be built yet, so which parameters it means is not known"
    any_known = False
    for rule in custom:
        known = _by_word(found, rule, flat, graph)
        any_known = any_known or known
        if not known:
            given.report.left(rule.place, unsure)
    for key in ("flat_decay_mult", "dwconv_decay_mult"):
        if flat.get(key, 1.0) != 1:
            given.report.left(given.at(key), unsure)
    if any_known:
        given.report.meant(given.at("custom_keys"), "read by the names alone, since the graph cannot be built yet")


def _by_word(found: Rules, rule: _Custom, flat: Mapping[str, float], graph: Graph) -> bool:
    """Take a rule by what its key says: a node, a role or the name of a parameter; whether it says one of these."""
    rate, decay = rule.factors
    word = rule.key.strip(".")
    if word.partition(".")[0] in graph.nodes:
        factors = {key: value for key, value in (("lr", rate), ("decay", decay)) if value not in (None, 1)}
        if factors:
            found.policy.setdefault(word, {}).update({key: float(value or 0) for key, value in factors.items()})
        return True
    if rate not in (None, 1):
        return False
    role = "norm_decay_mult" if word in _NORM_WORDS else "bias_decay_mult" if word == "bias" else ""
    if role:
        if role not in flat:
            found.optimizer[role] = 1.0 if decay is None else decay
        return True
    if decay == 0 and word.isidentifier():
        found.optimizer.setdefault("no_decay", []).append(word)
        return True
    return False
