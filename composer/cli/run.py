"""``run``: a model's answers to pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from torch import Tensor

from composer.answers import Answer, named
from composer.assembly import load
from composer.calling import unknown_mode
from composer.cli.options import AsJson, File, Folders, Mode, WeightsFile, catalog_of, exit_code
from composer.cli.output import print_json, print_problems, print_text
from composer.feeding import filled, framed, in_image, takers
from composer.graph import Graph
from composer.model import Model
from composer.plan import Program, plan
from composer.problems import GraphError, Problem, Where

__all__ = ["device_of", "run_images"]


def run_images(
    file: File,
    folders: Folders,
    more: Annotated[list[Path] | None, typer.Argument(metavar="IMAGE", help="More pictures.")] = None,
    images: Annotated[
        list[Path] | None, typer.Option("--input", metavar="IMAGE...", help="Pictures: --input a.png b.png.")
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
        typer.Option(min=1, help="How many classes a picture gets; by default what is predicted.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a graph on pictures: in predict mode its answers by name, one picture a line, else the outputs' sizes.

    What a mode needs beside the picture (a label in loss mode) is random, which is said.
    """
    pictures = [*(images or []), *(more or [])]
    if not pictures:
        raise typer.BadParameter("name at least one picture", param_hint="--input")
    place = device_of(device)
    catalog = catalog_of(folders)
    model = load(file, weights=weights, device=place, catalog=catalog).eval()
    mode = mode or _first(model.graph)
    if mode not in model.graph.modes:
        raise unknown_mode(model.graph, mode)
    if model.weights_report is None:
        print_text(
            "note: no weights were loaded, so the numbers are those of a model that learned nothing", stderr=True
        )
    program = plan(model.graph, catalog).programs[mode]
    _note_random(model.graph, program)
    answered: list[dict[str, Any]] = []
    codes = [0]
    for picture in pictures:
        try:
            outputs = _run(model, program, picture, mode, place)
        except GraphError as error:
            print_problems(error.problems, stderr=True)
            codes.append(exit_code(error.problems))
            continue
        answers = named(model.graph, outputs, top)[:1] if mode == "predict" else []
        if as_json:
            answered.append({"image": str(picture), **_outputs_json(answers, outputs)})
        else:
            print_text(f"{picture}  {_answers_text(answers, outputs)}")
    if as_json:
        print_json(answered)
    if any(codes):
        raise typer.Exit(max(codes))


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


def _run(model: Model, program: Program, picture: Path, mode: str, place: torch.device) -> dict[str, Any]:
    """What a mode gives for a picture; what else it needs are random numbers."""
    graph = model.graph
    pictures, frame = framed(graph, takers(graph, program.inputs), picture)
    inputs, fields = filled(graph, program, pictures, frame=frame)
    with torch.inference_mode():
        outputs: dict[str, Any] = model(_moved(inputs, place), _moved(fields, place), mode=mode)
    return in_image(outputs, frame) if mode == "predict" else outputs


def _moved(values: Mapping[str, Any], place: torch.device) -> dict[str, Any]:
    return {
        name: value.to(place) if isinstance(value, Tensor) else [item.to(place) for item in value]
        for name, value in values.items()
    }


def _note_random(graph: Graph, program: Program) -> None:
    """Say what is random beside the picture."""
    pictures = takers(graph, program.inputs)
    if not pictures:
        text = f"{program.mode} mode takes no picture; its inputs are {', '.join(program.inputs) or 'none'}"
        raise GraphError(Problem("which-input", Where("inputs", mode=program.mode), text))
    made = [name for name in (*program.inputs, *program.data_samples) if name not in pictures]
    if made:
        print_text(f"note: {', '.join(made)}: random numbers (seed 0)", stderr=True)


def _answers_text(answers: Sequence[Sequence[Answer]], outputs: Mapping[str, Any]) -> str:
    if not answers:
        return "  ".join(f"{name} {_value_text(value)}" for name, value in outputs.items())
    if not answers[0]:
        return "nothing"
    return "  ".join(f"{answer.name}{_score_text(answer.score)}" for answer in answers[0])


def _score_text(score: float | None) -> str:
    if score is None:
        return ""
    return f" {score:.3f}" if score == 0 or abs(score) >= 0.001 else f" {score:.1e}"


def _value_text(value: Any) -> str:
    """A scalar's number; of anything larger the sizes."""
    if isinstance(value, Tensor):
        return f"{value.item():.6g}" if value.ndim == 0 else f"[{', '.join(map(str, value.shape))}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} {_value_text(item)}" for key, item in value.items()) + "}"
    return "(" + ", ".join(map(_value_text, value)) + ")" if isinstance(value, list | tuple) else str(value)


def _outputs_json(answers: Sequence[Sequence[Answer]], outputs: Mapping[str, Any]) -> dict[str, Any]:
    if answers:
        return {"answers": [answer.to_json() for answer in answers[0]]}
    return {"outputs": {name: _value_json(value) for name, value in outputs.items()}}


def _value_json(value: Any) -> Any:
    if isinstance(value, Tensor):
        data = {"shape": list(value.shape), "dtype": str(value.dtype).removeprefix("torch.")}
        return data | ({"value": value.item()} if value.ndim == 0 else {})
    if isinstance(value, Mapping):
        return {key: _value_json(item) for key, item in value.items()}
    return [_value_json(item) for item in value] if isinstance(value, list | tuple) else value
