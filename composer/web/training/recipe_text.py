"""The text of a recipe as a page edits it: keys set and taken out, paths that move with it, and the command for it."""

import json
import os
import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from composer.edits.operations import EditStep
from composer.problems import GraphError, Problem, Where
from composer.training.data.source import path_options
from composer.training.recipe import Part, Recipe, part_at

__all__ = ["command", "edited", "in_order", "moved", "without_defaults"]

_FLAGS: Mapping[tuple[str, ...], str] = {
    ("epochs",): "--epochs",
    ("steps",): "--steps",
    ("batches", "batch"): "--batch",
    ("seed",): "--seed",
    ("batches", "workers"): "--workers",
    ("precision",): "--precision",
    ("weights",): "--weights",
}
_PLAIN = re.compile(r"[A-Za-z_][\w-]*")
_SEEDED = ("optimizer", "schedule", "augment")
"""Parts that are filled in whole where a recipe names none of their keys."""


def edited(data: Mapping[str, Any], edits: Sequence[EditStep], filled: Mapping[str, Any] | None) -> dict[str, Any]:
    """A recipe with keys set or taken out.

    A part that is filled in whole (optimizer, schedule, augment) is written out before one of its keys is set, so that
    the others stay what they were.

    Args:
        data: The recipe as plain data; it stays as it is.
        edits: The changes, in order.
        filled: The same recipe with all that is filled in; None where that is not known.

    Raises:
        GraphError: A path leads into something that has no keys.
    """
    found: dict[str, Any] = json.loads(json.dumps(data))
    for edit in edits:
        path = edit.path
        if not path:
            raise GraphError(
                Problem("bad-edit", Where("recipe"), "the edit has no path; expected the keys from the top")
            )
        if not edit.remove:
            _seed(found, path, filled or {})
        _apply(found, edit)
        if path in (["epochs"], ["steps"]) and not edit.remove:
            found.pop("steps" if path == ["epochs"] else "epochs", None)
        if path == ["optimizer", "type"] and not edit.remove:
            _other_optimizer(found["optimizer"], str(edit.set))
    return in_order(found)


def _seed(data: dict[str, Any], path: Sequence[str], filled: Mapping[str, Any]) -> None:
    part = path[0]
    if len(path) < 2 or part not in _SEEDED or data.get(part) is not None or filled.get(part) is None:
        return
    whole: dict[str, Any] = json.loads(json.dumps(filled[part]))
    data[part] = whole if part == "augment" else without_defaults(part, whole)
    clip = filled.get("clip")
    if part == "optimizer" and "clip" not in data and clip:  # it is filled in with the optimizer alone
        data["clip"] = {name: value for name, value in clip.items() if value is not None}


def without_defaults(part: str, whole: Mapping[str, Any]) -> dict[str, Any]:
    """A part of a recipe without the keys that have their default; what it is named for stays."""
    fields = part_at((part,)).model_fields
    kept = ("type", "lr", "weight_decay")
    return {
        name: value
        for name, value in whole.items()
        if name in kept or name not in fields or value != _plain(fields[name].get_default(call_default_factory=True))
    }


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float | str | list | dict | None) else str(value)


def _other_optimizer(optimizer: dict[str, Any], kind: str) -> None:
    """Options of another class go; SGD without momentum is not what anybody means."""
    known = part_at(("optimizer",)).model_fields
    for name in [name for name in optimizer if name not in known]:
        del optimizer[name]
    if kind == "SGD":
        optimizer["momentum"] = 0.9


def _apply(data: dict[str, Any], edit: EditStep) -> None:
    *above, last = edit.path
    inside: Any = data
    way: list[tuple[dict[str, Any], str]] = []
    for depth, key in enumerate(above):
        below = inside.get(key)
        if below is None and edit.remove:
            return
        if below is None:
            below = inside[key] = {}
        if not isinstance(below, dict):
            subject = ".".join(edit.path[: depth + 1])
            text = f"found {json.dumps(below)[:60]}, which has no keys in it"
            raise GraphError(Problem("recipe-value", Where(subject, path=tuple(edit.path[: depth + 1])), text))
        way.append((inside, key))
        inside = below
    if not edit.remove:
        inside[last] = edit.set
        return
    inside.pop(last, None)
    for holder, key in reversed(way):  # an empty ``ema`` would mean one with its defaults
        if holder[key] == {}:
            del holder[key]


