"""The calls that the browser makes, by name: plain data in, an envelope with a payload out."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from pydantic import BaseModel

from composer.export.layout import Box, Link, place_new
from composer.graph.file import dumps
from composer.web.actions import Actions
from composer.web.envelopes import enveloped
from composer.web.file_actions import FileActions
from composer.web.payloads import (
    ArrangeReply,
    ArrangeRequest,
    DeleteFileRequest,
    NewRequest,
    OpenReply,
    OpenRequest,
    ProposeRequest,
    ReadRequest,
    RenameFileRequest,
    RestoreFileRequest,
    SaveRequest,
    TextReply,
    TextRequest,
)
from composer.web.programs import Programs
from composer.web.runs import Passes
from composer.web.runs.payloads import MapRequest, PassRequest
from composer.web.training import Training

__all__ = ["calls_of"]

Answer = Callable[[Any], BaseModel]


def calls_of(
    actions: Actions, files: FileActions, training: Training, programs: Programs, passes: Passes
) -> Mapping[str, Callable[[Any], dict[str, Any]]]:
    """Every call by its name; each answers in an envelope, whatever it is given.

    Args:
        actions: Answers about graphs.
        files: Answers about files.
        training: Answers about trainings.
        programs: Answers about programs that come in.
        passes: Answers about the values of runs.
    """

    def text(request: TextRequest) -> TextReply:
        return TextReply(text=dumps(actions.graph_of(request.document), actions.components()))

    def new(request: NewRequest) -> OpenReply:
        return actions.new(NewRequest(name=request.name or files.workspace.fresh_title()))

    answers: Mapping[str, Answer] = {
        "catalog": actions.catalog,
        "revision": actions.revision,
        "source": actions.source,
        "choices": actions.choices,
        "new": _of(NewRequest, new),
        "look": actions.look,
        "edit": actions.edit,
        "fits": actions.fits,
        "suggest": actions.suggest,
        "drops": actions.drops,
        "replacements": actions.replacements,
        "insertions": actions.insertions,
        "copy": actions.copy,
        "arrange": _of(ArrangeRequest, _arranged),
        "workspace": files.gallery,
        "open": _of(OpenRequest, files.open),
        "read": _of(ReadRequest, files.read),
        "save": _of(SaveRequest, files.save),
        "propose_name": _of(ProposeRequest, files.propose),
        "rename_file": _of(RenameFileRequest, files.rename),
        "delete_file": _of(DeleteFileRequest, files.delete),
        "restore_file": _of(RestoreFileRequest, files.restore),
        "text": _of(TextRequest, text),
        "run_values": _of(PassRequest, passes.look),
        "run_map": _of(MapRequest, passes.draw),
        **{name: _of(kind, answer) for name, (kind, answer) in {**training.calls(), **programs.calls()}.items()},
    }
    return {name: partial(enveloped, answer) for name, answer in answers.items()}


def _arranged(request: ArrangeRequest) -> ArrangeReply:
    """Places for the boxes of a canvas that have none."""
    boxes = [Box(box.id, box.width, box.height, box.place, box.last) for box in request.boxes]
    links = [Link(wire.source, wire.target, wire.out_y, wire.in_y) for wire in request.wires]
    return ArrangeReply(places={id_: (float(x), float(y)) for id_, (x, y) in place_new(boxes, links).items()})


def _of(kind: type[BaseModel], answer: Callable[[Any], BaseModel]) -> Answer:
    """A call that takes its request as a model, for plain data."""
    return lambda payload: answer(kind.model_validate({} if payload is None else payload))
