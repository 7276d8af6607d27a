"""A recipe as a short Lightning module around a model, for those who train with Lightning; nothing here imports it."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from composer.model import Model
from composer.problems import GraphError, Problem, Where
from composer.training import layerwise
from composer.training.calls import FIXED_RATE, TRAINING
from composer.training.clusters import clustering_of
from composer.training.policy import NodePolicy, Treatment
from composer.training.recipe import Freeze, Recipe, Schedule, Span

__all__ = ["lightning_left_out", "lightning_source", "with_lightning"]

_PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}
_MODULE = '''
class {name}Training(lightning.LightningModule):
    """How {name} is trained. A batch is (inputs, data_samples) of {batch} samples, as the model takes them.

    lightning.Trainer({options})
    """

    def __init__(self):
        super().__init__()
        self.model = {name}()

    def training_step(self, batch, batch_idx):
        inputs, data_samples = batch
        losses = self.model(inputs, data_samples, mode="loss")
        loss = sum(value for name, value in losses.items() if "loss" in name)
        self.log_dict({{name: value.detach() for name, value in losses.items()}}, prog_bar=True)
        return loss

    def predict_step(self, batch, batch_idx):
        return self.model(batch[0], mode="predict")

    def configure_optimizers(self):
        groups = self.parameter_groups()
        optimizer = {optimizer}(groups, {arguments})
        factors = [(lambda step: 1.0) if group["fixed"] else self.factor for group in groups]
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factors)
        return {{"optimizer": optimizer, "lr_scheduler": {{"scheduler": scheduler, "interval": "step"}}}}

    def parameter_groups(self):
        """Every trained weight with its learning rate and weight decay; rules multiply, the innermost path counts."""
        groups = {{}}
        for name, parameter in self.model.named_parameters():
            if not parameter.requires_grad or innermost(FROZEN, name, 0) is None:
                continue
            plain, fixed = parameter.ndim <= 1, innermost(FIXED, name, False)  # plain: of norms, and biases
            decay = WEIGHT_DECAY * (PLAIN_DECAY if plain else 1.0) * innermost(DECAY_MULT, name, 1.0)
            lr = LR * innermost(LR_MULT, name, 1.0)
            group = groups.setdefault((lr, decay, fixed{key}), {{"params": [], "lr": lr, "weight_decay": decay}})
            group |= {{"fixed": fixed{flag}}}
            group["params"].append(parameter)
        return list(groups.values())

    def factor(self, step):
        """What learning rates are multiplied with, by the step of the optimizer."""
        total = self.trainer.estimated_stepping_batches
        epoch = total / self.trainer.max_epochs
{schedule}
{hooks}'''
_LAYERWISE_IMPORTS = """

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer"""
_INNERMOST = '''
def innermost(rules, name, default):
    """What is said of the longest path that holds a weight."""
    inside = [path for path in rules if name == path or name.startswith(f"{path}.")]
    return rules[max(inside, key=len)] if inside else default

'''


def lightning_source(recipe: Recipe, model: Model, name: str) -> str:
    """The source of a Lightning module that trains a model as a recipe says.

    It stands below the source of the model itself (``composer.export.standalone``), and needs ``torch``, ``math`` and
    ``lightning`` there. Steps of the optimizer, learning rates, weight decay, freezing and what a graph gets around
    steps are those of ``composer.training``.

    Args:
        recipe: The recipe, complete.
        model: The model.
        name: The class of the model.

    Raises:
        GraphError: The graph clusters its samples between epochs, which no such module can do.
    """
    if clustering_of(model, recipe.data.columns):
        text = "this graph clusters all samples while it trains, which is no matter of a Lightning module: train it "
        raise GraphError(Problem("no-lightning", Where(model.graph.name or "graph"), f"{text}with composer train"))
    assert recipe.optimizer is not None and recipe.schedule is not None, "the recipe is complete"
    total = recipe.total_steps(1000)
    policy = NodePolicy(recipe, model, epoch=1000, total=total)
    kind, own = recipe.optimizer.type, ""
    lars = {"key": ", plain", "flag": f', "{layerwise.NO_ADAPTATION}": plain'} if kind == "LARS" else {}
    if kind in layerwise.LAYERWISE:
        own = "\n\n" + inspect.getsource(layerwise.LAYERWISE[kind])
        own += "\n\n" + inspect.getsource(layerwise._local_rates) if kind == "LARS" else ""
        own = _LAYERWISE_IMPORTS + own.replace("NO_ADAPTATION", repr(layerwise.NO_ADAPTATION))
    return "".join(
        (
            own,
            "\n\n",
            "\n".join(_constants(recipe, model, policy)),
            "\n\n",
            _INNERMOST,
            _MODULE.format(
                name=name,
                **({"key": "", "flag": ""} | lars),
                options=_options(recipe),
                batch=recipe.batches.batch // recipe.batches.accumulate,
                optimizer=kind if kind in layerwise.LAYERWISE else f"torch.optim.{kind}",
                arguments=_arguments(recipe),
                schedule="\n".join(f"        {line}" for line in _schedule(recipe.schedule)),
                hooks="".join(_hooks(model, policy)),
            ).rstrip(),
            "\n",
        )
    )


def with_lightning(model: str, training: str) -> str:
    """One file of both sources.

    Args:
        model: The source of the model.
        training: What ``lightning_source`` gave.
    """
    model = model.replace("it needs torch and nothing of", "it needs torch and lightning, and nothing of", 1)
    imports = "" if "\nimport math\n" in model else "import math\n\n"
    return model.replace("\nimport torch\n", f"\n{imports}import lightning\nimport torch\n", 1) + training


def lightning_left_out(recipe: Recipe) -> list[str]:
    """What a recipe says that is not in the module, in words."""
    found = ["data and augmentation: give the Trainer a DataLoader of (inputs, data_samples)"]
    found += ["mix: mixup and cutmix are steps of your data"] if recipe.mix else []
    found += ["ema: use Lightning's WeightAveraging callback"] if recipe.ema is not None else []
    found += ["compile: wrap the model in torch.compile"] if recipe.compile else []
    found += ["clip.value beside clip.norm: a Trainer cuts by one of the two"] if _clips_twice(recipe) else []
    return found


def _constants(recipe: Recipe, model: Model, policy: NodePolicy) -> Iterator[str]:
    """Learning rate and decay, and the paths where these are others."""
    assert recipe.optimizer is not None, "the recipe is complete"
    names = [name for name, item in model.named_parameters() if item.requires_grad]
    treated = {item.name: item for item in policy.treatments}
    yield f"LR, WEIGHT_DECAY = {recipe.optimizer.lr!r}, {recipe.optimizer.weight_decay!r}"
    yield from _table("LR_MULT", _rules({name: _of(treated, name, "lr", 1.0) for name in names}, 1.0))
    plain = recipe.optimizer.norm_decay_mult
    decays = {name: _of(treated, name, "decay", 1.0) for name in names}
    flat = {name for name, item in model.named_parameters() if item.dim() <= 1}
    if any(name in flat and plain == 0 != decays[name] for name in names):
        plain = 1.0  # some of them decay, so paths say it
    shares = {name: _share(decays[name], plain if name in flat else 1.0) for name in names}
    yield f"PLAIN_DECAY = {plain!r}  # times the weight decay of biases and normalisation"
    yield from _table("DECAY_MULT", _rules(shares, 1.0))
    fixed = model.graph.metadata.get(TRAINING, {}).get(FIXED_RATE, ())
    yield from _table("FIXED", {str(path): True for path in fixed})
    yield "# The step in which what is frozen begins to train; None where it never does."
    yield from _table("FROZEN", {item.path: _until(recipe, item.path) for item in policy.frozen})


def _of(treated: Mapping[str, Treatment], name: str, key: str, default: float) -> float:
    return float(getattr(treated[name], key)) if name in treated else default


def _share(value: float, base: float) -> float:
    return value / base if base else 1.0


def _until(recipe: Recipe, path: str) -> Any:
    freeze = recipe.policy[path].freeze
    return _Raw(_span(freeze.until)) if isinstance(freeze, Freeze) else None if freeze else 0


def _rules(values: Mapping[str, float], default: float) -> dict[str, float]:
    """Paths by which every weight has its value: one for all weights of a part where these are alike."""
    return dict(_alike(values, "", default))


def _alike(values: Mapping[str, float], path: str, inherited: float) -> Iterator[tuple[str, float]]:
    inside = {name: value for name, value in values.items() if _is_in(name, path)}
    counts: dict[float, int] = {}
    for value in inside.values():
        counts[value] = counts.get(value, 0) + 1
    usual = max(counts, key=lambda value: (counts[value], value == inherited))
    if not path:
        usual = inherited
    if usual != inherited:
        yield path, usual
    if len(counts) == 1 and usual in counts:
        return
    depth = len(path.split(".")) if path else 0
    for part in dict.fromkeys(".".join(name.split(".")[: depth + 1]) for name in inside if name != path):
        yield from _alike(values, part, usual)


class _Raw(str):
    """Source, as it stands."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _table(name: str, rules: Mapping[str, Any]) -> Iterator[str]:
    if not rules:
        yield f"{name} = {{}}"
        return
    yield f"{name} = {{"
    for path, value in rules.items():
        raw = f"lambda total, epoch: {value}" if isinstance(value, _Raw) else repr(value)
        yield f'    "{path}": {raw},'
    yield "}"