def in_order(data: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe with its keys in the order in which they are declared; those that are not known come last."""
    return {**({} if "schema" in data else {"schema": 1}), **_ordered(data, Recipe)}


def _ordered(data: Mapping[str, Any], part: type[Part]) -> dict[str, Any]:
    names = [field.alias or name for name, field in part.model_fields.items()]
    keys = sorted(data, key=lambda key: names.index(key) if key in names else len(names))
    return {key: _inside(data[key], part, key) for key in keys}


def _inside(value: Any, part: type[Part], key: str) -> Any:
    below = _part_of(part, key)
    return _ordered(value, below) if isinstance(value, dict) and below is not None else value


def _part_of(part: type[Part], key: str) -> type[Part] | None:
    """The part under a key; None under one that holds plain values, or a mapping of names."""
    field = part.model_fields.get(key)
    found = next((one for one in (field and field.annotation, *_alternatives(field)) if _is_part(one)), None)
    return found


def _alternatives(field: Any) -> Iterator[Any]:
    yield from getattr(getattr(field, "annotation", None), "__args__", ())


def _is_part(one: Any) -> bool:
    return isinstance(one, type) and issubclass(one, Part)


def moved(data: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    """A recipe whose paths hold from another folder of the workspace.

    Args:
        data: The recipe as plain data.
        old: The folder that they hold from, from the workspace on.
        new: The folder that they are to hold from.
    """
    found: dict[str, Any] = json.loads(json.dumps(data))
    places = [("data", split, name) for split in ("train", "val") for name in ("path", *path_options())]
    for *above, last in [*places, ("weights",)] if old != new else []:
        inside: Any = found
        for key in above:
            inside = inside.get(key) if isinstance(inside, dict) else None
        value = inside.get(last) if isinstance(inside, dict) else None
        if isinstance(value, str) and not os.path.isabs(value) and "://" not in value:
            whole = posixpath.normpath(posixpath.join("/", old, value))
            inside[last] = posixpath.relpath(whole, posixpath.join("/", new))
    return found


def command(data: Mapping[str, Any], graph: str) -> str:
    """The command that trains by a recipe, in the workspace.

    Args:
        data: The recipe, with paths from the workspace on.
        graph: The graph's file, from there too.
    """
    train = data.get("data", {}).get("train", {}) if isinstance(data.get("data"), Mapping) else {}
    words = ["composer", "train", graph]
    if isinstance(train, Mapping) and isinstance(train.get("path"), str):
        words += ["--data", train["path"]]
    flags, sets = [], []
    for path, value in _leaves(data):
        if path in (("schema",), ("graph",), ("data", "train", "path")) or path[0] == "metadata":
            continue
        if path in _FLAGS and isinstance(value, int | float | str) and not isinstance(value, bool):
            flags += [_FLAGS[path], str(value)]
        else:
            keys = ".".join(key if _PLAIN.fullmatch(key) else f'"{key}"' for key in path)
            sets += ["--set", f"{keys}={_written(value)}"]
    return shlex.join([*words, *flags, *sets])


def _leaves(data: Mapping[str, Any], part: type[Part] | None = Recipe, path: tuple[str, ...] = ()) -> Iterator[Any]:
    """Values by their keys; what is no part of a recipe is a value as a whole."""
    for key, value in data.items():
        here = (*path, key)
        below = None if part is None else _part_of(part, key)
        is_named = here[0] in ("policy", "mix") and len(here) < 3
        if isinstance(value, Mapping) and value and (below is not None or is_named):
            yield from _leaves(value, below, here)
        else:
            yield here, value


def _written(value: Any) -> str:
    """A value as YAML on one line."""
    return value if isinstance(value, str) and _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)
