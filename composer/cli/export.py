"""``export``: a model as a file that needs no composer."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from composer.catalog import Catalog
from composer.cli.import_models import export_config
from composer.cli.options import AsJson, File, Folders, Mode, WeightsFile, catalog_of
from composer.cli.output import print_json, print_text
from composer.cli.training_input import training_of
from composer.export import OnnxOptions, export
from composer.export.formats import OPTIONS
from composer.export.standalone import standalone_source
from composer.graph.file import atomic_write
from composer.model.compile import load
from composer.problems import GraphError, Problem, Where
from composer.training.lightning import lightning_left_out, lightning_source, with_lightning

__all__ = ["export_model"]

_SUFFIXES = {"python": ".py", "onnx": ".onnx", "openvino": ".xml", "torch": ".pt2"}


def export_model(
    file: File,
    folders: Folders,
    to: Annotated[
        Literal["python", "onnx", "openvino", "torch", "openmmlab", "lightning"],
        typer.Option(
            help="A stand-alone Python file with every mode; one mode with its weights; a config, with the training "
            "of a recipe or run; or a graph or recipe as a Lightning module."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The file to write; by default FILE's name here.", show_default=False),
    ] = None,
    mode: Annotated[Mode, typer.Option(help="The mode that goes into a file of one mode.")] = "tensor",
    weights: WeightsFile = None,
    opset: Annotated[
        int | None, typer.Option(min=1, help="ONNX: the version of its operators.", show_default=False)
    ] = None,
    half: Annotated[
        bool, typer.Option("--half", help="ONNX: weights and computations of 16 bits; OpenVINO: weights.")
    ] = False,
    batch: Annotated[
        int | None,
        typer.Option(min=1, help="ONNX, OpenVINO: the only batch it takes; by default any.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Export a model, load what was written again, and compare it with the model; a file that differs is not kept."""
    onnx = OnnxOptions(opset, half, batch)
    for option in onnx.given:
        having = [name for name, options in OPTIONS.items() if option in options]
        if to not in having:
            text = f"it goes with --to {' and '.join(having)}, found --to {to}"
            raise typer.BadParameter(text, param_hint=f"--{option}")
    if to == "openvino" and out is not None and out.suffix != ".xml":
        text = f"found {out}, expected a name that ends in .xml: its weights lie beside it in .bin"
        raise typer.BadParameter(text, param_hint="--out")
    if to == "openmmlab":
        export_config(file, out, catalog_of(folders))
        return
    if to == "lightning":
        _export_lightning(file, out, catalog_of(folders))
        return
    model = load(file, weights=weights, catalog=catalog_of(folders)).eval()
    if model.weights_report is None and to != "python":
        print_text("note: no weights were loaded, so the file holds those of a model that learned nothing", stderr=True)
    path = out if out is not None else Path(file.stem + _SUFFIXES[to])
    report = export(model, to, path, mode=mode, onnx=onnx)
    if as_json:
        print_json(
            {
                "path": str(report.path),
                "to": report.to,
                "modes": report.modes,
                "difference": report.difference,
                "note": report.note,
            }
        )
        return
    compared = "" if report.difference is None else f"; largest difference from the model: {report.difference:.2g}"
    print_text(f"{report.path}: {', '.join(report.modes)}{compared}")
    if report.note:
        print_text(report.note)


def _export_lightning(file: Path, out: Path | None, catalog: Catalog) -> None:
    """The model's own source, and below it a module that trains it."""
    training = training_of(file, catalog)
    recipe, model = training.recipe, training.model
    written = standalone_source(model)
    below = lightning_source(recipe, model, written.class_name)
    text = with_lightning(written.text, below)
    path = out if out is not None else Path(f"{file.stem}_lightning.py")
    try:
        atomic_write(path, text.encode())
    except OSError as error:
        found = f"writing failed: {error.strerror or error}"
        raise GraphError(Problem("cannot-write", Where(file=str(path)), found)) from None
    print_text(f"{path}: {written.class_name}Training, a module of Lightning around {written.class_name}")
    for line in lightning_left_out(recipe):
        print_text(f"left out: {line}")
    if training.per_epoch is None:
        print_text("note: the data is not here; lengths and learning rates are those for 10,000 samples")
