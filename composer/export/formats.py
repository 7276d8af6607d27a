"""The formats that a model is exported to: each gives the file's bytes and how far they are from the model."""

import io
import sys
from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType

import torch
from torch import nn

from composer.export.compare import Comparison, compare_outputs
from composer.export.exported import Exported, OnnxOptions, cause_of, compare_batches, failed, quiet, run
from composer.export.onnx_file import to_onnx
from composer.export.openvino_file import to_openvino
from composer.export.standalone import Standalone, standalone_source
from composer.export.trace import mode_arguments, trace
from composer.model import Model

__all__ = ["FORMATS", "OPTIONS"]


def _to_python(model: Model, mode: str, verify: bool, batch: int, _: OnnxOptions) -> Exported:
    """A stand-alone Python file; every mode is compared."""
    written = standalone_source(model)
    needs = f"torch, {', '.join(written.packages)}" if written.packages else "torch"
    note = f"class {written.class_name}; needs {needs}"
    compared = _compare_python(model, written, batch) if verify else None
    return Exported(written.text.encode(), model.graph.modes, compared, note)


def _to_torch(model: Model, mode: str, verify: bool, batch: int, _: OnnxOptions) -> Exported:
    """torch.export's archive; it is loaded again."""
    traced = trace(model, mode, batch)
    buffer = io.BytesIO()
    with quiet():
        torch.export.save(traced.program, buffer)
    content = buffer.getvalue()
    compared = None
    if verify:
        again = torch.export.load(io.BytesIO(content)).module()
        compared = compare_batches(model, traced, batch, lambda given: again(**given))
    return Exported(content, (mode,), compared, traced.note)


def _compare_python(model: Model, written: Standalone, batch: int) -> Comparison:
    """Import the text as a module of its own, and run every mode with the model's weights."""
    module = ModuleType("composer_exported")
    sys.modules[module.__name__] = module
    try:
        exec(compile(written.text, f"<{written.class_name}>", "exec"), module.__dict__)  # noqa: S102
        again: nn.Module = getattr(module, written.class_name)()
        dtype = next((tensor.dtype for tensor in model.parameters() if tensor.is_floating_point()), torch.float32)
        again.to(dtype).load_state_dict(model.state_dict())
    except Exception as error:
        raise failed(model, None, f"the stand-alone file does not run: {cause_of(error)}") from error
    finally:
        del sys.modules[module.__name__]
    again.eval()
    compared = Comparison()
    for mode in model.graph.modes:
        given = mode_arguments(model, mode, batch)
        one, other = (run(partial(net, given, given, mode=mode)) for net in (model, again))
        compared |= compare_outputs(one, other)
    return compared


FORMATS: Mapping[str, Callable[[Model, str, bool, int, OnnxOptions], Exported]] = {
    "python": _to_python,
    "onnx": to_onnx,
    "openvino": to_openvino,
    "torch": _to_torch,
}
"""The formats by name."""

OPTIONS: Mapping[str, tuple[str, ...]] = {"onnx": ("opset", "half", "batch"), "openvino": ("half", "batch")}
"""What may be said of a format (``OnnxOptions``)."""
