"""Changes that a person makes to a graph: wiring, renaming, grouping, pasting. Nothing here knows the browser."""

from composer.edits.dispatch import apply
from composer.edits.draft import Applied

__all__ = ["Applied", "apply"]
