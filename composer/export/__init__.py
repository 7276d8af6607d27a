"""Exporting a model: a stand-alone Python file, ONNX, OpenVINO, torch.export's archive; each is compared."""

from dataclasses import dataclass
from pathlib import Path

import torch

from composer.export.compare import Comparison
from composer.export.exported import Exported, OnnxOptions, prepared
from composer.export.formats import FORMATS, OPTIONS
from composer.graph.file import atomic_write
from composer.model import Model
from composer.problems import GraphError, Problem, Where, suggestion
from composer.run.arguments import unknown_mode

__all__ = ["ExportReport", "OnnxOptions", "export"]


@dataclass(frozen=True)
class ExportReport:
    """What was exported.

    Args:
        path: The file.
        to: Its format: ``python``, ``onnx``, ``openvino`` or ``torch``.
        modes: The modes that are in it.
        difference: How far its outputs are from the model's: absolute where these are within -1 and 1, else relative
            to the largest of them. None where it was not compared.
        note: What is worth knowing about it.
    """

    path: Path
    to: str
    modes: tuple[str, ...]
    difference: float | None
    note: str


def export(
    model: Model,
    to: str,
    path: str | Path,
    *,
    mode: str = "tensor",
    verify: bool = True,
    batch: int = 2,
    onnx: OnnxOptions | None = None,
) -> ExportReport:
    """Write a model for use without composer.

    What was written is loaded again and compared with the model in evaluation mode, on random inputs. The file appears
    only when it agrees.

    Args:
        model: A compiled model; it is not changed.
        to: ``python`` for a stand-alone Python file with every mode and without weights; ``onnx``, ``openvino``
            (``.xml``, with the weights beside it in ``.bin``) or ``torch`` (torch.export's archive) for one mode with
            its weights.
        path: The file.
        mode: The mode that goes into an ONNX file or archive. Its inputs and outputs have the graph's names; a sequence
            of levels gives one output each (``features.0``).
        verify: Compare.
        batch: Images in the example, at least 2; the file takes any number.
        onnx: What an ONNX file, or one for OpenVINO, shall be like.

    Raises:
        ValueError: Options were given with a format that does not have them, or the name of a file for OpenVINO does
            not end in ``.xml``.
        GraphError: There is no such format or mode, the mode is not static, a library is missing, the file differs
            from the model, or it cannot be written.
    """
    if to not in FORMATS:
        text = f"found '{to}'; {suggestion(to, FORMATS, 'formats')}"
        raise GraphError(Problem("unknown-format", Where("export"), text))
    if mode not in model.code and to != "python":
        raise unknown_mode(model.graph, mode)
    options = onnx or OnnxOptions()
    known = OPTIONS.get(to, ())
    if foreign := [name for name in options.given if name not in known]:
        having = " and ".join(form for form, names in OPTIONS.items() if set(foreign) <= set(names))
        raise ValueError(f"found {', '.join(foreign)} with the format {to}, expected them with {having} alone")
    if to == "openvino" and Path(path).suffix != ".xml":
        raise ValueError(f"found the file {path}, expected a name that ends in .xml: its weights lie beside it in .bin")
    with torch.random.fork_rng(devices=[]):
        found = FORMATS[to](prepared(model), mode, verify, max(batch, 2), options)
    compared = found.compared
    if compared is not None and not compared.difference <= found.tolerance:
        raise GraphError(_differs(model, to, found, compared))
    try:
        for suffix, content in found.beside.items():
            atomic_write(Path(path).with_suffix(suffix), content)
        atomic_write(path, found.content)
    except OSError as error:
        text = f"writing failed: {error.strerror or error}"
        raise GraphError(Problem("cannot-write", Where(file=str(path)), text)) from None
    if compared is None:
        return ExportReport(Path(path), to, found.modes, None, found.note)
    return ExportReport(Path(path), to, found.modes, compared.difference, found.note + compared.note)


def _differs(model: Model, to: str, found: Exported, compared: Comparison) -> Problem:
    """An export that is not the model is never left behind."""
    text = (
        f"what was exported to {to} gives other numbers than the model: the largest difference is "
        f"{compared.difference:.3g}, allowed is {found.tolerance:.0e}; nothing was written"
    )
    return Problem("export-differs", Where(model.graph.name or "graph", mode=", ".join(found.modes)), text)
