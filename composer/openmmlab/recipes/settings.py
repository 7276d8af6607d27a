"""Settings of a config that are read one by one, so that whatever is not read can be reported."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from composer.openmmlab.names import scoped_type, split_type
from composer.openmmlab.plain import plain
from composer.problems import Problem, Where

__all__ = ["Report", "Settings"]

_LEFT = "a recipe does not hold this"
_SHOWN = 60


@dataclass
class Report:
    """What is read of a config, and what there is to report about the rest.

    Args:
        notes: Warnings are settings without effect in the recipe; notices say what a number was taken for.
        read: Places of the settings that the recipe holds.
        beside: Places of settings about the machine, the logs and the like, which mean nothing for a recipe.
    """

    notes: list[Problem] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)

    def left(self, place: str, text: str) -> None:
        """A setting has no effect in the recipe."""
        self.notes.append(Problem("left-to-caller", Where(place), text, severity="warning"))

    def meant(self, place: str, text: str) -> None:
        """What a setting was taken for, where the config and the recipe do not say quite the same."""
        self.notes.append(Problem("read-as", Where(place), text, severity="notice"))


class Settings:
    """A dict of a config; it knows which of its keys were read.

    Args:
        place: Where it stands, such as ``optim_wrapper.optimizer``; empty for the whole config.
        data: Its keys and values.
        report: Where what is found is noted.
    """

    def __init__(self, place: str, data: Mapping[str, Any], report: Report) -> None:
        self.place = place
        self.data = data
        self.report = report
        self._open = {key for key in data if key not in ("type", "_scope_", "_delete_")}

    @property
    def kind(self) -> str:
        """Its type without its package; empty where it has none."""
        written = scoped_type(self.data)
        return split_type(written)[1].rpartition(".")[2] if written is not None else ""

    def __bool__(self) -> bool:
        return bool(self.data)

    def __contains__(self, key: str) -> bool:
        return self.data.get(key) is not None

    def at(self, key: str) -> str:
        """The place of a key."""
        return f"{self.place}.{key}" if self.place else key

    def take(self, key: str, default: Any = None) -> Any:
        """The value of a key; ``default`` where it is absent or None."""
        if key in self._open:
            self._open.discard(key)
            self.report.read.append(self.at(key))
        value = self.data.get(key)
        return default if value is None else plain(value)

    def number(self, key: str, default: float | None = None, *, low: float = 0, high: float = 1e12) -> float | None:
        """A number in a range; any other value is reported."""
        value = self.take(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.report.left(self.at(key), f"found {value!r:.60}, expected a number from {low:g} to {high:g}")
            return default
        return value

    def whole(self, key: str, default: int | None = None, *, low: int = 1, high: int = 10**12) -> int | None:
        """A whole number; any other value is reported."""
        value = self.take(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.report.left(self.at(key), f"found {value!r:.60}, expected a whole number from {low} to {high:g}")
            return default
        return value

    def text(self, key: str, default: str | None = None) -> str | None:
        """A text; any other value is reported."""
        value = self.take(key)
        if value is None or isinstance(value, str):
            return default if value is None else value
        self.report.left(self.at(key), f"found {value!r:.60}, expected a text")
        return default

    def inside(self, key: str) -> "Settings":
        """The dict under a key; an empty one where there is none."""
        value = self.take(key)
        if value is not None and not isinstance(value, Mapping):
            self.report.left(self.at(key), f"found {value!r:.60}, expected a dict")
            value = None
        return Settings(self.at(key), value or {}, self.report)

    def several(self, key: str) -> list["Settings"]:
        """The dicts of a list under a key; one dict stands for a list of one."""
        value = self.take(key)
        items = [value] if isinstance(value, Mapping) else value or []
        if not isinstance(items, list):
            self.report.left(self.at(key), f"found {value!r:.60}, expected a list of dicts")
            items = []
        return list(self._listed(key, items))

    def _listed(self, key: str, items: Iterable[Any]) -> Iterator["Settings"]:
        for index, item in enumerate(items):
            place = f"{self.at(key)}.{index}"
            if isinstance(item, Mapping):
                yield Settings(place, item, self.report)
            else:
                self.report.left(place, f"found {item!r:.60}, expected a dict")

    def beside(self, *keys: str) -> None:
        """Pass over keys about the machine, the logs and the like: they are named together at the end."""
        for key in keys:
            if key in self._open:
                self._open.discard(key)
                self.report.beside.append(self.at(key))

    def usual(self, key: str, *values: Any) -> None:
        """Pass over a key whose value is one of these, which say what a recipe does anyway; report any other."""
        if key in self._open and (self.data.get(key) is None or plain(self.data[key]) in values):
            self.take(key)

    def left(self, key: str, text: str) -> None:
        """Report a key that has no effect in the recipe, where it is there."""
        if key in self._open:
            self._open.discard(key)
            if self.data.get(key) is not None:
                self.report.left(self.at(key), text)

    def meant(self, key: str, text: str) -> None:
        """Say what a key was taken for."""
        self.report.meant(self.at(key), text)

    def close(self, text: str = _LEFT) -> None:
        """Report every key that was not read."""
        for key in [key for key in self.data if key in self._open]:
            value = plain(self.data[key])
            if value is not None:
                written = f"{value!r}"
                shown = written if len(written) <= _SHOWN else f"{written[:_SHOWN]}..."
                self.report.left(self.at(key), f"{text}: {shown}")
        self._open.clear()

    def drop(self, text: str) -> None:
        """Report it as a whole."""
        self.report.left(self.place, text)
        self._open.clear()
