"""What can be wrong with a graph, and how it is reported.

A problem says what is wrong (a stable ``code``), where, what was found and expected, and where possible how to mend it:
a ``Fix`` is a list of edits of the graph's document that ``composer.edit`` applies. All problems are collected before
any is raised; ``GraphError`` carries them all.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher, get_close_matches
from typing import Any

from composer.problems.codes import CODES, Severity

__all__ = [
    "Edit",
    "Fix",
    "GraphError",
    "Problem",
    "Severity",
    "Where",
    "byte_text",
    "counted",
    "is_typo",
    "nearest",
    "plain",
    "some_of",
    "suggestion",
    "time_text",
]

_SHORTEST = 4  # letters of a name of which one may be wrong; one may be missing of these
_SHORT = 6  # letters of a name that is shortened, and the share of the whole name that it keeps
_KEPT = 0.75
_PLAIN_WORDS = (
    ("^(Value|Assertion) error, ", ""),
    ("^Input should be( a valid| an?)? ", "expected a "),
    ("^(Tuple|List) should have (.*?) after validation, not .*", r"expected \2"),
    ("^expected a greater than or equal to ", "expected at least "),
    ("^expected a less than or equal to ", "expected at most "),
    ("^expected a (greater|less) than ", r"expected \1 than "),
    ("^expected a (boolean|bool)\\b.*", "expected true or false"),
    ("^expected a (dictionary|mapping|object)\\b.*", "expected keys with values"),
    ("^expected a number, unable.*", "expected a number"),
    ("^expected a integer, (got|unable).*", "expected an integer"),
    ("^expected a finite number", "expected a number that is finite"),
    ("^expected a ('|-?[0-9])", r"expected \1"),
    ("^expected a (array|tuple|list)\\b", "expected a list"),
    ("^expected a instance of (Sequence|list|tuple).*", "expected a list"),
    ("^expected a instance of (Mapping|dict).*", "expected keys with values"),
    ("^expected a (?=[aeiou])", "expected an "),
)


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of a graph's document (the nesting of a graph file).

    Args:
        path: Keys from the top, such as ``("nodes", "neck", "params", "in_channels")``.
        value: What to put there; ``None`` together with ``remove`` takes the key out.
        remove: Take the key out.
    """

    path: tuple[str, ...]
    value: Any = None
    remove: bool = False

    def to_json(self) -> dict[str, Any]:
        """The edit as plain data."""
        return (
            {"path": list(self.path), "remove": True} if self.remove else {"path": list(self.path), "set": self.value}
        )


@dataclass(frozen=True, slots=True)
class Fix:
    """A repair that can be applied.

    Args:
        message: What it does, in words.
        edits: The edits that do it.
        changes: What becomes different from what is written, where it is not just the same said rightly: a value that
            is lost, another part in a part's place. Such a repair is one to think about; a plain one has none.
    """

    message: str
    edits: tuple[Edit, ...] = ()
    changes: str = ""

    def __str__(self) -> str:
        return f"or: {self.message} ({self.changes})" if self.changes else f"fix: {self.message}"

    def to_json(self) -> dict[str, Any]:
        """The fix as plain data."""
        edits = [edit.to_json() for edit in self.edits]
        return {"message": self.message, **({"changes": self.changes} if self.changes else {}), "edits": edits}


@dataclass(frozen=True, slots=True)
class Where:
    """Where a problem is.

    Args:
        subject: What the problem is about, as people read it: ``neck``, ``backbone.out[-1] -> neck.feature``.
        file: The graph file, if the graph was read from one.
        line: Line in the file, counted from 1.
        column: Column in the line, counted from 1.
        scope: Name of the subgraph that holds the node; empty at the top level.
        node: Id of the node.
        port: Name of the port.
        parameter: Name of the parameter.
        mode: The mode in which the problem appears, if it is not all of them.
        path: The keys of the graph's document that it is about, from the top.
        source: The reference that it is about, of a wire.
        calls: The ids of the calls that lead to the node, where it is about one of several; None where it is about all.
    """

    subject: str = ""
    file: str | None = None
    line: int | None = None
    column: int | None = None
    scope: str = ""
    node: str | None = None
    port: str | None = None
    parameter: str | None = None
    mode: str | None = None
    path: tuple[str | int, ...] = ()
    source: str | None = None
    calls: tuple[str, ...] | None = None

    @property
    def box(self) -> tuple[str | None, str | None]:
        """The box on the canvas that it is about, and its port: a node, an input, or the outputs of a mode.

        Those of mode ``loss`` are called ``outputs.loss``, those of a subgraph ``outputs``.
        """
        section, *keys = self.path[2:] if self.scope else self.path or ("",)
        if section in ("nodes", "inputs", "data_samples") and keys:
            return str(keys[0]), self.port
        if section == "outputs" and keys:
            names = [str(key) for key in keys]
            return ("outputs", names[0]) if self.scope else (f"outputs.{names[0]}", next(iter(names[1:]), None))
        return self.node, self.port

    def __str__(self) -> str:
        position = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        mode = f"({self.mode} mode)" if self.mode else ""
        return " ".join(part for part in (position, self.subject, mode) if part)

    def to_json(self) -> dict[str, Any]:
        """The position as plain data, without what is not known."""
        keys = ("subject", "file", "line", "column", "scope", "node", "port", "parameter", "mode", "source")
        found = {key: value for key in keys if (value := getattr(self, key)) not in (None, "")}
        lists = {key: list(value) for key in ("path", "calls") if (value := getattr(self, key))}
        return {**found, **lists}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a graph.

    Args:
        code: Stable name of the rule, in kebab case. ``composer/problems/codes.py`` lists all of them.
        where: Where it is.
        message: What was found, what was expected.
        fix: An edit that solves it and states what else it changes.
        severity: A ``warning`` does not stop a graph from running; a ``notice`` reports what is unfinished.

    Raises:
        AssertionError: The code is not in the table of codes.
    """

    code: str
    where: Where
    message: str
    fix: Fix | None = None
    severity: Severity = "error"

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise AssertionError(
                f"'{self.code}' is not in the table of codes (composer/problems/codes.py): {self.message}"
            )

    def __str__(self) -> str:
        head = f"{self.code} {self.where}".rstrip()
        lines = [head if self.severity == "error" else f"{self.severity}: {head}"]
        lines += [f"    {line}" for line in self.message.splitlines()]
        if self.fix:
            lines.append(f"    {self.fix}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """The problem as plain data, for the browser and for scripts."""
        data: dict[str, Any] = {
            "code": self.code,
            "severity": self.severity,
            "where": self.where.to_json(),
            "message": self.message,
        }
        if self.fix:
            data["fix"] = self.fix.to_json()
        return data


@dataclass
class GraphError(Exception):
    """Raised when a graph cannot be read, compiled or run; carries every problem that was found.

    Args:
        problems: All that is wrong, in the order of the file.
    """

    problems: Sequence[Problem] = field(default_factory=tuple)

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        errors = [problem for problem in self.problems if problem.severity == "error"]
        head = f"{len(errors)} problem" + ("" if len(errors) == 1 else "s")
        return "\n".join([head, *(str(problem) for problem in self.problems)])


def nearest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The known names that look most like ``name``, best first; upper and lower case count as the same."""
    folded: Mapping[str, str] = {other.casefold(): other for other in known}
    return [folded[match] for match in get_close_matches(str(name).casefold(), folded, n=count, cutoff=0.6)]


