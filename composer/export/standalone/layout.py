"""How the parts of a stand-alone file are laid out: imports, headings, comments and blank lines."""

import ast
import math
import sys
from collections.abc import Mapping, Sequence
from textwrap import shorten
from typing import Any

from composer.export.standalone.modules import Imported, SourceModule

__all__ = [
    "INDENT",
    "WIDTH",
    "call_text",
    "explains_constant",
    "gap",
    "heading",
    "import_text",
    "literal",
    "with_comments",
]

WIDTH = 120
"""Longest line that is written."""

INDENT = "    "

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def import_text(imports: Mapping[Imported, str], modules: Sequence[SourceModule]) -> str:
    """Import statements in the order that formatters give them.

    Args:
        imports: What is imported, and the name that it gets.
        modules: The modules that need it.
    """
    lines: list[tuple[int, int, str, str]] = []
    members: dict[str, list[tuple[str, str]]] = {}
    for thing, name in imports.items():
        if thing.name is not None:
            members.setdefault(thing.module, []).append((thing.name, name))
        else:
            alias = "" if name == thing.module else f" as {name}"
            found = [thing.module, *(() if alias else _submodules(thing.module, modules))]
            lines += [(_section(module), 0, module, f"import {module}{alias}") for module in found]
    for module, pairs in members.items():
        parts = [old for old, new in sorted(pairs, key=_by_kind) if old == new]
        renamed = [f"{old} as {new}" for old, new in sorted(pairs, key=_by_kind) if old != new]
        lines += [
            (_section(module), 1, module, _from_import(module, part))
            for part in (parts, *([one] for one in renamed))
            if part
        ]
    if any("annotations" in _futures(module) for module in modules):
        lines.append((-1, 0, "", "from __future__ import annotations"))
    lines.sort(key=lambda line: (line[0], line[1], line[2].casefold(), " as " in line[3], line[3]))
    sections = dict.fromkeys(line[0] for line in lines)
    return "\n\n".join("\n".join(line[3] for line in lines if line[0] == section) for section in sections)


def heading(module: SourceModule) -> str:
    """A comment that says which file the next definitions are from."""
    about = (ast.get_docstring(module.tree) or "").split("\n")[0]
    return shorten(f"# From {module.label}" + (f": {about}" if about else ""), WIDTH, placeholder=" ...")


def gap(module: SourceModule, before: int | None, position: int) -> str:
    """The blank lines before a statement: two around classes and functions, elsewhere what the source has."""
    if before is None:
        return "\n\n" if isinstance(module.statements[position], _DEFINITIONS) else ""
    one, other = module.statements[before], module.statements[position]
    if isinstance(one, _DEFINITIONS) or isinstance(other, _DEFINITIONS):
        return "\n\n"
    if before + 1 != position:
        return "\n"
    above = _first_line(module, other) - 1 - len(_comment_lines(module, other))
    return "\n" * min(2, above - (one.end_lineno or one.lineno))


def with_comments(module: SourceModule, position: int, text: str) -> str:
    """A statement's text with the comment lines right above it and the comment behind it."""
    statement = module.statements[position]
    behind = module.text[module.span(statement)[1] :].split(b"\n", 1)[0].decode().rstrip()
    if not behind.lstrip().startswith("#"):
        behind = ""
    return "".join(f"{line}\n" for line in _comment_lines(module, statement)) + text + behind


def explains_constant(module: SourceModule, position: int) -> bool:
    """Whether a statement is a text that stands under a constant to explain it."""
    if not 0 < position < len(module.statements):
        return False
    one, other = module.statements[position - 1], module.statements[position]
    is_text = (
        isinstance(other, ast.Expr) and isinstance(other.value, ast.Constant) and isinstance(other.value.value, str)
    )
    return is_text and isinstance(one, ast.Assign | ast.AnnAssign)


def call_text(head: str, arguments: Sequence[tuple[str, Any]], indent: str) -> str:
    """``head(name=value, ...)`` on one line, or one argument a line where that is too long."""
    line = f"{indent}{head}({', '.join(f'{name}={literal(value)}' for name, value in arguments)})"
    if len(line) <= WIDTH and "\n" not in line:
        return line
    inner = indent + INDENT
    parts = [f"{inner}{name}={literal(value, inner, len(name) + 2)},\n" for name, value in arguments]
    return f"{indent}{head}(\n{''.join(parts)}{indent})"


def literal(value: Any, indent: str | None = None, used: int = 0) -> str:
    """Plain data as Python source.

    Args:
        value: Numbers, texts, sequences and mappings of such.
        indent: With it, what is too long for a line is spread over several.
        used: Characters of the line that are taken, beside the indent.
    """
    if isinstance(value, str):
        text = repr(value)
        return text if '"' in value else '"' + text[1:-1].replace("\\'", "'") + '"'
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if not isinstance(value, Mapping | list | tuple):
        return repr(value)
    left, right = ("{", "}") if isinstance(value, Mapping) else ("[", "]") if isinstance(value, list) else ("(", ")")
    line = left + ", ".join(_items(value, None)) + ("," if right == ")" and len(value) == 1 else "") + right
    if indent is None or not value or len(indent) + used + len(line) <= WIDTH:
        return line
    return (
        left + "\n" + "".join(f"{indent}{INDENT}{item},\n" for item in _items(value, indent + INDENT)) + indent + right
    )


def _items(value: Any, indent: str | None) -> list[str]:
    if not isinstance(value, Mapping):
        return [literal(item, indent, 1) for item in value]
    return [f"{literal(key)}: {literal(item, indent, len(literal(key)) + 3)}" for key, item in value.items()]


def _comment_lines(module: SourceModule, statement: ast.stmt) -> list[str]:
    lines = module.text.decode().splitlines()
    end = start = _first_line(module, statement) - 1
    while start and lines[start - 1].startswith("#"):
        start -= 1
    return lines[start:end]


def _first_line(module: SourceModule, statement: ast.stmt) -> int:
    decorators = getattr(statement, "decorator_list", None)
    return int(decorators[0].lineno) if decorators else statement.lineno


def _from_import(module: str, parts: Sequence[str]) -> str:
    line = f"from {module} import {', '.join(parts)}"
    if len(line) <= WIDTH:
        return line
    return f"from {module} import (\n" + "".join(f"{INDENT}{part},\n" for part in parts) + ")"


def _section(module: str) -> int:
    """The standard library first."""
    return 0 if module.split(".")[0] in sys.stdlib_module_names else 1


def _by_kind(pair: tuple[str, str]) -> tuple[int, str, str]:
    """Constants, classes, then the rest."""
    name = pair[0]
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, name.casefold(), name


def _futures(module: SourceModule) -> set[str]:
    imports = [item for item in module.statements if isinstance(item, ast.ImportFrom)]
    return {alias.name for item in imports if item.module == "__future__" for alias in item.names}


def _submodules(package: str, modules: Sequence[SourceModule]) -> list[str]:
    """``import torch.utils.checkpoint`` binds ``torch`` and loads what is behind it."""
    imports = [item for module in modules for item in module.statements if isinstance(item, ast.Import)]
    names = [alias.name for item in imports for alias in item.names if not alias.asname]
    return sorted({name for name in names if name.startswith(f"{package}.")})
