"""The learning rate over the training: ``param_scheduler`` of mmengine and ``lr_config`` of mmcv 1."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from composer.openmmlab.recipes.lengths import Length
from composer.openmmlab.recipes.settings import Settings
from composer.training.recipe import Schedule, Span

__all__ = ["ReadSchedule", "read_schedule"]

_WARMUPS = ("LinearLR", "ConstantLR", "QuadraticWarmupLR")
_MANY = 10**9  # an end that says: to the end


@dataclass(frozen=True)
class ReadSchedule:
    """A schedule, and the learning rate where it says that.

    Args:
        schedule: The schedule; None where the config has none that is understood.
        peak: The learning rate at full strength, where the schedule names it (``OneCycleLR``).
    """

    schedule: Schedule | None
    peak: float | None = None


def read_schedule(config: Settings, length: Length, rate: float | None) -> ReadSchedule:
    """The schedule of a config.

    Args:
        config: The whole config.
        length: How long it trains.
        rate: Its learning rate, of which ``eta_min`` is a share.
    """
    if "lr_config" in config:
        return ReadSchedule(_older(config.inside("lr_config"), length, rate))
    if "param_scheduler" not in config:
        return ReadSchedule(None)
    found = _Newer(length, rate)
    for one in config.several("param_scheduler"):
        found.read(one)
    return ReadSchedule(Schedule.model_validate(found.values), found.peak)


class _Newer:
    """Schedulers of mmengine, which multiply the rate one after the other, as one schedule."""

    def __init__(self, length: Length, rate: float | None) -> None:
        self.length = length
        self.rate = rate
        self.values: dict[str, Any] = {"type": "constant"}
        self.peak: float | None = None
        self.warm: tuple[float, bool] | None = None

    def read(self, one: Settings) -> None:
        """Add one."""
        kind = one.kind
        one.beside("verbose", "last_step")
        if not kind.endswith("LR"):
            one.drop(f"{kind} changes something else than the learning rate: in a recipe it stays as it is")
            return
        by_epoch = bool(one.take("by_epoch", True))
        each_step = bool(one.take("convert_to_iter_based", False)) or not by_epoch
        begin = one.number("begin", 0.0) or 0.0
        end = one.number("end")
        end = None if end is None or end >= _MANY else end
        if kind in _WARMUPS and begin == 0 and end is not None and not self._is_whole(end, by_epoch):
            self._warmup(one, kind, end, by_epoch, each_step)
        elif kind == "ConstantLR" and "cooldown" in self.values:
            self._cooldown(one)
        elif self.values["type"] != "constant":
            one.drop(f"a recipe has one schedule behind the warm-up, here {self.values['type']}: {kind} is left out")
        elif kind in _MAIN:
            self._main(one, kind, begin, end, by_epoch)
        else:
            one.drop(f"{kind} is no schedule of a recipe (constant, cosine, linear, poly, step, one_cycle)")
        one.close()

    def _is_whole(self, end: float, by_epoch: bool) -> bool:
        whole = self.length.whole(by_epoch=by_epoch)
        return whole is not None and end >= whole

    def _hold(self, one: Settings, begin: float, by_epoch: bool) -> None:
        """What lies between the warm-up and the fall."""
        warm, same = self.warm or (0.0, by_epoch), self.warm is None or self.warm[1] == by_epoch
        if begin > warm[0] and same:
            self.values["hold"] = self.length.stretch(begin - warm[0], by_epoch=by_epoch)
        elif begin and not same:
            self.values["hold"] = self.length.stretch(begin, by_epoch=by_epoch)
            one.meant(
                "begin", f"counted from the start there, and from the end of the warm-up ({warm[0]:g} steps) here"
            )
        elif begin < warm[0]:
            one.meant("begin", "the fall is counted from the start there, and from the end of the warm-up here")

    def _cooldown(self, one: Settings) -> None:
        """``ConstantLR`` behind a fall: the rate stays where it is (factor 1)."""
        factor = one.number("factor", 1 / 3)
        if factor != 1:
            one.report.left(one.at("factor"), f"found {factor}: a recipe stays at the rate to which it fell")

    def _warmup(self, one: Settings, kind: str, end: float, by_epoch: bool, each_step: bool) -> None:
        start = one.number("factor" if kind == "ConstantLR" else "start_factor", 1 / 3, high=1)
        if kind == "QuadraticWarmupLR":
            start = 0.0
            one.meant("type", "the rate rises with the square of the time there, and in a straight line here")
        if kind == "ConstantLR":
            one.meant("factor", f"the rate stays at {start:g} of itself there, and rises from it here")
        last = one.number("end_factor", 1.0)
        if last != 1:
            one.report.left(one.at("end_factor"), f"found {last}: a warm-up rises to the whole rate")
        if by_epoch and not each_step:
            one.meant("by_epoch", "the rate rises after each epoch there, and after each step here")
        self.values |= {"warmup": self.length.stretch(end, by_epoch=by_epoch), "warmup_start": start}
        self.warm = (end, by_epoch)

    def _main(self, one: Settings, kind: str, begin: float, end: float | None, by_epoch: bool) -> None:
        values = _MAIN[kind](one, self.length, self.rate, by_epoch)
        if kind == "OneCycleLR":
            self.peak = values.pop("peak")
        self.values |= values
        span = one.number("T_max", None)
        last = min((item for item in (end, None if span is None else begin + span) if item is not None), default=None)
        whole = self.length.whole(by_epoch=by_epoch)
        if kind in _STEPPED:
            return
        self._hold(one, begin, by_epoch)
        if last is not None and whole is not None and last < whole:
            self.values["cooldown"] = self.length.stretch(whole - last, by_epoch=by_epoch)


def _share(one: Settings, rate: float | None, key: str = "eta_min") -> float:
    """The share of the rate that is left at the end."""
    ratio = one.number(f"{key}_ratio", None, high=1)
    low = one.number(key, None)
    if ratio is not None:
        return ratio
    if not low or not rate:
        return 0.0
    if low > rate:
        one.report.left(one.at(key), f"found {low:g}, which is more than the learning rate {rate:g}")
        return 1.0
    return float(f"{low / rate:.6g}")


def _cosine(one: Settings, length: Length, rate: float | None, by_epoch: bool) -> dict[str, Any]:
    return {"type": "cosine", "end": _share(one, rate)}


def _linear(one: Settings, length: Length, rate: float | None, by_epoch: bool) -> dict[str, Any]:
    start = one.number("start_factor", 1 / 3)
    if start != 1:
        one.meant("start_factor", f"the rate begins at {start} of itself there, and whole here")
    return {"type": "linear", "end": one.number("end_factor", 1.0, high=1)}


def _poly(one: Settings, length: Length, rate: float | None, by_epoch: bool) -> dict[str, Any]:
    return {"type": "poly", "end": _share(one, rate), "power": one.number("power", 1.0)}


def _constant(one: Settings, length: Length, rate: float | None, by_epoch: bool) -> dict[str, Any]:
    factor = one.number("factor", 1 / 3)
    if factor != 1:
        one.report.left(one.at("factor"), f"the rate stays at {factor} of itself: multiply lr by it")
    return {"type": "constant"}


def _at(one: Settings, key: str, length: Length, by_epoch: bool) -> list[Span]:
    value = one.take(key)
    items = value if isinstance(value, list) else [value]
    if not all(type(item) in (int, float) and 0 <= item <= _MANY for item in items):
        one.report.left(one.at(key), f"found {value!r:.60}, expected numbers of epochs or steps")
        return []
    return [length.stretch(item, by_epoch=by_epoch) for item in items]


def _steps(one: Settings, length: Length, rate: float | None, by_epoch: bool) -> dict[str, Any]:
    found = _at(one, "milestones", length, by_epoch)
    return {"type": "step", "at": found, "gamma": one.number("gamma", 0.1)}


def _regular(one: Settings, length: Length, rate: float | None, by_epoch: bool) -> dict[str, Any]:
    size = one.whole("step_size") or 1
    return {"type": "step", "every": length.stretch(size, by_epoch=by_epoch), "gamma": one.number("gamma", 0.1)}


def _exponential(one: Settings, length: Length, rate: float | None, by_epoch: bool) -> dict[str, Any]:
    return {"type": "step", "every": length.stretch(1, by_epoch=by_epoch), "gamma": one.number("gamma", 0.1)}


def _one_cycle(one: Settings, length: Length, rate: float | None, by_epoch: bool) -> dict[str, Any]:
    rise = one.number("pct_start", 0.3, high=1) or 0.0
    start = one.number("div_factor", 25.0) or 25.0
    final = one.number("final_div_factor", 1e4) or 1e4
    peak = one.number("eta_max", rate)
    one.usual("anneal_strategy", "cos")
    one.usual("three_phase", False)
    one.beside("total_steps")
    warmup = Span(float(f"{rise * 100:.6g}"), "%")
    end = float(f"{1 / (start * final):.6g}")
    return {
        "type": "one_cycle",
        "warmup": warmup,
        "warmup_start": float(f"{1 / start:.6g}"),
        "end": end,
        "peak": peak,
    }


_MAIN: Mapping[str, Callable[[Settings, Length, float | None, bool], dict[str, Any]]] = {
    "ConstantLR": _constant,
    "CosineAnnealingLR": _cosine,
    "ExponentialLR": _exponential,
    "LinearLR": _linear,
    "MultiStepLR": _steps,
    "OneCycleLR": _one_cycle,
    "PolyLR": _poly,
    "StepLR": _regular,
}
_STEPPED = ("MultiStepLR", "StepLR", "ExponentialLR", "ConstantLR", "OneCycleLR")


def _older(one: Settings, length: Length, rate: float | None) -> Schedule | None:
    """``lr_config``: a policy, and a warm-up in front of it."""
    policy = str(one.take("policy", "fixed"))
    by_epoch = bool(one.take("by_epoch", length.epochs is not None))
    values: dict[str, Any] = {}
    match policy.lower().removesuffix("lrupdaterhook"):
        case "step":
            values = _older_steps(one, length, by_epoch)
        case "cosineannealing" | "stepfixcosineannealing" | "cosineannealingcooldown" | "yolox":
            values = {"type": "cosine", "end": _older_share(one, rate)}
            values |= _older_tail(one, length, policy)
        case "poly":
            values = {"type": "poly", "end": _older_share(one, rate), "power": one.number("power", 1.0)}
        case "exp":
            values = {"type": "step", "every": length.stretch(1, by_epoch=by_epoch), "gamma": one.number("gamma", 0.1)}
        case "fixed":
            values = {"type": "constant"}
        case _:
            text = f"the policy {policy} is no schedule of a recipe (constant, cosine, linear, poly, step, one_cycle)"
            one.drop(text)
            return None
    values |= _older_warmup(one, length)
    if "warmup" in values and values["type"] in ("cosine", "poly"):
        one.meant("policy", "the fall is counted from the start there, and from the end of the warm-up here")
    one.close()
    return Schedule.model_validate(values)


def _older_steps(one: Settings, length: Length, by_epoch: bool) -> dict[str, Any]:
    values: dict[str, Any] = {"type": "step", "gamma": one.number("gamma", 0.1)}
    if isinstance(one.data.get("step"), int):
        return {**values, "every": length.stretch(one.whole("step") or 1, by_epoch=by_epoch)}
    return {**values, "at": _at(one, "step", length, by_epoch)}


def _older_share(one: Settings, rate: float | None) -> float:
    """``min_lr`` and ``min_lr_ratio``."""
    ratio = one.number("min_lr_ratio", None, high=1)
    low = one.number("min_lr", None)
    if ratio is not None:
        return ratio
    return float(f"{low / rate:.6g}") if low and rate and low <= rate else 0.0


def _older_tail(one: Settings, length: Length, policy: str) -> dict[str, Any]:
    """What stays at the smallest rate in the end: YOLOX's last epochs, and ``CosineAnnealingCooldown``."""
    last = one.number("num_last_epochs", one.number("cool_down_time"))
    ratio = one.number("cool_down_ratio")
    if ratio not in (None, 1):
        one.report.left(one.at("cool_down_ratio"), "a recipe stays at the rate to which it fell")
    return {"cooldown": length.stretch(last, by_epoch=True)} if last else {}


def _older_warmup(one: Settings, length: Length) -> dict[str, Any]:
    kind = one.take("warmup")
    amount = one.number("warmup_iters", 0.0) or 0.0
    start = one.number("warmup_ratio", 0.1, high=1)
    by_epoch = bool(one.take("warmup_by_epoch", False))
    if kind is None or not amount:
        return {}
    if kind != "linear":
        one.meant("warmup", f"the rate rises by {kind!r} there, and in a straight line here")
    return {"warmup": length.stretch(amount, by_epoch=by_epoch), "warmup_start": start}
