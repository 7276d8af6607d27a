"""Optimizer, schedule, loaders and hooks of a recipe as a config of mmengine, the opposite of what is read."""

import posixpath
from typing import Any

from composer.openmmlab.recipes.optimizers import OPTIMIZERS
from composer.training.recipe import Policy, Recipe, Span, Split

__all__ = ["data_set", "evaluators", "hooks", "loop", "optim_wrapper", "param_scheduler", "spans_of"]

_OURS = {"trust": "eta"}
_BEST = {"accuracy": "accuracy/top1", "top_5": "accuracy/top5", "box_ap": "coco/bbox_mAP", "mask_ap": "coco/segm_mAP"}
_LAYERS = "LearningRateDecayOptimWrapperConstructor"


def spans_of(recipe: Recipe) -> str:
    """What the length of a training is counted in: ``epochs`` or ``steps``."""
    return "steps" if recipe.epochs is None else "epochs"


def optim_wrapper(recipe: Recipe) -> dict[str, Any]:
    """``optim_wrapper``; empty where OpenMMLab has no such optimizer."""
    optimizer = recipe.optimizer
    assert optimizer is not None, "the recipe is complete"
    if optimizer.type not in OPTIMIZERS:
        return {}
    options = {_OURS.get(key, key): value for key, value in optimizer.options.items()}
    named: dict[str, Any] = {"type": optimizer.type, "lr": optimizer.lr, "weight_decay": optimizer.weight_decay}
    found: dict[str, Any] = {"type": "OptimWrapper", "optimizer": {**named, **options}}
    if recipe.precision != "fp32":
        found["type"] = "AmpOptimWrapper"
        found |= {"dtype": "bfloat16"} if recipe.precision == "bf16" else {"loss_scale": "dynamic"}
    if rules := _paramwise(recipe):
        found["paramwise_cfg"] = rules
        found |= {"constructor": _LAYERS} if "layer_decay_rate" in rules else {}
    if recipe.clip.norm is not None:
        found["clip_grad"] = {"max_norm": recipe.clip.norm, "norm_type": 2}
    elif recipe.clip.value is not None:
        found["clip_grad"] = {"type": "value", "clip_value": recipe.clip.value}
    if recipe.batches.accumulate > 1:
        found["accumulative_counts"] = recipe.batches.accumulate
    return found


def _paramwise(recipe: Recipe) -> dict[str, Any]:
    """What holds for some parameters: those of a role, of a name, of a part of the model."""
    optimizer = recipe.optimizer
    assert optimizer is not None, "the recipe is complete"
    found: dict[str, Any] = {
        key: value
        for key in ("norm_decay_mult", "bias_decay_mult", "bias_lr_mult")
        if (value := getattr(optimizer, key)) != 1
    }
    keys: dict[str, Any] = {name: {"decay_mult": 0.0} for name in optimizer.no_decay}
    for path, rule in recipe.policy.items():
        if rule.layer_decay is not None and path == "backbone":
            found["layer_decay_rate"] = rule.layer_decay
        own = _factors(rule)
        if own:
            keys[path] = {**keys.get(path, {}), **own}
    return found | ({"custom_keys": keys} if keys else {})


def _factors(rule: Policy) -> dict[str, float]:
    named = {"lr_mult": rule.lr, "decay_mult": rule.decay}
    return {key: value for key, value in named.items() if value is not None and value != 1}


