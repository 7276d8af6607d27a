"""Templates: an algorithm of OpenMMLab as a graph with slots for its parts, and where its other settings go.

A template is a file of data (``templates/TYPE.yaml``), of which ``fill`` makes a graph from a config, and ``match`` a
config from a graph. It is written as a graph file is, with these differences:

- ``slot: head.loss`` in place of a type: the part that the config has there. ``slots`` takes a list of parts too, one
  after the other, or none. ``flow`` is what flows into a part's first input; ``inputs`` names ports as anywhere.
- ``weights: {share: backbone}``, ``{momentum: backbone, ...}`` and ``flow`` call all nodes of a slot again.
- A reference without a port is all that a part gives, ``[0]`` and ``[-1]`` the first and last level where there are
  levels; what flows through an empty slot is what flows into it.
- ``passes`` lists types of a part that has no node: what flows into it flows out. ``types`` lists all that it may have.
- ``key (condition)`` counts where the condition holds: a slot or setting is given (``neck``), a package (``mmdet``), a
  type (``head is ClsHead``), one of ``conditions``, which gives conditions a name, or one of ``CONDITIONS``; ``not`` in
  front turns it around, commas join several.
- ``repeats: {key: path, group: size, item: crop, default: [2]}`` names a list of counts in the config. A key, or an
  entry of a list, with ``{size}`` in it is there once for each count, one with ``{crop}`` once for each thing that is
  counted (inside ``{size}``, by this count); ``{later size}``, ``{first crop}`` and ``{later crop}`` set the first
  count apart.
- ``sections`` checks dicts of settings: ``known`` are those with an effect in the graph, ``only`` all that there are.
- ``settings`` says which parameters the keys of the config stand for.
- A parameter ``=path`` is what the config has at a path, ``=path or 16`` with a default; ``=name`` one of ``VALUES``. A
  size of a data sample may be one too.
- ``like`` names a template that this one continues.
- ``recognized_by`` lists types of nodes that only this algorithm has together.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from itertools import accumulate
from typing import Any

from composer.graph.file.yamltext import parse
from composer.openmmlab.names import scoped_type, split_type
from composer.openmmlab.plain import plain

__all__ = [
    "Data",
    "Setting",
    "Template",
    "at_path",
    "key_and_conditions",
    "kind_of",
    "resolved",
    "template_of",
    "templates",
    "wrong_sections",
]

Data = Mapping[str, Any]
Holds = Callable[[str], bool]
"""Whether a condition holds."""

Numbers = Mapping[str, Sequence[int]]

_CONDITIONAL = re.compile(r"(.+?) \((.+)\)")
_REPEATED = re.compile(r"\{([a-z ]+)\}")


@dataclass(frozen=True, slots=True)
class Setting:
    """A key of the config that is a parameter of nodes.

    Args:
        key: Its path in the config.
        params: The parameters, as ``node.name``; the first is read back, ``1 - node.name`` is the rest to 1.
        decay: A momentum copy whose decay it is.
        node: A node that is there where it is true.
        expect: What it has to be.
        default: What it is where the config says nothing.
        unsaid: What it is where the section around it says something else; by default the same.
        instead: The section that counts where the one around it is not there.
        always: Whether it is written where it has its default and nothing was said; by default where nothing was said
            of its whole section.
        conditions: When it counts.
    """

    key: str
    params: tuple[str, ...] = ()
    decay: str | None = None
    node: str | None = None
    expect: str = "anything"
    default: Any = None
    unsaid: Any = None
    instead: str | None = None
    always: bool | None = None
    conditions: tuple[str, ...] = ()

    @property
    def section(self) -> str:
        """The path of the section around it."""
        return self.key.rpartition(".nms.")[0] or self.key.rpartition(".")[0]


@dataclass(frozen=True)
class Template:
    """An algorithm as data.

    Args:
        name: Its type.
        data: The file, with those that it continues.
    """

    name: str
    data: Data

    @cached_property
    def settings(self) -> tuple[Setting, ...]:
        """The keys of the config that are parameters of nodes."""
        return tuple(
            Setting(key, conditions=conditions, **{**spec, "params": tuple(spec.get("params", ()))})
            for key, conditions, spec in self.section("settings")
        )

    @cached_property
    def entries(self) -> tuple[Data, ...]:
        """The nodes of all scopes, whatever the conditions on them."""
        inner = [entry for _, _, body in self.section("graphs") for entry in body["nodes"].values()]
        return (*(entry for _, _, entry in self.nodes()), *inner)

    @cached_property
    def slots(self) -> tuple[str, ...]:
        """The places of parts in the config, each before those within it; the first one takes the image."""
        chains = [entry["slots"] for entry in self.entries if "slots" in entry]
        found = dict.fromkeys([*chains, *(entry["slot"] for entry in self.entries if "slot" in entry)])
        return tuple(sorted(found, key=lambda slot: slot.count(".")))

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of its config, beside those that every model has."""
        paths = (*self.slots, *(setting.key for setting in self.settings))
        return tuple(dict.fromkeys(path.partition(".")[0] for path in paths))

    @property
    def recognized_by(self) -> tuple[str, ...]:
        """Types of nodes by which a graph of it is known."""
        return tuple(self.data.get("recognized_by", ()))

    @property
    def conditions(self) -> Mapping[str, tuple[str, ...]]:
        """Names of conditions, with what has to hold for each."""
        return {name: tuple(text.split(", ")) for name, text in self.data.get("conditions", {}).items()}

    def entry_at(self, slot: str) -> Data:
        """The first node that stands for the part at a place; empty where there is none."""
        return next((entry for entry in self.entries if slot in (entry.get("slot"), entry.get("slots"))), {})

    def repeated(self, found: Any) -> "Template":
        """The template with everything that repeats written out.

        Args:
            found: The list of counts; the default where it cannot be one.
        """
        spec = self.data.get("repeats")
        if spec is None:
            return self
        meant = isinstance(found, Sequence) and found and all(type(one) is int and 0 < one < 100 for one in found)
        counts = list(found) if meant else spec["default"]
        ends = list(accumulate(counts))
        items = {
            number: range(ends[number - 1] - count + 1, ends[number - 1] + 1) for number, count in enumerate(counts, 1)
        }
        group, item = spec["group"], spec["item"]
        numbers = {
            group: range(1, len(counts) + 1),
            f"later {group}": range(2, len(counts) + 1),
            item: range(1, ends[-1] + 1),
            f"first {item}": items[1],
            f"later {item}": range(counts[0] + 1, ends[-1] + 1),
        }
        within = {one: {number: {item: items[number]} for number in items} for one in (group, f"later {group}")}
        return Template(self.name, _repeated(self.data, numbers, within))

    def section(self, name: str) -> Iterator[tuple[str, tuple[str, ...], Any]]:
        """The entries of a section, each with all conditions on it."""
        for key, entries in self.data.items():
            section, outer = key_and_conditions(key)
            for inner, entry in entries.items() if section == name else ():
                word, conditions = key_and_conditions(inner)
                yield word, (*outer, *conditions), entry

    def nodes(self) -> Iterator[tuple[str, tuple[str, ...], Any]]:
        """The nodes, each with all conditions on it."""
        return self.section("nodes")


