"""``run``: a model's answers to images."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import torch
import typer

from composer.cli.gallery import gallery_images, rank_gallery, ranks_prototypes
from composer.cli.options import AsJson, File, Folders, Mode, WeightsFile, catalog_of, exit_code
from composer.cli.output import print_problems, print_text
from composer.cli.reply import Replies
from composer.cli.save import Saving
from composer.export.exported_model import ExportedModel
from composer.export.onnx_file import OnnxModel
from composer.export.openvino_file import OpenVinoModel
from composer.graph import Graph
from composer.graph.plan import Program, plan
from composer.model import Model
from composer.model.compile import load
from composer.ports import ImageShape
from composer.problems import GraphError, Problem, Where
from composer.run.arguments import unknown_mode
from composer.run.geometry import Frame
from composer.run.inputs import filled, framed, moved, takers

__all__ = ["device_of", "run_images"]

Runnable = Model | ExportedModel
_EXPORTED: Mapping[str, Callable[[Path], ExportedModel]] = {".onnx": OnnxModel, ".xml": OpenVinoModel}


def run_images(
    file: File,
    folders: Folders,
    more: Annotated[list[Path] | None, typer.Argument(metavar="IMAGE", help="More images.")] = None,
    images: Annotated[
        list[Path] | None, typer.Option("--input", metavar="IMAGE...", help="Images: --input a.png b.png.")
    ] = None,
    mode: Annotated[
        Mode | None,
        typer.Option(help="What to run; by default predict, or what the graph has instead.", show_default=False),
    ] = None,
    weights: WeightsFile = None,
    device: Annotated[
        str | None, typer.Option(help="Such as cpu or cuda:1; by default a GPU if there is one.", show_default=False)
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How many classes, boxes or matches an image gets; by default what is predicted, or the best.",
            show_default=False,
        ),
    ] = None,
    gallery: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FOLDER|IMAGE",
            help="Rank these images by their similarity to each input; may be repeated.",
            show_default=False,
        ),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Draw what was found (.png, .jpg, .webp, or a folder), or save the outputs (.npy, .safetensors).",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a graph on images: in predict mode its classes, boxes or ranking, else the sizes of its outputs.

    What a mode needs beside the image (a label in loss mode) is random, which is said.
    """
    paths = [*(images or []), *(more or [])]
    if not paths:
        raise typer.BadParameter("name at least one image", param_hint="--input")
    saving = _saving(save, paths, gallery, mode)
    compared = gallery_images(gallery or [])
    place = device_of(device)
    catalog = catalog_of(folders)
    if file.suffix.lower() in _EXPORTED:
        _run_exported(file, paths, mode, top, as_json, saving, given=(weights, gallery))
        return
    model = load(file, weights=weights, device=place, catalog=catalog).eval()
    mode = mode or _first(model.graph)
    if mode not in model.graph.modes and not gallery:
        raise unknown_mode(model.graph, mode)
    if model.weights_report is None:
        print_text(
            "note: no weights were loaded, so the numbers are those of a model that learned nothing", stderr=True
        )
    replies = Replies(model.graph, mode, top, as_json, saving, ranks_prototypes(model, catalog))
    if gallery:
        codes = rank_gallery(model, catalog, paths, compared, place, replies)
    else:
        codes = _answer(model, plan(model.graph, catalog).programs[mode], paths, place, replies)
    replies.finish()
    if any(codes):
        raise typer.Exit(max(codes))


def _run_exported(
    file: Path,
    paths: Sequence[Path],
    mode: str | None,
    top: int | None,
    as_json: bool,
    saving: Saving | None,
    given: tuple[Path | None, Sequence[Path] | None],
) -> None:
    """Run what ``composer export`` wrote for another runtime, on the CPU."""
    for option, value in zip(("--weights", "--gallery"), given, strict=True):
        if value:
            raise typer.BadParameter("an exported file holds its weights, and one mode of a graph", param_hint=option)
    model = _EXPORTED[file.suffix.lower()](file)
    if mode not in (None, model.mode):
        text = f"the file holds {model.mode} mode; export {mode} mode to run it"
        raise GraphError(Problem("bad-mode", Where(str(file), mode=mode), text))
    replies = Replies(model.graph, model.mode, top, as_json, saving)
    codes = _answer(model, model.program, paths, torch.device("cpu"), replies)
    replies.finish()
    if any(codes):
        raise typer.Exit(max(codes))


def _saving(save: Path | None, paths: Sequence[Path], gallery: Sequence[Path] | None, mode: str | None) -> Any:
    """Where answers go, or None; refuses options that do not go together."""
    if gallery and (save is not None or mode == "loss"):
        other = "--save" if save is not None else "--mode loss"
        raise typer.BadParameter(f"a gallery is ranked, which does not go with {other}", param_hint="--gallery")
    if save is None:
        return None
    saving = Saving(save, paths)
    saving.check()
    return saving


def _answer(
    model: Runnable, program: Program, paths: Sequence[Path], place: torch.device, replies: Replies
) -> list[int]:
    """Run a mode on each image; gives the exit codes."""
    _note_random(model, program)
    codes = []
    for path in paths:
        try:
            outputs, frame = _run(model, program, path, place)
            replies.add(path, outputs, frame)
        except GraphError as error:
            print_problems(error.problems, stderr=True)
            codes.append(exit_code(error.problems))
    return codes


def _first(graph: Graph) -> Any:
    """The mode that is run where nobody chose one."""
    return "predict" if "predict" in graph.modes or not graph.modes else graph.modes[0]


def device_of(name: str | None) -> torch.device:
    """The device that is asked for, or the GPU if there is one, or else the CPU."""
    if name is None:
        found = torch.accelerator.current_accelerator(check_available=True)
        return found if found is not None else torch.device("cpu")
    try:
        place = torch.device(name)
        torch.zeros(1, device=place).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        text = str(error).splitlines()[0]
        raise typer.BadParameter(f"'{name}' cannot be used: {text}", param_hint="--device") from None
    return place


def _run(model: Runnable, program: Program, path: Path, place: torch.device) -> tuple[dict[str, Any], Frame | None]:
    """What a mode gives for an image, and where that lies in its input; what else it needs are random numbers."""
    graph = model.graph
    images, frame = framed(graph, takers(graph, program.inputs, model.port_types), path)
    inputs, fields = filled(graph, program, images, model.port_types, frame=frame)
    with torch.inference_mode():
        outputs: dict[str, Any] = model(moved(inputs, place), moved(fields, place), mode=program.mode)
    return outputs, frame


def _image_shapes(model: Runnable, program: Program) -> list[str]:
    """The fields that say how much of an input its image fills."""
    fields = model.graph.data_samples
    return [name for name in program.data_samples if model.port_types.is_a(fields[name].type, ImageShape)]


def _note_random(model: Runnable, program: Program) -> None:
    """Say what is random beside the image."""
    images = takers(model.graph, program.inputs, model.port_types)
    if not images:
        text = f"{program.mode} mode takes no image; its inputs are {', '.join(program.inputs) or 'none'}"
        raise GraphError(Problem("which-input", Where("inputs", mode=program.mode), text))
    given = {*images, *_image_shapes(model, program)}
    made = [name for name in (*program.inputs, *program.data_samples) if name not in given]
    if made:
        print_text(f"note: {', '.join(made)}: random numbers (seed 0)", stderr=True)
