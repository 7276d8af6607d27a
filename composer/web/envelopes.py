"""Answers in envelopes: a result, or why there is none. No traceback goes to a browser."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from composer.problems import GraphError, Problem
from composer.web.payloads import Failure
from composer.web.views import problem_view

__all__ = ["enveloped", "failure_of"]

_log = logging.getLogger(__name__)

_SHOWN = 20


def enveloped(call: Callable[[Any], BaseModel], payload: Any) -> dict[str, Any]:
    """Make a call and put what it gives into an envelope.

    Args:
        call: Takes the payload.
        payload: Whatever the browser sent.

    Returns:
        Plain data: ``ok``, and ``result`` or ``error``.
    """
    try:
        return {"ok": True, "result": call(payload).model_dump(mode="json"), "error": None}
    except Exception as error:  # noqa: BLE001 - whatever happens, the browser gets an answer
        return {"ok": False, "result": None, "error": failure_of(error).model_dump(mode="json")}


def failure_of(error: Exception) -> Failure:
    """The answer to an error; one that nobody expected is logged, and shown without its internals."""
    if isinstance(error, GraphError):
        return Failure(message=_text(error.problems), problems=[problem_view(item) for item in error.problems[:_SHOWN]])
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])[:100]
        return Failure(
            message=f"The request is not of the right form{f' at {where}' if where else ''}: {first['msg'][:200]}"
        )
    _log.error("a call failed", exc_info=error)
    return Failure(message="Something went wrong on the server; nothing was changed. Its log says more.")


def _text(problems: Sequence[Problem]) -> str:
    if not problems:
        return "It cannot be done."
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return problems[0].message + more
