"""The formats that a model is exported to: each gives the file's bytes and how far they are from the model."""

import copy
import io
import logging
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch
from torch import nn

from composer.exporting.comparing import difference, tensors_in
from composer.exporting.tracing import Traced, mode_arguments, trace
from composer.model import Model
from composer.problems import GraphError, Problem, Where
from composer.standalone import Standalone, standalone

__all__ = ["FORMATS", "Exported"]


@dataclass(frozen=True)
class Exported:
    """A file that is not written yet.

    Args:
        content: Its bytes.
        modes: The modes that are in it.
        difference: How far its outputs are from the model's; 0 where that was not looked at.
        note: What is worth knowing about it.
    """

    content: bytes
    modes: tuple[str, ...]
    difference: float
    note: str


def _to_python(model: Model, mode: str, verify: bool, batch: int) -> Exported:
    """A stand-alone Python file; every mode is compared."""
    written = standalone(model)
    needs = f"torch, {', '.join(written.packages)}" if written.packages else "torch"
    note = f"class {written.class_name}; needs {needs}"
    apart = _python_difference(model, written, batch) if verify else 0.0
    return Exported(written.text.encode(), model.graph.modes, apart, note)


def _to_torch(model: Model, mode: str, verify: bool, batch: int) -> Exported:
    """torch.export's archive; it is loaded again."""
    traced = trace(model, mode, batch)
    buffer = io.BytesIO()
    with _quiet():
        torch.export.save(traced.program, buffer)
    content = buffer.getvalue()
    apart = 0.0
    if verify:
        again = torch.export.load(io.BytesIO(content)).module()
        apart = _difference(model, mode, batch, traced.module, lambda given: again(**given))
    return Exported(content, (mode,), apart, _shapes_note(traced))


def _to_onnx(model: Model, mode: str, verify: bool, batch: int) -> Exported:
    """ONNX; it is run by onnxruntime."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # type: ignore[import-untyped]
        import onnxscript  # noqa: F401
    except ImportError as error:
        text = f"{error.name} is not installed: pip install 'graph-composer[onnx]'"
        raise GraphError(Problem("no-onnx", Where("export --to onnx"), text)) from None
    traced = trace(model, mode, batch)
    content = _onnx_bytes(model, mode, traced)
    apart = 0.0
    if verify:
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        expected_names = {item.name for item in session.get_inputs()}

        def run(given: Mapping[str, Any]) -> dict[str, Any]:
            feed = {name: value.numpy() for name, value in given.items() if name in expected_names}
            found = session.run(list(traced.outputs), feed)
            return {name: torch.from_numpy(value) for name, value in zip(traced.outputs, found, strict=True)}

        apart = _difference(model, mode, batch, traced.module, run)
    return Exported(content, (mode,), apart, _shapes_note(traced))


def _onnx_bytes(model: Model, mode: str, traced: Traced) -> bytes:
    where = Where(model.graph.name or "graph", mode=mode)
    try:
        with _quiet():
            program = torch.onnx.export(
                traced.program,
                (),
                kwargs=mode_arguments(model, mode, 2),
                input_names=list(traced.inputs),
                output_names=list(traced.outputs),
                dynamo=True,
                verbose=False,
            )
            assert program is not None
            return program.model_proto.SerializeToString()
    except Exception as error:
        lines = str(error).strip().splitlines() or [""]
        text = f"this mode cannot be written as ONNX: {type(error).__name__}: {lines[0][:300]}"
        raise GraphError(Problem("export-failed", where, text)) from error


def _python_difference(model: Model, written: Standalone, batch: int) -> float:
    """Import the text as a module of its own, and run every mode with the model's weights."""
    module = ModuleType("composer_exported")
    sys.modules[module.__name__] = module
    try:
        exec(compile(written.text, f"<{written.class_name}>", "exec"), module.__dict__)  # noqa: S102
        again: nn.Module = getattr(module, written.class_name)()
        dtype = next((tensor.dtype for tensor in model.parameters() if tensor.is_floating_point()), torch.float32)
        again.to(dtype).load_state_dict(model.state_dict())
    except Exception as error:
        text = f"the stand-alone file does not run: {type(error).__name__}: {error}"
        raise GraphError(Problem("export-failed", Where(model.graph.name or "graph"), text)) from error
    finally:
        del sys.modules[module.__name__]
    again.eval()
    apart = 0.0
    for mode in model.graph.modes:
        given = mode_arguments(model, mode, batch)
        one, other = (_run(lambda net=net: net(given, given, mode=mode)) for net in (model, again))
        apart = max(apart, difference(one, other))
    return apart


def _difference(
    model: Model, mode: str, batch: int, module: nn.Module, run: Callable[[Mapping[str, Any]], Any]
) -> float:
    """Over batches of the example's size, of one more, and of one."""
    apart = 0.0
    for size in dict.fromkeys((batch, batch + 1, 1)):
        given = mode_arguments(model, mode, size)
        expected, found = _run(lambda given=given: module(**given)), _run(lambda given=given: run(given))
        apart = max(apart, difference(dict(tensors_in(expected)), dict(tensors_in(found))))
    return apart


def _run(call: Callable[[], Any]) -> Any:
    """What a call gives, with the same random numbers each time."""
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return call()


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the notes that torch's exporter writes for its developers."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _shapes_note(traced: Traced) -> str:
    free = [name for name, axes in traced.dynamic.items() if axes]
    return f"takes {', '.join(traced.inputs)}; " + ("batch of any size" if free else "sizes are fixed")


def prepared(model: Model) -> Model:
    """A copy on the CPU in evaluation mode: an export never changes the model."""
    return copy.deepcopy(model).cpu().eval()


FORMATS: Mapping[str, Callable[[Model, str, bool, int], Exported]] = {
    "python": _to_python,
    "onnx": _to_onnx,
    "torch": _to_torch,
}
"""The formats by name."""