def is_typo(name: str, other: str) -> bool:
    """Whether a name is plainly another one mistyped or shortened, and not the name of something else.

    It is, where only capitals or underscores differ, two letters are swapped, one small letter is wrong, missing or
    too much, or small letters are left out (``GlobalAvgPooling``). A capital or a digit more or less makes another
    name: ``ResNeXt``, ``L2Loss``, ``view_2``.

    Args:
        name: The name that is not known.
        other: A known one.
    """
    one, two = (text.casefold().replace("_", "").replace("-", "") for text in (name, other))
    swapped = [index for index, (a, b) in enumerate(zip(one, two, strict=False)) if a != b]
    if len(one) == len(two) and len(swapped) == 2 and (one + two).isalpha():
        return (one[swapped[0]], one[swapped[1]]) == (two[swapped[1]], two[swapped[0]])
    changed = [
        (name[i1:i2], other[j1:j2])
        for tag, i1, i2, j1, j2 in SequenceMatcher(None, name, other, autojunk=False).get_opcodes()
        if tag != "equal"
    ]
    lost, gained = ("".join(texts) for texts in zip(*changed, strict=True)) if changed else ("", "")
    if one == two or not all("a" <= letter <= "z" for letter in lost + gained):
        return one == two
    shorter, longer = sorted((len(name), len(other)))
    one_sided = not (lost and gained)
    shortened = one_sided and shorter >= _SHORT and shorter >= _KEPT * longer and name[0] == other[0]
    one_letter = max(len(lost), len(gained)) == 1 and shorter >= _SHORTEST - one_sided
    return one_letter or shortened


def plain(message: str) -> str:
    """What a validator of pydantic expected, in words without Python: ``expected true or false``."""
    for pattern, words in _PLAIN_WORDS:
        message = re.sub(pattern, words, message)
    return message


def counted(count: int, one: str, many: str | None = None) -> str:
    """``1 file``, ``1,024 files``; with a verb, ``counted(2, "file is", "files are")``.

    Args:
        count: How many there are.
        one: What is said of one.
        many: What is said of none or several; by default that with an s.
    """
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def byte_text(count: float) -> str:
    """Bytes in powers of 1,024, to three digits: ``512 MiB``, ``3.2 GiB``."""
    unit = "B"
    for larger in ("KiB", "MiB", "GiB"):
        if count >= 1024:
            count, unit = count / 1024, larger
    return f"{count:,.0f} {unit}" if count >= 100 else f"{count:.3g} {unit}"


def time_text(seconds: float) -> str:
    """A time as people say it: ``40 s``, ``12 min``, ``3 h 20 min``, ``2 d 4 h``."""
    if not math.isfinite(seconds):
        return "?"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"


def some_of(names: Sequence[str], most: int) -> str:
    """The first of some names, and how many more there are: ``a, b and 1,234 more``.

    Args:
        names: The names.
        most: How many are named.
    """
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def suggestion(name: str, known: Iterable[str], what: str) -> str:
    """``did you mean`` with the nearest names, or all of them when there are few and none is near."""
    names = sorted(set(known))
    near = nearest(name, names)
    if near:
        return "did you mean " + " or ".join(f"'{other}'" for other in near) + "?"
    if not names:
        return f"there are no {what}"
    return f"the {what} are {some_of(names, 12)}"
