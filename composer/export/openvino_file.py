"""One mode for OpenVINO, and such a file run again. The package is an extra, so it is imported when it is needed."""

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from composer.export.exported import Exported, OnnxOptions, cause_of, compare_batches, failed, quiet
from composer.export.exported_model import ExportedModel, metadata, unread
from composer.export.trace import Traced, mode_arguments, trace
from composer.model import Model
from composer.problems import GraphError, Problem, Where

__all__ = ["OpenVinoModel", "to_openvino"]

_SECTION = "composer"
_TOLERANCE_OF_HALF = 2e-2


def to_openvino(model: Model, mode: str, verify: bool, batch: int, options: OnnxOptions) -> Exported:
    """OpenVINO's pair of files (``.xml`` and ``.bin``); it is run on the CPU with 32 bits.

    The ``.xml`` says what it is in the section ``composer`` of its ``rt_info``, as an ONNX file does in its metadata.

    Args:
        model: A model in evaluation mode, on the CPU.
        mode: The mode.
        verify: Run the files and compare.
        batch: Images in the example.
        options: ``batch`` and ``half`` (weights of 16 bits).

    Raises:
        GraphError: The package is missing, or the mode cannot be converted.
    """
    _package()
    batch = options.batch or batch
    traced = trace(model, mode, batch, fixed=options.batch is not None)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.xml")
        _write(model, traced, batch, path, half=options.half)
        compared = None
        if verify:
            run = _Compiled(path)
            compared = compare_batches(model, traced, batch, lambda given: run(given))
        content, weights = path.read_bytes(), path.with_suffix(".bin").read_bytes()
    note = traced.note if options.batch is None else f"{traced.note}: batches of {batch}"
    note += "; its weights lie beside it in the .bin file"
    beside = {".bin": weights}
    if options.half:
        return Exported(content, (mode,), compared, f"{note}, with 16 bits", _TOLERANCE_OF_HALF, beside)
    return Exported(content, (mode,), compared, note, beside=beside)


class OpenVinoModel(ExportedModel):
    """Files of ``to_openvino``, run as the model that they were made of.

    Args:
        path: The ``.xml`` file; its ``.bin`` lies beside it.

    Raises:
        GraphError: The package is missing, or the file cannot be read or does not come from composer.
    """

    def __init__(self, path: str | Path) -> None:
        _package()
        try:
            for one in (Path(path), Path(path).with_suffix(".bin")):
                one.open("rb").close()
            self._compiled = _Compiled(Path(path))
        except OSError as error:
            raise unread(error.filename or path, error) from None
        except (RuntimeError, ValueError) as error:
            text = f"this is no file that OpenVINO can run: {cause_of(error)}"
            raise GraphError(Problem("cannot-read", Where(str(path)), text)) from error
        super().__init__(path, self._compiled.entries, self._compiled.taken, "openvino")

    def compute(self, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Outputs by name."""
        return self._compiled(given)


class _Compiled:
    """A file, ready to run on the CPU with 32 bits.

    Args:
        path: The ``.xml`` file.

    Attributes:
        entries: What it says of itself.
        taken: Its inputs, each with the only size of its batch; None where it takes any.
    """

    def __init__(self, path: Path) -> None:
        core = _package().Core()
        model = core.read_model(path)
        self.entries = _entries(model)
        self.taken = {item.get_any_name(): _batch(item.get_partial_shape()) for item in model.inputs}
        self._outputs: Sequence[str] = json.loads(self.entries.get("outputs", "[]"))
        if self.entries and len(self._outputs) != len(model.outputs):
            raise ValueError(f"it has {len(model.outputs)} outputs and names {len(self._outputs)}")
        self._run = core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def __call__(self, given: Mapping[str, Any]) -> dict[str, Tensor]:
        found = self._run({name: given[name].numpy() for name in self.taken}, share_inputs=False)
        values = [torch.from_numpy(found[place].copy()) for place in range(len(self._run.outputs))]
        return dict(zip(self._outputs, values, strict=True))


def _write(model: Model, traced: Traced, batch: int, path: Path, *, half: bool) -> None:
    openvino = _package()
    try:
        from openvino.frontend import FrontEndManager  # noqa: PLC0415
        from openvino.frontend.pytorch.fx_decoder import TorchFXPythonDecoder  # noqa: PLC0415

        with quiet(), torch.no_grad():
            # convert_model does the same, and reports it to its makers over the network
            frontend = FrontEndManager().load_by_framework("pytorch")
            decoder = TorchFXPythonDecoder.from_exported_program(traced.program)
            converted = frontend.convert(frontend.load(decoder))
            given = mode_arguments(model, traced.mode, batch)
            for item, name in zip(converted.inputs, traced.inputs, strict=True):
                free = traced.dynamic[name]
                sizes = [-1 if axis in free else size for axis, size in enumerate(given[name].shape)]
                item.get_tensor().set_names({name})
                item.get_node().set_partial_shape(openvino.PartialShape(sizes))
            converted.validate_nodes_and_infer_types()
            entries = metadata(model.graph, traced.mode) | {"outputs": json.dumps(list(traced.outputs))}
            for key, value in entries.items():
                converted.set_rt_info(value, [_SECTION, key.removeprefix("composer.")])
            openvino.save_model(converted, path, compress_to_fp16=half)
    except Exception as error:
        text = f"this mode cannot be converted to OpenVINO: {cause_of(error)}"
        raise failed(model, traced.mode, text) from error


def _entries(model: Any) -> dict[str, str]:
    """What a file says of itself, under the names of ``metadata``."""
    found = {}
    for key in ("graph", "mode", "preprocess", "classes", "outputs"):
        if model.has_rt_info([_SECTION, key]):
            name = f"composer.{key}" if key in ("graph", "mode") else key
            found[name] = str(model.get_rt_info([_SECTION, key]).astype(str))
    return found


def _batch(shape: Any) -> int | None:
    return shape[0].get_length() if shape.rank.is_static and len(shape) and shape[0].is_static else None


def _package() -> Any:
    """The package.

    Raises:
        GraphError: It is missing.
    """
    try:
        import openvino  # noqa: PLC0415
    except ImportError:
        text = "openvino is missing: pip install 'graph-composer[openvino]'"
        raise GraphError(Problem("no-openvino", Where("export to openvino"), text)) from None
    return openvino
