"""The form of a recipe: its keys in groups, with the schema and the help of each, and the steps of augmentation."""

import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import docstring_parser
from docstring_parser import DocstringStyle
from pydantic import BaseModel

from composer.training.augment import MASKS, STEPS
from composer.training.data.source import FORMATS
from composer.training.optimizers import optimizer_names
from composer.training.recipe import Policy, Recipe, part_at
from composer.web.setup_payloads import AugmentStep, FieldGroup, RecipeField, RecipeFormReply

__all__ = ["recipe_form"]

_GROUPS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "Often changed",
        "",
        (
            "epochs",
            "steps",
            "batches.batch",
            "optimizer.type",
            "optimizer.lr",
            "schedule.type",
            "schedule.warmup",
            "precision",
            "seed",
        ),
    ),
    (
        "Data",
        "what is measured on, and how much of it",
        (
            "data.train.format",
            "data.val.path",
            "data.val.format",
            "data.hold_back",
            "data.limit",
            "data.bad",
            "data.columns",
        ),
    ),
    (
        "Batches",
        "how samples are read",
        ("batches.accumulate", "batches.workers", "batches.prefetch", "batches.shuffle", "batches.drop_last"),
    ),
    (
        "Optimizer",
        "decay and its exceptions",
        (
            "optimizer.weight_decay",
            "optimizer.norm_decay_mult",
            "optimizer.bias_decay_mult",
            "optimizer.bias_lr_mult",
            "optimizer.no_decay",
            "optimizer.momentum",
            "optimizer.nesterov",
            "optimizer.betas",
        ),
    ),
    (
        "Schedule",
        "the learning rate over time",
        (
            "schedule.warmup_start",
            "schedule.hold",
            "schedule.end",
            "schedule.cooldown",
            "schedule.at",
            "schedule.every",
            "schedule.gamma",
            "schedule.power",
        ),
    ),
    ("Mixing of images", "mixup and CutMix of whole batches", ("mix.mixup", "mix.cutmix")),
    ("Gradients and averages", "clipping, moving average", ("clip.norm", "clip.value", "ema.decay", "ema.warmup")),
    (
        "Measuring",
        "metrics, and which weights are best",
        (
            "evaluation.every",
            "evaluation.metrics",
            "evaluation.best",
            "evaluation.mode",
            "evaluation.batch",
            "evaluation.knn_among",
            "statistics.every",
        ),
    ),
    ("Checkpoints and logs", "what is kept", ("checkpoints.every", "checkpoints.keep", "log")),
    (
        "Machine",
        "speed, several processes, first weights",
        ("channels_last", "compile", "distributed.strategy", "distributed.sync_norm", "weights"),
    ),
)

_LABELS: Mapping[str, str] = {
    "batches.batch": "batch",
    "batches.workers": "workers",
    "optimizer.type": "optimizer",
    "optimizer.lr": "learning rate",
    "schedule.type": "schedule",
    "schedule.warmup": "warm-up",
    "data.train.format": "format",
    "data.val.path": "measure on",
    "data.val.format": "format of that",
    "data.hold_back": "hold back",
    "statistics.every": "statistics every",
    "data.bad": "bad images",
    "data.columns": "columns",
    "clip.norm": "clip norm",
    "clip.value": "clip value",
    "ema.decay": "average decay",
    "ema.warmup": "average warm-up",
    "evaluation.every": "measure every",
    "evaluation.batch": "measure batch",
    "evaluation.knn_among": "k-NN among",
    "checkpoints.every": "save every",
    "distributed.strategy": "strategy",
    "schedule.every": "step every",
    "schedule.at": "step at",
    "schedule.end": "end factor",
}

