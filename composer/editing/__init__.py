"""Changes that a person makes to a graph: wiring, renaming, grouping, pasting. Nothing here knows the browser."""

from composer.editing.applying import apply
from composer.editing.draft import Applied

__all__ = ["Applied", "apply"]
