"""Hooks of a config that mean something for a recipe: averages of weights, checkpoints, what is best."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from composer.openmmlab.recipes.lengths import Length
from composer.openmmlab.recipes.settings import Settings

__all__ = ["Hooks", "read_hooks"]

_NO_MATTER = (
    *("CheckInvalidLossHook", "DetVisualizationHook", "DistSamplerSeedHook", "EmptyCacheHook", "IterTimerHook"),
    *("LoggerHook", "MemoryProfilerHook", "NumClassCheckHook", "OptimizerHook", "ParamSchedulerHook", "ProfilerHook"),
    *("RuntimeInfoHook", "SetEpochInfoHook", "SyncBuffersHook", "TensorboardLoggerHook", "TextLoggerHook"),
    *(
        "TrackVisualizationHook",
        "VisualizationHook",
        "GroundingVisualizationHook",
        "SyncRandomSizeHook",
        "ValidateHook",
    ),
)
_IN_THE_GRAPH: Mapping[str, str] = {
    "BYOLHook": "the momentum of the copy rises in the graph (end_decay)",
    "MomentumUpdateHook": "the momentum of the copy is a part of the graph",
    "SimSiamHook": "the rate of the predictor stays fixed by metadata.training of the graph",
    "SwAVHook": "the queue and the frozen prototypes are parts of the graph",
    "DeepClusterHook": "clusters are found before each epoch for graphs that take them",
    "ODCHook": "clusters follow the memory of the graph",
    "MeanTeacherHook": "a teacher is a momentum copy of the graph",
}
_MANY = 10**6
_METRICS: Mapping[str, str] = {
    "acc": "accuracy",
    "accuracy": "accuracy",
    "accuracy_top-1": "accuracy",
    "accuracy_top-5": "top_5",
    "bbox": "box_ap",
    "bbox_map": "box_ap",
    "map": "box_ap",
    "recall@1": "recall_at_1",
    "segm": "mask_ap",
    "segm_map": "mask_ap",
    "top1": "accuracy",
    "top5": "top_5",
}
"""What they are called in a recipe, without the name of the evaluator (``coco/bbox_mAP``)."""


@dataclass
class Hooks:
    """What the hooks of a config say.

    Args:
        ema: The moving average of the weights, as the recipe has it.
        checkpoints: When the state is written.
        best: What says which weights are best, and how.
    """

    ema: dict[str, Any] | None = None
    checkpoints: dict[str, Any] = field(default_factory=dict)
    best: dict[str, Any] = field(default_factory=dict)


def read_hooks(config: Settings, length: Length) -> Hooks:
    """The hooks of a config: ``default_hooks``, ``custom_hooks``, ``checkpoint_config``, ``evaluation``.

    Args:
        config: The whole config.
        length: How long it trains.
    """
    found = Hooks()
    hooks = config.inside("default_hooks")
    for name in list(hooks.data):
        if isinstance(hooks.data[name], Mapping):
            _hook(hooks.inside(name), found, length)
    hooks.close()
    for one in config.several("custom_hooks"):
        _hook(one, found, length)
    _checkpoints(config.inside("checkpoint_config"), found, length)
    _best(config.inside("evaluation"), found)
    return found


def _hook(one: Settings, found: Hooks, length: Length) -> None:
    kind = one.kind
    if kind in _NO_MATTER:
        one.report.beside.append(one.place)
    elif kind in _IN_THE_GRAPH:
        one.report.read.append(one.place)
        one.report.meant(one.place, f"{kind}: {_IN_THE_GRAPH[kind]}")
    elif kind in _READ:
        one.beside("priority")
        _READ[kind](one, found, length)
        one.close()
    else:
        one.drop(f"{kind} is left out: a recipe has nothing for what it does")


def _checkpoints(one: Settings, found: Hooks, length: Length) -> None:
    """``CheckpointHook``, and ``checkpoint_config``, which are the same."""
    if not one:
        return
    by_epoch = one.take("by_epoch", length.epochs is not None) is not False
    every = one.whole("interval", low=-1)
    if every is not None and 0 < every < _MANY:
        found.checkpoints["every"] = length.stretch(every, by_epoch=by_epoch)
    keep = one.whole("max_keep_ckpts", low=-1)
    if keep is not None and keep > 0:
        found.checkpoints["keep"] = keep
    one.beside(
        "save_last", "save_optimizer", "save_param_scheduler", "out_dir", "create_symlink", "meta", "published_keys"
    )
    one.beside("filename_tmpl", "backend_args", "file_client_args", "save_begin")
    _best(one, found)
    one.close()


def _best(one: Settings, found: Hooks) -> None:
    """``save_best`` and ``rule``."""
    best = one.take("save_best")
    best = best[0] if isinstance(best, list) and best else best
    rule = one.text("rule")
    one.beside("metric", "metric_options", "classwise", "gpu_collect", "interval", "start", "by_epoch", "topk")
    one.beside("proposal_nums", "initial", "imgs_per_gpu", "workers_per_gpu", "eval_param", "prefetch", "img_norm_cfg")
    one.beside("dynamic_intervals", "greater_keys", "less_keys", "iou_thrs", "pre_eval")
    one.close()
    if isinstance(best, str) and best != "auto":
        name = _METRICS.get(best.rpartition("/")[2].lower())
        if name is None:
            known = ", ".join(sorted(set(_METRICS.values())))
            one.report.left(one.at("save_best"), f"{best} is none of the metrics that are known here ({known})")
        else:
            found.best["best"] = name
    if "best" not in found.best:
        return
    if rule in ("greater", "less"):
        found.best["mode"] = "max" if rule == "greater" else "min"


def _ema(one: Settings, found: Hooks, length: Length) -> None:
    """``EMAHook``: what it adds of the weights in one step is what a recipe's average does not keep of itself."""
    added = one.number("momentum", 0.0002, high=1)
    kind = one.text("ema_type") or one.kind
    every = one.whole("interval", 1) or 1
    kept = round((1 - (added or 0.0)) ** (1 / every), 9)
    if every > 1:
        one.meant("interval", f"the average moves every {every} steps there, and by as much in every step here")
    if "Exp" in kind:
        one.usual("gamma", 2000)
    for key in ("gamma", "warm_up"):
        if key in one:
            one.meant(key, "the average follows more at first in both, along another curve here")
            one.take(key)
    one.beside("update_buffers", "strict_load", "resume_from", "skip_buffers")
    one.left("evaluate_on_origin", "the average is measured")
    for key in ("begin_iter", "begin_epoch"):
        if one.data.get(key):
            one.left(key, "the average begins at once")
        one.take(key)
    found.ema = {"decay": min(kept, 1 - 1e-9), "warmup": "Exp" in kind or "warm_up" in one}


_READ: Mapping[str, Callable[[Settings, Hooks, Length], None]] = {
    "CheckpointHook": lambda one, found, length: _checkpoints(one, found, length),
    "EMAHook": _ema,
    "ExpMomentumEMAHook": _ema,
    "LinearMomentumEMAHook": _ema,
}