_OPTIONS: Mapping[str, tuple[dict[str, Any], str]] = {
    "optimizer.momentum": (
        {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
        "What SGD, RMSprop and LARS keep of the step before.",
    ),
    "optimizer.nesterov": ({"type": "boolean"}, "Nesterov's momentum."),
    "optimizer.betas": (
        {"type": "array", "prefixItems": [{"type": "number"}, {"type": "number"}]},
        "What Adam and AdamW keep of the mean and of the square of the gradient.",
    ),
    "mix.mixup": (
        {"type": "number", "minimum": 0},
        "Images are blended in pairs; the parameter of the Beta distribution of the shares, such as 0.2.",
    ),
    "mix.cutmix": (
        {"type": "number", "minimum": 0},
        "A part of another image is pasted in; the parameter of the Beta distribution of its size, such as 1.0.",
    ),
}
"""Keys that classes and mappings take beside those that a recipe declares."""


@cache
def recipe_form() -> RecipeFormReply:
    """The whole form; it is always the same."""
    schema = Recipe.model_json_schema(by_alias=True, mode="serialization")
    groups = [
        FieldGroup(title=title, about=about, fields=[_field(key, schema) for key in keys])
        for title, about, keys in _GROUPS
    ]
    policy = Policy.model_json_schema(by_alias=True, mode="serialization")
    helps = _helps(Policy)
    fields = [
        RecipeField(path=[name], label=_POLICY[name], help=helps.get(name, ""), json_schema=_alone(one, policy))
        for name, one in policy["properties"].items()
    ]
    images = {name: _step(kind) for name, kind in STEPS.items()}
    masks = {name: _step(kind) for name, kind in MASKS.items()}
    return RecipeFormReply(groups=groups, augmentation=images, masks=masks, policy=fields)


_POLICY = {"lr": "learning rate x", "decay": "weight decay x", "freeze": "freeze", "layer_decay": "layer decay"}


def _step(kind: type[BaseModel]) -> AugmentStep:
    """A step of augmentation, with its parameters as it declares them."""
    schema = kind.model_json_schema(mode="serialization")
    helps = _helps(kind)
    properties = schema.get("properties", {})
    return AugmentStep(
        about=inspect.cleandoc(kind.__doc__ or "").split("\n", 1)[0],
        fields=[
            RecipeField(path=[name], label=name, help=helps.get(name, ""), json_schema=_alone(one, schema))
            for name, one in properties.items()
        ],
        defaults={name: one["default"] for name, one in properties.items() if "default" in one},
    )


def _field(key: str, schema: Mapping[str, Any]) -> RecipeField:
    path = key.split(".")
    label = _LABELS.get(key, path[-1].replace("_", " "))
    if key in _OPTIONS:
        own, text = _OPTIONS[key]
        return RecipeField(path=path, label=label, help=text, json_schema=own)
    part = part_at(tuple(path[:-1]))
    found = _at(path, schema)
    if key == "optimizer.type":
        found = {"enum": list(optimizer_names()), "type": "string"}
    if path[-1] == "format":
        found = {"enum": [reader.name for reader in FORMATS], "type": "string"}
    return RecipeField(path=path, label=label, help=_helps(part).get(path[-1], ""), json_schema=found)


def _at(path: list[str], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a key, alone."""
    here: Mapping[str, Any] = schema
    for key in path:
        here = _object(here, schema)["properties"][key]
    found: dict[str, Any] = _alone(here, schema)
    return found


def _object(here: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The alternative of a schema that is a mapping with keys."""
    for one in (here, *here.get("anyOf", ())):
        found = _followed(one, schema)
        if "properties" in found:
            return found
    return here


def _followed(here: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = here.get("$ref")
    if not isinstance(reference, str):
        return here
    found: Mapping[str, Any] = schema["$defs"][reference.rpartition("/")[2]]
    return found


def _alone(here: Any, schema: Mapping[str, Any]) -> Any:
    """A schema with everything that it refers to in its place, without titles and defaults."""
    if isinstance(here, list):
        return [_alone(one, schema) for one in here]
    if not isinstance(here, Mapping):
        return here
    found = _followed(here, schema)
    some = [one for one in found.get("anyOf", ()) if one != {"type": "null"}]
    if len(some) == 1:  # nothing at all is said by leaving the key out
        return _alone({**{key: value for key, value in found.items() if key != "anyOf"}, **some[0]}, schema)
    return {
        key: _alone(value, schema)
        for key, value in found.items()
        if key not in ("title", "default", "description", "$defs")
    }


def _helps(part: type[BaseModel]) -> dict[str, str]:
    """What a part's docstring says of each key."""
    return dict(_described(part))


def _described(part: type[BaseModel]) -> Iterator[tuple[str, str]]:
    text = inspect.cleandoc(part.__doc__ or "")
    for item in docstring_parser.parse(text, DocstringStyle.GOOGLE).params:
        words = " ".join((item.description or "").split())
        yield item.arg_name.rstrip("_"), words[:1].upper() + words[1:]