def param_scheduler(recipe: Recipe, per_epoch: int | None) -> list[dict[str, Any]]:
    """``param_scheduler``.

    Args:
        recipe: The recipe, complete.
        per_epoch: Steps of an epoch, where the data is known.
    """
    schedule, optimizer = recipe.schedule, recipe.optimizer
    assert schedule is not None and optimizer is not None, "the recipe is complete"
    count = _Counted(recipe, per_epoch, [schedule.warmup, schedule.hold, schedule.cooldown])
    if schedule.type == "one_cycle":
        start = max(schedule.warmup_start, 1e-9)
        share = schedule.warmup.amount / 100 if schedule.warmup.unit == "%" else count.of(schedule.warmup) / count.whole
        cycle = {"total_steps": count.whole, "pct_start": share, "div_factor": 1 / start}
        last = {"final_div_factor": start / max(schedule.end, 1e-12), **count.units()}
        return [{"type": "OneCycleLR", "eta_max": optimizer.lr, **cycle, **last}]
    warm = count.of(schedule.warmup)
    found: list[dict[str, Any]] = []
    if warm:
        rise = {"start_factor": schedule.warmup_start, "begin": 0, "end": warm}
        found.append({"type": "LinearLR", **rise, **count.units(of=schedule.warmup)})
    begin = count.of(schedule.hold) + warm if count.alike else 0
    end = count.whole - count.of(schedule.cooldown)
    span = {"begin": begin, "end": end}
    match schedule.type:
        case "cosine":
            fall = {"T_max": end - begin, "eta_min_ratio": schedule.end}
            found.append({"type": "CosineAnnealingLR", **fall, **span, **count.units()})
        case "linear":
            found.append({"type": "LinearLR", "start_factor": 1, "end_factor": schedule.end, **span, **count.units()})
        case "poly":
            fall = {"power": schedule.power, "eta_min": optimizer.lr * schedule.end}
            found.append({"type": "PolyLR", **fall, **span, **count.units()})
        case "step":
            found.append(_stepped(recipe))
        case _:
            found.append({"type": "ConstantLR", "factor": 1.0, "begin": begin, "end": count.whole, **count.units()})
    return found


def _stepped(recipe: Recipe) -> dict[str, Any]:
    schedule = recipe.schedule
    assert schedule is not None, "the recipe is complete"
    spans = [schedule.every] if schedule.every is not None else list(schedule.at)
    unit = spans[0].unit if spans and len({span.unit for span in spans}) == 1 else spans_of(recipe)
    count = _Counted(recipe, None, [])
    numbers = [span.amount if span.unit == unit and unit != "%" else count.of(span) for span in spans]
    numbers = [number * recipe.batches.accumulate if unit == "steps" else number for number in numbers]
    by_epoch = {"by_epoch": unit != "steps" if unit != "%" else recipe.epochs is not None}
    if schedule.every is not None:
        return {"type": "StepLR", "step_size": _whole(numbers[0]), "gamma": schedule.gamma, **by_epoch}
    return {"type": "MultiStepLR", "milestones": [*map(_whole, numbers)], "gamma": schedule.gamma, **by_epoch}


class _Counted:
    """Stretches as the schedulers of one config count them: in epochs, or in iterations.

    Args:
        recipe: The recipe.
        per_epoch: Steps of an epoch, where they are known.
        spans: The stretches that follow each other.
    """

    def __init__(self, recipe: Recipe, per_epoch: int | None, spans: list[Span]) -> None:
        self.recipe = recipe
        used = {span.unit for span in spans if span.amount} - {"%"}
        mixed = "steps" in used and recipe.epochs is not None
        self.per_epoch = per_epoch
        self.by_epoch = recipe.epochs is not None and not (mixed and per_epoch is not None)
        self.alike = not (mixed and per_epoch is None)

    @property
    def whole(self) -> float:
        """The length of the training."""
        recipe = self.recipe
        if self.by_epoch:
            return _whole(recipe.epochs or 1)
        return recipe.total_steps(self.per_epoch or 1) * recipe.batches.accumulate

    def of(self, span: Span) -> float:
        """A stretch; in its own unit where that is steps and nothing says how many an epoch has."""
        if span.unit == "%":
            return _whole(self.whole * span.amount / 100)
        if span.unit == "steps":
            return span.amount * self.recipe.batches.accumulate
        if self.by_epoch:
            return _whole(span.amount)
        return _whole(span.amount * (self.per_epoch or 1) * self.recipe.batches.accumulate)

    def units(self, of: Span | None = None) -> dict[str, Any]:
        """What says how a scheduler counts."""
        steps = not self.by_epoch or (of is not None and of.unit == "steps")
        return {"by_epoch": False} if steps else {"by_epoch": True, "convert_to_iter_based": True}


def _whole(number: float) -> float:
    return int(number) if float(number).is_integer() else number


