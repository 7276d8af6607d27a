"""A config as the text of a config file."""

import json
import keyword
import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from torch import Tensor

from composer.graph.file import atomic_write
from composer.problems import GraphError, Problem, Where, suggestion

__all__ = ["config_text", "write_config"]

_WIDTH = 100
_INDENT = "    "
_NOTHING: Mapping[str, Any] = MappingProxyType({})


def config_text(config: Any, name: str = "model") -> str:
    """``model = dict(...)`` in the way that OpenMMLab writes it, with the trailing newline.

    Args:
        config: Plain data.
        name: The name that it is given.
    """
    return f"{name} = {_text(_listed(config), '', len(name) + 3)}\n"


def write_config(config: Mapping[str, Any], path: str | Path, beside: Mapping[str, Any] = _NOTHING) -> None:
    """Write a config file that holds one model; the file is replaced at once.

    Args:
        config: The dict under ``model``.
        path: A ``.py`` or ``.json`` file.
        beside: What stands beside the model, by name.

    Raises:
        GraphError: The name of the file says neither.
    """
    suffix = Path(path).suffix
    if suffix == ".py":
        text = config_text(config) + "".join(config_text(value, name) for name, value in beside.items())
    elif suffix == ".json":
        text = json.dumps({"model": _listed(config), **_listed(beside)}, indent=2) + "\n"
    else:
        hint = suggestion(suffix, [".py", ".json"], "endings of a config file's name")
        raise GraphError(Problem("config-format", Where(str(path)), f"a config is written as .py or .json; {hint}"))
    atomic_write(path, text.encode())


def _listed(value: Any) -> Any:
    """A value with its tensors (prototypes) as nested lists, which reading takes as well."""
    if isinstance(value, Tensor):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, list | tuple) else value


def _text(value: Any, indent: str, column: int) -> str:
    """A value in one line where it fits, else one entry a line."""
    line = _one_line(value)
    if column + len(line) <= _WIDTH or not isinstance(value, Mapping | list | tuple) or not value:
        return line
    inner = indent + _INDENT
    opening, closing, heads = _shape(value)
    values = value.values() if isinstance(value, Mapping) else value
    entries = [
        f"{inner}{head}{_text(item, inner, len(inner) + len(head) + 1)}"
        for head, item in zip(heads, values, strict=True)
    ]
    return opening + "\n" + ",\n".join(entries) + closing


def _one_line(value: Any) -> str:
    if isinstance(value, Mapping | list | tuple):
        opening, closing, heads = _shape(value)
        values = value.values() if isinstance(value, Mapping) else value
        parts = (head + _one_line(item) for head, item in zip(heads, values, strict=True))
        return opening + ", ".join(parts) + closing
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{value}')"
    return repr(value)


def _shape(value: Mapping[Any, Any] | list[Any] | tuple[Any, ...]) -> tuple[str, str, list[str]]:
    """How a collection opens and closes, and what stands before each entry."""
    if not isinstance(value, Mapping):
        return "[", "]", [""] * len(value)
    if all(isinstance(key, str) and key.isidentifier() and not keyword.iskeyword(key) for key in value):
        return "dict(", ")", [f"{key}=" for key in value]
    return "{", "}", [f"{key!r}: " for key in value]
