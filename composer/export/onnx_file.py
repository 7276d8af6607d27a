"""One mode as ONNX, and such a file run again. The packages are an extra, so they are imported when they are needed."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from composer.export.exported import Exported, OnnxOptions, cause_of, compare_batches, failed, quiet
from composer.export.exported_model import ExportedModel, metadata, unread
from composer.export.trace import Traced, mode_arguments, trace
from composer.model import Model
from composer.problems import GraphError, Problem, Where

__all__ = ["OnnxModel", "to_onnx"]

_ERRORS_ONLY = 3
_OPSETS = (18, 23)
"""What torch's exporter and onnxruntime both know."""
_TOLERANCE_OF_HALF = 2e-2


def to_onnx(model: Model, mode: str, verify: bool, batch: int, options: OnnxOptions) -> Exported:
    """ONNX in one file; it is run by onnxruntime.

    The file says what it is (``metadata_props``): ``composer.graph`` and ``composer.mode``, so that ``OnnxModel`` can
    run it, and for other programs ``classes`` and ``preprocess`` as JSON.

    Args:
        model: A model in evaluation mode, on the CPU.
        mode: The mode.
        verify: Run the file and compare.
        batch: Images in the example.
        options: What the file shall be like.

    Raises:
        GraphError: The packages are missing, or the mode cannot be written as ONNX.
    """
    translations = _translations()
    if options.opset is not None and not _OPSETS[0] <= options.opset <= _OPSETS[1]:
        text = f"found opset {options.opset}, expected one from {_OPSETS[0]} to {_OPSETS[1]}"
        raise failed(model, mode, text)
    batch = options.batch or batch
    traced = trace(model, mode, batch, fixed=options.batch is not None)
    content = _content(model, traced, batch, translations, options)
    compared = compare_batches(model, traced, batch, _again(content, traced)) if verify else None
    note = traced.note if options.batch is None else f"{traced.note}: batches of {batch}"
    if options.half:
        return Exported(content, (mode,), compared, f"{note}; 16 bits inside", _TOLERANCE_OF_HALF)
    return Exported(content, (mode,), compared, note)


class OnnxModel(ExportedModel):
    """An ONNX file of ``to_onnx``, run as the model that it was made of.

    Args:
        path: The file.

    Raises:
        GraphError: The packages are missing, or the file cannot be read or does not come from composer.
    """

    def __init__(self, path: str | Path) -> None:
        _translations()
        try:
            self._session = _opened(Path(path).read_bytes())
        except OSError as error:
            raise unread(path, error) from None
        except Exception as error:  # onnxruntime raises kinds of its own
            text = f"this is no ONNX file that onnxruntime can run: {cause_of(error)}"
            raise GraphError(Problem("cannot-read", Where(str(path)), text)) from error
        taken = {item.name: (item.shape or [None])[0] for item in self._session.get_inputs()}
        super().__init__(path, self._session.get_modelmeta().custom_metadata_map, taken, "onnx")

    def compute(self, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Outputs by name."""
        return _run(self._session, [item.name for item in self._session.get_outputs()], given)


def _content(
    model: Model,
    traced: Traced,
    batch: int,
    translations: Mapping[Callable[..., Any], Any],
    options: OnnxOptions,
) -> bytes:
    try:
        with quiet():
            program = torch.onnx.export(
                traced.program,
                (),
                kwargs=mode_arguments(model, traced.mode, batch),
                input_names=list(traced.inputs),
                output_names=list(traced.outputs),
                custom_translation_table=dict(translations),
                opset_version=options.opset,
                dynamo=True,
                verbose=False,
            )
            assert program is not None
            proto: Any = program.model_proto
            if options.half:
                from onnxruntime.transformers.float16 import (  # type: ignore[import-untyped]  # noqa: PLC0415
                    convert_float_to_float16,
                )

                proto = convert_float_to_float16(proto, keep_io_types=True)
    except Exception as error:
        text = f"this mode cannot be written as ONNX: {cause_of(error)}"
        raise failed(model, traced.mode, text) from error
    written = next((item.version for item in proto.opset_import if item.domain in ("", "ai.onnx")), None)
    if options.opset not in (None, written):
        text = f"this mode cannot be written in opset {options.opset}: the exporter gave {written}"
        raise failed(model, traced.mode, text)
    for name, value in metadata(model.graph, traced.mode).items():
        entry = proto.metadata_props.add()
        entry.key, entry.value = name, value
    return cast(bytes, proto.SerializeToString())


def _opened(content: bytes) -> Any:
    import onnxruntime  # type: ignore[import-untyped]  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _run(session: Any, outputs: Sequence[str], given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    taken = {item.name for item in session.get_inputs()}
    found = session.run(list(outputs), {name: value.numpy() for name, value in given.items() if name in taken})
    return {name: torch.from_numpy(value) for name, value in zip(outputs, found, strict=True)}


def _again(content: bytes, traced: Traced) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    session = _opened(content)
    return lambda given: _run(session, traced.outputs, given)


def _translations() -> Mapping[Callable[..., Any], Any]:
    """Operators that torch's exporter does not know yet.

    Raises:
        GraphError: The packages are missing.
    """
    try:
        import onnxruntime  # noqa: F401, PLC0415
        from onnxscript import opset18  # noqa: PLC0415
    except ImportError:
        text = "onnxruntime, onnxscript or onnx is missing: pip install 'graph-composer[onnx]'"
        raise GraphError(Problem("no-onnx", Where("export to onnx"), text)) from None

    op: Any = opset18

    def stable_sort(self: Any, *, stable: bool | None = None, dim: int = -1, descending: bool = False) -> Any:
        """TopK of all; it keeps equal ones in their order."""
        count = op.Gather(op.Shape(self), op.Constant(value_ints=[dim]))
        return op.TopK(self, count, axis=dim, largest=descending, sorted=True)

    return {torch.ops.aten.sort.stable: stable_sort}