def _options(recipe: Recipe) -> str:
    """What a Trainer is to be given."""
    found: dict[str, Any] = {"max_steps": recipe.steps} if recipe.steps else {"max_epochs": recipe.epochs}
    found["precision"] = _PRECISIONS[recipe.precision]
    if recipe.batches.accumulate > 1:
        found["accumulate_grad_batches"] = recipe.batches.accumulate
    if recipe.clip.norm is not None:
        found["gradient_clip_val"] = recipe.clip.norm
    elif recipe.clip.value is not None:
        found |= {"gradient_clip_val": recipe.clip.value, "gradient_clip_algorithm": "value"}
    if recipe.distributed.sync_norm:
        found["sync_batchnorm"] = True
    return ", ".join(f"{key}={value!r}" for key, value in found.items())


def _arguments(recipe: Recipe) -> str:
    assert recipe.optimizer is not None, "the recipe is complete"
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in recipe.optimizer.options.items()}
    return ", ".join(["lr=LR", *(f"{key}={value!r}" for key, value in given.items())])


def _schedule(schedule: Schedule) -> Iterator[str]:
    """The lines of a function of ``step``, ``total`` and ``epoch``; as composer.training.schedule computes it."""
    falls = schedule.type in ("cosine", "linear", "poly")
    yield f"warmup = min({_span(schedule.warmup)}, total)"
    if schedule.type == "step":
        steps = f"range({_span(schedule.every)}, total, {_span(schedule.every)})" if schedule.every else None
        at = steps or f"({' '.join(f'{_span(span)},' for span in schedule.at)})"
        yield f"stepped = {schedule.gamma!r} ** sum(step >= at for at in {at})"
    else:
        yield "stepped = 1.0"
    yield "if step < warmup:"
    risen = "(1 - math.cos(math.pi * step / warmup)) / 2" if schedule.type == "one_cycle" else "step / warmup"
    yield f"    return stepped * ({schedule.warmup_start!r} + {1 - schedule.warmup_start!r} * {risen})"
    if schedule.type in ("step", "constant"):
        yield "return stepped"
        return
    first = f"warmup + {_span(schedule.hold)}" if falls else "warmup"
    last = f"total - {_span(schedule.cooldown)}" if falls else "total"
    yield f"first, last = {first}, {last}"
    yield "done = min(max(step - first, 0) / max(last - first, 1), 1.0)"
    shape = {"linear": "(1 - done)", "poly": f"(1 - done) ** {schedule.power!r}"}
    shape = shape | dict.fromkeys(("cosine", "one_cycle"), "(1 + math.cos(math.pi * done)) / 2")
    yield f"return {schedule.end!r} + {1 - schedule.end!r} * {shape[schedule.type]}"