def loop(recipe: Recipe) -> dict[str, Any]:
    """``train_cfg``."""
    every = recipe.evaluation.every
    if recipe.epochs is not None:
        return {"by_epoch": True, "max_epochs": recipe.epochs, **_interval("val_interval", every, recipe)}
    steps = (recipe.steps or 1) * recipe.batches.accumulate
    return {"type": "IterBasedTrainLoop", "max_iters": steps, **_interval("val_interval", every, recipe)}


def _interval(key: str, every: Span, recipe: Recipe) -> dict[str, int]:
    """How often something is done, in the unit of the loop; nothing where that is no whole number of it."""
    number = every.amount
    if every.unit == "%":
        number = (recipe.epochs or recipe.steps or 1) * every.amount / 100
    elif every.unit != spans_of(recipe):
        return {}
    number *= recipe.batches.accumulate if recipe.epochs is None else 1
    return {key: int(number)} if number >= 1 and float(number).is_integer() else {}


def hooks(recipe: Recipe) -> dict[str, Any]:
    """``default_hooks`` and ``custom_hooks``."""
    checkpoint: dict[str, Any] = {"type": "CheckpointHook", **_interval("interval", recipe.checkpoints.every, recipe)}
    checkpoint |= {"by_epoch": recipe.epochs is not None, "max_keep_ckpts": recipe.checkpoints.keep}
    best = _BEST.get(recipe.evaluation.best or "")
    if best is not None:
        mode = recipe.evaluation.mode
        checkpoint |= {"save_best": best, **({"rule": "greater" if mode == "max" else "less"} if mode else {})}
    found: dict[str, Any] = {"default_hooks": {"checkpoint": checkpoint}}
    if recipe.ema is not None:
        average = {"type": "EMAHook", "momentum": round(1 - recipe.ema.decay, 12)}
        found["custom_hooks"] = [average | ({"ema_type": "ExpMomentumEMA"} if recipe.ema.warmup else {})]
    return found


def evaluators(recipe: Recipe, val: Split | None) -> tuple[list[dict[str, Any]], list[str]]:
    """``val_evaluator``, and the metrics that OpenMMLab has none for."""
    found: list[dict[str, Any]] = []
    left = []
    names = list(recipe.evaluation.metrics or ())
    tops = [1 if name == "accuracy" else int(name[4:]) for name in names if name == "accuracy" or name[:4] == "top_"]
    if tops:
        found.append({"type": "Accuracy", "topk": sorted(set(tops))})
    kinds = [theirs for ours, theirs in (("box_ap", "bbox"), ("mask_ap", "segm")) if ours in names]
    if kinds:
        coco = val is not None and val.format == "coco"
        files = {"ann_file": val.path} if val is not None and coco else {}
        found.append({"type": "CocoMetric", "metric": kinds, **files})
    for name in names:
        if name == "multi_label":
            found.append({"type": "MultiLabelMetric"})
        elif name not in ("accuracy", "box_ap", "mask_ap") and name[:4] != "top_":
            left.append(name)
    return found, left


def data_set(split: Split) -> dict[str, Any] | None:
    """A split as a data set; None where OpenMMLab reads no such files."""
    rest = dict(split.options)
    names = rest.pop("classes", None)
    about = {"metainfo": {"classes": list(names)}} if names else {}
    match split.format:
        case "folder" | None:
            found = {"type": "CustomDataset", "data_root": split.path, "data_prefix": rest.pop("split", "")}
        case "images":
            prefix = rest.pop("split", "")
            found = {"type": "CustomDataset", "data_root": split.path, "data_prefix": prefix, "with_label": False}
        case "coco":
            images = rest.pop("images", None) or posixpath.dirname(split.path)
            found = {"type": "CocoDataset", "ann_file": split.path, "data_prefix": {"img": images}}
            if rest.pop("empty", "keep") == "drop":
                found["filter_cfg"] = {"filter_empty_gt": True}
            others = rest.pop("others", "refuse")
            if (others == "drop") != bool(names):
                return None
        case "voc":
            listed = rest.pop("split", None)
            files = {"ann_file": f"ImageSets/Main/{listed}.txt"} if listed else {}
            found = {"type": "VOCDataset", "data_root": split.path, **files, "data_prefix": {"sub_data_root": ""}}
        case "idx":
            found = {"type": "MNIST", "data_root": split.path, "split": rest.pop("split", "train")}
        case _:
            return None
    return None if rest else {**found, **about}
