"""One mode as ONNX. The packages for it are an extra, so they are imported when they are needed."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import torch

from composer.export.exported import Exported, cause_of, compare_batches, failed, quiet
from composer.export.trace import Traced, mode_arguments, trace
from composer.model import Model
from composer.problems import GraphError, Problem, Where

__all__ = ["to_onnx"]

_ERRORS_ONLY = 3


def to_onnx(model: Model, mode: str, verify: bool, batch: int) -> Exported:
    """ONNX in one file; it is run by onnxruntime.

    Args:
        model: A model in evaluation mode, on the CPU.
        mode: The mode.
        verify: Run the file and compare.
        batch: Images in the example.

    Raises:
        GraphError: The packages are missing, or the mode cannot be written as ONNX.
    """
    translations = _translations()
    traced = trace(model, mode, batch)
    content = _content(model, traced, batch, translations)
    compared = compare_batches(model, traced, batch, _session(content, traced)) if verify else None
    return Exported(content, (mode,), compared, traced.note)


def _content(model: Model, traced: Traced, batch: int, translations: Mapping[Callable[..., Any], Any]) -> bytes:
    try:
        with quiet():
            program = torch.onnx.export(
                traced.program,
                (),
                kwargs=mode_arguments(model, traced.mode, batch),
                input_names=list(traced.inputs),
                output_names=list(traced.outputs),
                custom_translation_table=dict(translations),
                dynamo=True,
                verbose=False,
            )
            assert program is not None
            return cast(bytes, program.model_proto.SerializeToString())
    except Exception as error:
        text = f"this mode cannot be written as ONNX: {cause_of(error)}"
        raise failed(model, traced.mode, text) from error


def _session(content: bytes, traced: Traced) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    import onnxruntime  # type: ignore[import-untyped]  # noqa: PLC0415

    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    taken = {item.name for item in session.get_inputs()}

    def again(given: Mapping[str, Any]) -> dict[str, Any]:
        feed = {name: value.numpy() for name, value in given.items() if name in taken}
        found = session.run(list(traced.outputs), feed)
        return {name: torch.from_numpy(value) for name, value in zip(traced.outputs, found, strict=True)}

    return again


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
