"""The calls that the browser makes, by name: plain data in, an envelope with a payload out."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from pydantic import BaseModel

from composer.graphfile import dumps
from composer.web.actions import Actions
from composer.web.envelopes import enveloped
from composer.web.file_actions import FileActions
from composer.web.payloads import OpenRequest, ReadRequest, SaveRequest, TextReply, TextRequest

__all__ = ["calls_of"]

Answer = Callable[[Any], BaseModel]


def calls_of(actions: Actions, files: FileActions) -> Mapping[str, Callable[[Any], dict[str, Any]]]:
    """Every call by its name; each answers in an envelope, whatever it is given.

    Args:
        actions: Answers about graphs.
        files: Answers about files.
    """

    def text(request: TextRequest) -> TextReply:
        return TextReply(text=dumps(actions.graph_of(request.document), actions.components()))

    answers: Mapping[str, Answer] = {
        "catalog": actions.catalog,
        "revision": actions.revision,
        "source": actions.source,
        "new": actions.new,
        "look": actions.look,
        "edit": actions.edit,
        "fits": actions.fits,
        "suggest": actions.suggest,
        "copy": actions.copy,
        "workspace": files.gallery,
        "open": _of(OpenRequest, files.open),
        "read": _of(ReadRequest, files.read),
        "save": _of(SaveRequest, files.save),
        "text": _of(TextRequest, text),
    }
    return {name: partial(enveloped, answer) for name, answer in answers.items()}


def _of(kind: type[BaseModel], answer: Callable[[Any], BaseModel]) -> Answer:
    """A call that takes its request as a model, for plain data."""
    return lambda payload: answer(kind.model_validate(payload))
