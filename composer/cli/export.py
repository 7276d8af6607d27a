"""``export``: a model as a file that needs no composer."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from composer.cli.openmmlab_commands import export_config
from composer.cli.options import AsJson, File, Folders, Mode, WeightsFile, catalog_of
from composer.cli.output import print_json, print_text
from composer.export import export
from composer.model.compile import load

__all__ = ["export_model"]

_SUFFIXES = {"python": ".py", "onnx": ".onnx", "torch": ".pt2"}


def export_model(
    file: File,
    folders: Folders,
    to: Annotated[
        Literal["python", "onnx", "torch", "openmmlab"],
        typer.Option(help="A stand-alone Python file with every mode; one mode with its weights; or a config."),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The file to write; by default FILE's name here.", show_default=False),
    ] = None,
    mode: Annotated[Mode, typer.Option(help="The mode that goes into an ONNX file or archive.")] = "tensor",
    weights: WeightsFile = None,
    as_json: AsJson = False,
) -> None:
    """Export a model, load what was written again, and compare it with the model; a file that differs is not kept."""
    if to == "openmmlab":
        export_config(file, out, catalog_of(folders))
        return
    model = load(file, weights=weights, catalog=catalog_of(folders)).eval()
    if model.weights_report is None and to != "python":
        print_text("note: no weights were loaded, so the file holds those of a model that learned nothing", stderr=True)
    path = out if out is not None else Path(file.stem + _SUFFIXES[to])
    report = export(model, to, path, mode=mode)
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
