"""What composer knows of an algorithm of OpenMMLab."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from composer.openmmlab.draft import Draft
from composer.openmmlab.trace import Trace

__all__ = ["Algorithm"]


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A class of OpenMMLab that puts parts together, as a way to draw them and to read them off a graph.

    Args:
        settings: What its config has, beside what that of every model has.
        draw: Draws a config.
        write: Writes the config of a graph of this shape, without what every model has. It may take more for granted
            than it looks at: the config is drawn again and held against the graph.
    """

    settings: tuple[str, ...]
    draw: Callable[[Mapping[str, Any], Draft], None]
    write: Callable[[Trace], dict[str, Any]]
