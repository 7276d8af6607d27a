"""What a look at a training finds, and the report of all of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["CheckReport", "Finding", "State"]

State = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Args:
        item: What: ``recipe``, ``data``, ``batch``, ``memory``, ``step``, ``gradients``, ``first loss``, ``policy``,
            ``one batch``, ``resume``, ``time``, ``disk``.
        state: ``ok``, ``warning`` or ``error``.
        message: What was found.
        advice: What to do about it; empty where nothing is to do.
        values: The numbers.
    """

    item: str
    state: State
    message: str
    advice: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        found = {"item": self.item, "state": self.state, "message": self.message, "values": dict(self.values)}
        return {**found, "advice": self.advice} if self.advice else found


@dataclass(frozen=True)
class CheckReport:
    """All that was looked at, in order."""

    findings: tuple[Finding, ...]

    @property
    def state(self) -> State:
        """The worst of all."""
        states = {one.state for one in self.findings}
        return "error" if "error" in states else "warning" if "warning" in states else "ok"

    def text(self) -> str:
        """The report as lines."""
        lines = []
        for one in self.findings:
            first, *rest = one.message.splitlines()
            lines.append(f"{one.state:8} {one.item:11} {first}")
            lines += [f"{'':20} {line}" for line in rest]
            if one.advice:
                lines.append(f"{'':20} -> {one.advice}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {"state": self.state, "findings": [one.to_json() for one in self.findings]}

    def dumps(self) -> str:
        """As JSON text."""
        return json.dumps(self.to_json(), indent=2, default=str) + "\n"
