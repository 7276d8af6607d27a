"""The rules about subgraphs: they hold no ring, their expansion is not too large, and values fit where they land.

Nothing is expanded to be counted: a subgraph that doubles forty times is refused by arithmetic.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from composer.graph import FrozenDict, thaw
from composer.limits import Limits
from composer.parameter_rules import parameter_faults, repaired
from composer.report import Report
from composer.scopes import Scope
from composer.templates import LEFT_OUT, fill, is_template, names_in

__all__ = ["Landings", "check_definitions", "check_limits"]


def check_definitions(report: Report, scopes: Mapping[str, Scope]) -> list[str]:
    """Report subgraphs that hold themselves; gives the others, each after those that it calls."""
    called = {name: [body for _, body in _calls(scope)] for name, scope in scopes.items() if name}
    order: list[str] = []
    state: dict[str, bool] = {}
    for first in called:
        chain = [first]
        while chain:
            name = chain[-1]
            state.setdefault(name, False)
            fresh = [body for body in called[name] if body not in state]
            if fresh:
                chain.append(fresh[0])
                continue
            chain.pop()
            if not state[name]:
                state[name] = True
                order.append(name)
    return order