def _span(span: Span) -> str:
    """A stretch in steps, as source."""
    amount = repr(int(span.amount) if float(span.amount).is_integer() else span.amount)
    if span.unit == "steps":
        return amount
    return f"round({amount} * epoch)" if span.unit == "epochs" else f"round({amount} * total / 100)"


def _hooks(model: Model, policy: NodePolicy) -> Iterator[str]:
    """What the model gets around steps and epochs, where it listens."""
    parts = list(model.modules())
    progress = any("training_progress" in part._buffers for part in parts)
    before, after, epoch = (
        any(callable(getattr(type(part), name, None)) for part in parts)
        for name in ("before_step", "after_step", "before_epoch")
    )
    if progress or before or policy.frozen:
        yield "\n    def on_train_batch_start(self, batch, batch_idx):\n"
        yield "        total = self.trainer.estimated_stepping_batches\n"
        if policy.frozen:
            yield _FREEZE
        if progress or before:
            yield "        for part in self.model.modules():\n"
        if progress:
            yield '            if "training_progress" in part._buffers:\n'
            yield "                part.training_progress.fill_(self.global_step / total)\n"
        if before:
            yield '            if hasattr(part, "before_step"):\n'
            yield "                part.before_step(self.global_step)\n"
    if after:
        yield _each("on_train_batch_end", "outputs, batch, batch_idx", "after_step", "self.global_step - 1")
    if epoch:
        yield _each("on_train_epoch_start", "", "before_epoch", "self.current_epoch")


_FREEZE = """        epoch = total / self.trainer.max_epochs
        for path, until in sorted(FROZEN.items(), key=lambda rule: rule[0].count(".")):
            until = until(total, epoch) if callable(until) else until
            trains = until is not None and self.global_step >= until
            part = self.model.get_submodule(path).train(trains)
            part.requires_grad_(trains)
"""


def _each(hook: str, given: str, method: str, number: str) -> str:
    head = f"\n    def {hook}(self{', ' if given else ''}{given}):\n        for part in self.model.modules():\n"
    return f'{head}            if hasattr(part, "{method}"):\n                part.{method}({number})\n'


def _clips_twice(recipe: Recipe) -> bool:
    return recipe.clip.norm is not None and recipe.clip.value is not None


def _is_in(name: str, path: str) -> bool:
    return not path or name == path or name.startswith(f"{path}.")
