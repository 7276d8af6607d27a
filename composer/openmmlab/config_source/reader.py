"""Reads the files of a config, each once, and puts the inheriting ones over their bases."""

import ast
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from composer.graph.file.encoding import decode, size_problem
from composer.graph.file.yamltext import parse as parse_yaml
from composer.openmmlab.config_source.functions import inherit, lookup
from composer.openmmlab.config_source.statements import BASE, Names, Statements, base_paths, parse
from composer.openmmlab.config_source.text import BASE_TEXT, Templates
from composer.openmmlab.config_source.values import (
    UNKNOWN,
    BaseDict,
    Budget,
    NotDataError,
    Report,
    SourceText,
    StopReadingError,
    TooLargeError,
    copy_tree,
)
from composer.problems import GraphError, Where

__all__ = ["MAX_BYTES", "ConfigReader"]

MAX_BYTES = 2**18
"""Largest file of a config."""

_BYTES_PER_VALUE = 4
_MAX_FILES = 200
_MAX_BASES = 32
_TEXT_TEMPLATE = re.compile(r"(['\"]?)(\{\{\s*_base_\.[\w.]+\s*\}\})\1")


class ConfigReader:
    """Reads one config and everything that it inherits from.

    Args:
        alone: Whether no other file may be opened: the config was handed over, and came without its folder.
        configs: For each package the folder that its configs lie in, for bases such as ``mmcls::_base_/x.py``.

    Attributes:
        report: What was refused, and notes.
        files: The files that were read.
        replaced: Names whose dict with a type, from ``with read_base()``, a dict without one took the place of.
    """

    def __init__(self, alone: bool = False, configs: Mapping[str, Path] | None = None) -> None:
        self.alone = alone
        self.configs = configs or {}
        self.report = Report()
        self.files: list[Path] = []
        self.replaced: dict[str, Where] = {}
        self.budget = Budget()
        self._open: list[Path] = []
        self._done: dict[Path, Names] = {}
        self._places: dict[str, Where] = {}

    def read(self, path: Path) -> dict[str, Any]:
        """What a file says, over its bases.

        Raises:
            StopReadingError: There is too much of something.
        """
        return self._names(path, Where("", str(path))).data()

    def place(self, name: str, file: str, subject: str = "") -> Where:
        """Where a name of the config was last given its value."""
        found = self._places.get(name, Where("", file))
        return Where(subject or name, found.file, found.line, found.column)

    def _names(self, path: Path, where: Where) -> Names:
        """What a file defines; nothing where it cannot be read, which is reported."""
        path = Path(os.path.normpath(path))
        if self.alone and self._open:
            text = "it inherits from another file, which did not come with it: import it with `composer import`"
            self.report.refuse("config-elsewhere", where, text)
            return Names()
        if path in self._done:
            return self._done[path]
        if path in self._open:
            cycle = " -> ".join(str(file) for file in [*self._open[self._open.index(path) :], path])
            self.report.refuse("config-cycle", where, f"the file inherits from itself: {cycle}")
            return Names()
        if len(self._open) > _MAX_BASES or len(self._done) > _MAX_FILES:
            text = f"more than {_MAX_BASES} files inherit from each other, or more than {_MAX_FILES} are read"
            self.report.refuse("config-too-large", where, text)
            raise StopReadingError
        self._open.append(path)
        written = self._text(path, where)
        found = Names() if written is None else self._read(path, written)
        self._open.pop()
        self._done[path] = found
        return found

    def _text(self, path: Path, where: Where) -> str | None:
        try:
            if path.suffix not in (".py", ".json", ".yaml", ".yml"):
                self.report.refuse("config-format", where, f"{path} is none of .py, .json, .yaml and .yml")
            elif not path.is_file():
                self.report.refuse("no-file", where, f"there is no file {path}")
            elif path.stat().st_size > MAX_BYTES:
                found = size_problem(path.stat().st_size, MAX_BYTES, str(path), "a config")
                self.report.refuse("config-too-large", found.where, found.message)
            else:
                self.files.append(path)
                written = decode(path.read_bytes(), str(path), "a config as text")
                return written.replace("\r\n", "\n").replace("\r", "\n")
        except GraphError as error:
            for found in error.problems:
                self.report.refuse(found.code, found.where, found.message)
        except (OSError, ValueError) as error:
            self.report.refuse("cannot-read", where, f"{path} cannot be read: {error}")
        return None

    def _read(self, path: Path, text: str) -> Names:
        file = str(path)
        where = Where("", file)
        templates = Templates(path.absolute(), lambda note: self.report.note("config-environment", where, note))
        try:
            self.budget.charge(len(text) // _BYTES_PER_VALUE)
            if path.suffix == ".py":
                return self._python(path, text, templates)
            return self._plain_text(path, text, templates)
        except TooLargeError as error:
            self.report.refuse("config-too-large", where, str(error))
            raise StopReadingError from None
        except NotDataError as error:
            self.report.refuse("config-not-data", where, str(error))
            return Names()

    def _python(self, path: Path, text: str, templates: Templates) -> Names:
        source = SourceText(str(path), text, self.report)
        tree = parse(source)
        if tree is None:
            return Names()
        names = Names()
        statements = Statements(
            source, names, templates, self.budget, lambda wanted: self._module(path, wanted, source.where(wanted))
        )
        statement, paths = base_paths(tree, statements.expressions)
        base, complete = self._bases(path, paths, source.where(statement or tree))
        names.values[BASE] = base if complete else UNKNOWN
        statements.read(tree.body)
        self._places |= {name: source.where(line) for name, line in names.lines.items()}
        self.replaced |= {name: source.where(line) for name, line in names.replaced.items()}
        if not complete:
            return names
        return self._over(names, base, str(path))

    def _plain_text(self, path: Path, text: str, templates: Templates) -> Names:
        """What a JSON or YAML file says, whose templates are filled in its text."""
        text = _TEXT_TEMPLATE.sub(lambda found: json.dumps(found[2]), templates.fill(text))
        try:
            found = json.loads(text) if path.suffix == ".json" else parse_yaml(text, str(path))[0]
        except GraphError as error:
            for problem in error.problems:
                self.report.refuse(problem.code, problem.where, problem.message)
            return Names()
        except json.JSONDecodeError as error:
            self.report.refuse("config-syntax", Where("", str(path), error.lineno, error.colno), error.msg)
            return Names()
        except (ValueError, RecursionError) as error:
            self.report.refuse("config-syntax", Where("", str(path)), f"this is not read as JSON: {error}")
            return Names()
        if not isinstance(found, dict):
            raise NotDataError(f"a config is a mapping of names, found {type(found).__name__}")
        paths = found.pop(BASE, [])
        paths = [paths] if isinstance(paths, str) else paths
        if not isinstance(paths, list) or not all(isinstance(base, str) for base in paths):
            raise NotDataError("_base_ is a path or a list of paths")
        base, complete = self._bases(path, paths, Where(BASE, str(path)))
        filled = _filled(copy_tree(found, self.budget), base) if complete else found
        return self._over(Names(filled), base, str(path))

    def _over(self, names: Names, base: dict[str, Any], file: str) -> Names:
        """The names of a file over those of its bases, in a tree that shares nothing."""
        own = {name: self._copy(name, value, file) for name, value in names.data().items() if value is not UNKNOWN}
        merged = dict(base)
        for name, value in own.items():
            try:
                merged |= inherit({name: value}, {name: base[name]} if name in base else {})
            except NotDataError as error:
                where = self._places.get(name) if name in names.lines else None
                self.report.refuse("config-merge", where or Where(name, file), str(error))
        if isinstance(merged.get("_deprecation_"), dict):
            text = f"the file is deprecated: {merged.pop('_deprecation_')}"
            self.report.note("config-deprecated", Where("", file), text[:300])
        kept = {name: names.values[name] for name in names.imported}
        return Names({**kept, **merged}, set(names.imported) - merged.keys())

    def _copy(self, name: str, value: Any, file: str) -> Any:
        try:
            return copy_tree(value, self.budget, BaseDict)
        except TooLargeError as error:
            where = self._places.get(name, Where("", file))
            self.report.refuse("config-too-large", Where(name, file, where.line, where.column), str(error))
            raise StopReadingError from None

    def _bases(self, path: Path, paths: list[str], where: Where) -> tuple[BaseDict, bool]:
        """What the bases of a file say together, and whether all of it could be read."""
        before = len(self.report.problems)
        found = BaseDict()
        for base in paths:
            lies = self._place_of(path, base, where)
            if lies is None:
                continue
            names = self._names(lies, where).data()
            for name in sorted(found.keys() & names.keys()):
                text = f"{name} stands in more than one base; the last is {base}: take it out of one"
                self.report.refuse("config-duplicate-key", where, text)
            found |= copy_tree(names, self.budget, BaseDict)
        return found, len(self.report.problems) == before

    def _place_of(self, path: Path, base: str, where: Where) -> Path | None:
        """The file of a base, which may lie among the configs of a package; None where that is not known."""
        package, separator, rest = base.partition("::")
        if not separator:
            return path.parent / base
        folder = self.configs.get(package)
        if folder is not None:
            return folder / rest
        text = f"{base} lies among the configs of the package {package}, and it is not known where these are: "
        text += f"name their folder (composer import --configs {package}=FOLDER), or copy the file and name its path"
        self.report.refuse("config-elsewhere", where, text)
        return None

    def _module(self, path: Path, wanted: ast.ImportFrom, where: Where) -> Names:
        """What a module imported under ``with read_base()`` defines."""
        for candidate in _module_paths(path, wanted):
            if self.alone or candidate.is_file():
                return self._names(candidate, where)
        name = "." * wanted.level + (wanted.module or "")
        raise NotDataError(f"there is no config file for the module {name} beside this one or above it")


def _module_paths(path: Path, wanted: ast.ImportFrom) -> Iterator[Path]:
    module = Path(*(wanted.module or "__init__").split("."))
    if wanted.level:
        yield path.parent / Path(*[".."] * (wanted.level - 1)) / f"{module}.py"
    else:
        yield from (parent / f"{module}.py" for parent in path.absolute().parents)


def _filled(value: Any, base: dict[str, Any]) -> Any:
    """A tree in which ``{{_base_.x}}`` is what the base says."""
    if isinstance(value, dict):
        return {key: _filled(item, base) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, base) for item in value]
    whole = BASE_TEXT.fullmatch(value) if isinstance(value, str) else None
    if not whole:
        return value
    found: Any = base
    for key in whole[1].split("."):
        found = lookup(found, key)
    return found