def key_and_conditions(key: str) -> tuple[str, tuple[str, ...]]:
    """A key of a template and the conditions behind it."""
    match = _CONDITIONAL.fullmatch(key)
    return (match[1], tuple(match[2].split(", "))) if match else (key, ())


def resolved(data: Any, holds: Holds) -> Any:
    """Data without conditions: what does not count is left out."""
    if not isinstance(data, Mapping):
        return [resolved(item, holds) for item in data] if isinstance(data, list) else data
    found: dict[str, Any] = {}
    for key, value in data.items():
        word, conditions = key_and_conditions(key)
        if all(map(holds, conditions)):
            found = _over(found, {word: resolved(value, holds)})
    return found


def _repeated(data: Any, numbers: Numbers, within: Mapping[str, Mapping[int, Numbers]]) -> Any:
    """Data with each key, and each entry of a list, once for all numbers of the word in braces in it.

    Args:
        data: What may hold such words.
        numbers: The numbers of each word; a word that has one number stands for it.
        within: The numbers that other words have, once a word has one of its own.
    """

    def each(text: Any) -> list[Numbers]:
        found = _REPEATED.search(text) if isinstance(text, str) else None
        if found is None:
            return [numbers]
        word = found[1]
        return [{**numbers, **within.get(word, {}).get(number, {}), word: [number]} for number in numbers[word]]

    if isinstance(data, Mapping):
        return {
            _repeated(key, one, within): _repeated(value, one, within)
            for key, value in data.items()
            for one in each(key)
        }
    if isinstance(data, list):
        return [_repeated(value, one, within) for value in data for one in each(value)]
    return _REPEATED.sub(lambda word: str(numbers[word[1]][0]), data) if isinstance(data, str) else data


@cache
def template_of(name: str) -> Template | None:
    """The template of an algorithm; None where there is none.

    Args:
        name: Its type.
    """
    path = files("composer.openmmlab") / "templates" / f"{name}.yaml"
    if not name.isidentifier() or not path.is_file():
        return None
    data, _ = parse(path.read_text(encoding="utf-8"), path.name)
    base = template_of(data["like"]) if "like" in data else None
    return Template(name, data if base is None else _over(base.data, data))


def templates() -> list[Template]:
    """All templates of algorithms."""
    names = sorted(path.name for path in (files("composer.openmmlab") / "templates").iterdir())
    found = [template_of(name.removesuffix(".yaml")) for name in names if not name.startswith("_")]
    return [template for template in found if template is not None]


def at_path(config: Any, path: str, default: Any = None) -> Any:
    """The value at a path such as ``rcnn.nms.iou_threshold``; the default where it is not there."""
    for key in path.split("."):
        if not isinstance(config, Mapping) or key not in config:
            return default
        config = config[key]
    return config


def kind_of(config: Any) -> str:
    """The bare type of a part; empty where it has none."""
    return split_type(scoped_type(config))[1] if isinstance(config, Mapping) and "type" in config else ""


def _over(base: Any, data: Any) -> Any:
    """Data over data: mappings are joined, anything else is replaced; null takes out what is there."""
    if not isinstance(base, Mapping) or not isinstance(data, Mapping):
        return data
    found = {**base, **{key: _over(base.get(key), value) for key, value in data.items()}}
    return {key: value for key, value in found.items() if value is not None}


def wrong_sections(config: Any, path: str, names: Sequence[str], needed: Sequence[str] = ()) -> dict[str, str]:
    """What is no dict and should be one, by its path, with the reason.

    Args:
        config: A dict, or None where there is none.
        path: Where it stands.
        names: Its sections.
        needed: Those of them that it has to have where it says anything.
    """
    if not isinstance(config, Mapping):
        return {} if config is None else {path: _no_dict(config)}
    lacking = [name for name in needed if config and name not in config]
    wrong = [name for name in names if name in config and not isinstance(config[name], Mapping)]
    return {f"{path}.{name}": _no_dict(config.get(name)) for name in (*wrong, *lacking)}


def _no_dict(value: Any) -> str:
    return f"expected a dict, found {'none' if value is None else repr(plain(value))[:80]}"
