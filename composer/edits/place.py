"""Where boxes stand, and comments: what never changes what a graph means."""

import math
from collections.abc import Sequence
from typing import Any

from composer.edits.draft import ScopeDraft, outputs_name
from composer.edits.names import refused
from composer.edits.operations import Comment, Place, RemoveComment
from composer.edits.values import plain
from composer.graph import MODES
from composer.graph.names import fresh

__all__ = ["comment", "place", "put_box", "remove_comment"]

_FURTHEST = 1e8
_LONGEST = 20_000


def put_box(draft: ScopeDraft, name: str, position: Sequence[float] | None) -> None:
    """Note where a box stands, in whole pixels.

    Raises:
        GraphError: That is nowhere.
    """
    if position is not None:
        draft.layout[name] = tuple(_whole(part) for part in position)


def place(draft: ScopeDraft, operation: Place) -> None:
    """Put boxes where they stand; names of boxes that are gone are passed over."""
    boxes = {*draft.names, *((outputs_name(None),) if draft.scope else (outputs_name(mode) for mode in MODES))}
    for name, position in operation.positions.items():
        if name in boxes:
            put_box(draft, name, position)


def comment(draft: ScopeDraft, operation: Comment) -> None:
    """Add a comment, or change one."""
    comments = draft.canvas.comments.setdefault(draft.scope, [])
    ids = [item["id"] for item in comments]
    if operation.id is not None and operation.id not in ids:
        raise refused("this comment is gone")
    if len(operation.text) > _LONGEST:
        raise refused(f"the comment has {len(operation.text):,} characters, at most {_LONGEST:,} are kept")
    found: dict[str, Any] = {
        "id": operation.id or fresh("comment_1", ids),
        "text": plain(operation.text, "comment"),
        "box": [_whole(part) for part in operation.box],
        "colour": operation.colour,
    }
    if operation.id is None:
        comments.append(found)
        draft.created.append(found["id"])
    else:
        comments[ids.index(operation.id)] |= found


def remove_comment(draft: ScopeDraft, operation: RemoveComment) -> None:
    """Remove a comment."""
    comments = draft.canvas.comments.get(draft.scope, [])
    draft.canvas.comments[draft.scope] = [item for item in comments if item["id"] != operation.id]


def _whole(value: float) -> int:
    if not math.isfinite(value) or abs(value) > _FURTHEST:
        raise refused(f"no box stands at {value}: expected a number of pixels")
    return round(value)
