"""``weights``: those of a checkpoint, or that timm, torchvision or transformers name, under the names of a graph."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from composer.catalog import Catalog
from composer.cli.options import Folders, LeaveOut, catalog_of, graph_of, stop_unless, target_file
from composer.cli.output import print_problems, print_text
from composer.graph import Graph, thaw
from composer.graph.file.document import edit, to_document
from composer.model import Model
from composer.model.compile import compile as compile_graph
from composer.model.hub import PREFIX, HubReport, HubWeights, load_timm, timm_nodes, timm_source, timm_state
from composer.model.hub_torchvision import TORCHVISION, torchvision_source, torchvision_state
from composer.model.hub_transformers import (
    TRANSFORMERS,
    TransformersCheckpoint,
    load_backbones,
    transformers_checkpoint,
)
from composer.model.weights import WeightsReport
from composer.openmmlab import CheckpointReport, load_state_dict
from composer.openmmlab.checkpoint import Checkpoint, read_checkpoint
from composer.openmmlab.twins import load_twin, torchvision_twin, transformers_twin
from composer.problems import Edit, GraphError, Problem, Where

__all__ = ["put_weights"]

_SHOWN = 10  # names of what is left out of a checkpoint
_OF_SIZES = ("resize", "crop", "crop_padding", "pad")
_LIBRARIES = (PREFIX, TORCHVISION, TRANSFORMERS)


@dataclass(frozen=True)
class _Chosen:
    """Weights that a library names.

    Args:
        facts: What is known of them before anything is done.
        load: Loads them into a model.
    """

    facts: HubWeights
    load: Callable[[Model], WeightsReport]


def put_weights(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A file of OpenMMLab, torchvision, timm or transformers, or the name of weights: timm/NAME.TAG, "
            "torchvision/NAME[.ENTRY], transformers/OWNER/NAME.",
        ),
    ],
    folders: Folders,
    graph: Annotated[Path, typer.Option(help="The graph that they are for.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The file to write; by default SOURCE's name here.", show_default=False),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            help="The file with the weights of that name, where there is no network; for transformers also a folder.",
            show_default=False,
        ),
    ] = None,
    preprocess: Annotated[
        bool,
        typer.Option("--preprocess", help="Let the graph read images as weights of timm or torchvision are evaluated."),
    ] = False,
    leave_out: LeaveOut = False,
) -> None:
    """Put the weights of a checkpoint under the names of a graph, and save both as one safetensors file.

    Torch files are read with weights_only=True: nothing in them is run. Where the checkpoint and the graph do not agree
    nothing is written, unless --leave-out says to go on: what the graph lacks is then left out, and what the checkpoint
    lacks keeps its initial values.

    A name of timm, torchvision or transformers stands for weights that are published. Their licence and place are shown
    first. They come from the cache of the Hugging Face hub or of torch.hub, or are fetched; no graph file fetches them.
    timm/NAME.TAG is for the nodes TIMMBackbone and TIMMClassifier, transformers/OWNER/NAME (of which safetensors files
    alone are read) for AutoBackbone. Both also go into a component that has the same network, and so does
    torchvision/NAME.ENTRY; without ENTRY the default weights are taken. Settings with which a node computes something
    else than what the weights are for are reported, and nothing is written.
    """
    library = next((prefix for prefix in _LIBRARIES if source.startswith(prefix)), None)
    if library is None or Path(source).exists():
        if file is not None or preprocess:
            option = "--preprocess" if file is None else "--file"
            raise typer.BadParameter(f"it goes with {PREFIX}NAME.TAG and the like, found {source}", param_hint=option)
        _put_checkpoint(Path(source), folders, graph, out, leave_out)
        return
    described, catalog = graph_of(graph), catalog_of(folders)
    chosen = _chosen(library, source, file, catalog)
    weights = chosen.facts
    print_text(str(weights), stderr=True)
    model = compile_graph(_prepared(described, weights, preprocess), catalog=catalog)
    report = chosen.load(model)
    print_text(_table(report) if isinstance(report, HubReport) else str(report))
    for setting, (mine, theirs) in report.otherwise.items():
        print_text(f"computes otherwise: {setting} is {_shown(mine)}, the weights are for {_shown(theirs)}")
    stop_unless(
        leave_out,
        ("entries of the nodes have no weights", "left as they were", len(report.missing)),
        ("entries have another shape", "left as they were", len(report.mismatched)),
        ("entries belong to layers that the nodes lack", "left out", len(_beyond(report))),
        ("settings are otherwise", "left as they are", len(report.otherwise)),
    )
    path = target_file(out, f"{weights.name.rpartition('/')[2]}.safetensors", graph)
    model.save(path)
    print_text(f"{path}: {len(report.matched)} of {len(model.state_dict())} entries are {weights.whole_name}'s")


def _chosen(library: str, source: str, file: Path | None, catalog: Catalog) -> _Chosen:
    """What a name stands for; what a library says of it is asked for, and no weights yet."""
    if library == TORCHVISION:
        twin = torchvision_twin(source)
        facts = torchvision_source(source, twin.component)
        return _Chosen(
            facts, lambda model: load_twin(model, twin, catalog, source, lambda: torchvision_state(facts, file))
        )
    if library == TRANSFORMERS:
        return _of_transformers(source, transformers_checkpoint(source, file), catalog)
    named = timm_source(source)

    def of_timm(model: Model) -> WeightsReport:
        own = timm_nodes(model, named.architecture)
        return load_timm(model, named, file) if own else _by_names(model, named, file)

    return _Chosen(named, of_timm)


def _of_transformers(source: str, checkpoint: TransformersCheckpoint, catalog: Catalog) -> _Chosen:
    """For its nodes AutoBackbone, else for a component that has the same network."""

    def load(model: Model) -> WeightsReport:
        found = load_backbones(model, checkpoint)
        if found is not None:
            return found
        twin = transformers_twin(source, checkpoint.config)
        return load_twin(model, twin, catalog, source, checkpoint.state)

    return _Chosen(checkpoint.facts, load)


def _beyond(report: WeightsReport) -> tuple[str, ...]:
    return report.beyond if isinstance(report, CheckpointReport) else ()


def _shown(value: Any) -> str:
    return json.dumps(thaw(value)).replace('"', "")


def _table(report: HubReport) -> str:
    lines = [report.table()]
    for name, (found, mine) in report.mismatched.items():
        lines.append(f"other shape: {name}: the weights have {list(found)}, the model {list(mine)}")
    if report.missing:
        lines.append(f"missing: {', '.join(report.missing)}")
    if report.unexpected:
        lines.append(f"left out, the nodes end before it: {', '.join(sorted(report.unexpected))}")
    return "\n".join(lines)


def _by_names(model: Model, weights: HubWeights, file: Path | None) -> CheckpointReport:
    """Load the weights into nodes of our own that have the same network, by the names that timm has for it."""
    report = load_state_dict(model, timm_state(weights, file))
    if not report.matched:
        others = sorted({str(model.node_params[path]["model_name"]) for path in timm_nodes(model)})
        has = f"its networks of timm are {', '.join(others)}" if others else "none of its nodes is that network"
        text = f"the graph has no {weights.architecture}: {has}"
        raise GraphError(Problem("weights-mismatch", Where(weights.whole_name), text))
    return report


def _prepared(graph: Graph, weights: HubWeights, wanted: bool) -> Graph:
    """The graph with the weights' steps for images, or, where nobody wants them, a word on what differs."""
    if weights.preprocess is None:
        if wanted:
            why = "pads around the image, which no step of preprocess does"
            if weights.library != PREFIX:
                why = "says nothing of images that preprocess has a step for; it goes with timm and torchvision"
            raise typer.BadParameter(f"{weights.name} {why}", param_hint="--preprocess")
        return graph
    steps = dict(weights.preprocess)
    changes = _changes(graph, weights, steps)
    if changes and wanted:
        return edit(graph, *changes)
    if changes:
        shown = json.dumps(steps).replace('"', "")
        text = f"input {changes[0].path[1]} does not read images as these weights were trained; they take {shown}"
        print_text(f"{text}: --preprocess writes it", stderr=True)
    return graph


def _changes(graph: Graph, weights: HubWeights, preprocess: dict[str, Any]) -> list[Edit]:
    """What to set at the graph's images so that they are read so; sizes stay where they differ."""
    found = []
    for name in _images(graph, weights):
        entry = graph.inputs[name]
        now: dict[str, Any] = to_document(graph)["inputs"][name].get("preprocess") or {}
        steps = preprocess
        if entry.shape is not None and list(entry.shape[2:]) != steps["crop"]:
            steps = {key: value for key, value in steps.items() if key not in _OF_SIZES}
            steps |= {key: value for key, value in now.items() if key in _OF_SIZES}
        if _complete(now) != _complete(steps):
            found.append(Edit(("inputs", name, "preprocess"), steps))
    return found


def _complete(steps: dict[str, Any]) -> dict[str, Any]:
    """Steps that can be compared: with what is the default, to a millionth of a level."""
    filled = {"channels": "rgb", "interpolation": "bilinear", "backend": "cv2", **thaw(steps)}
    return {
        key: [round(float(one), 3) for one in value] if key in ("mean", "std") and value is not None else value
        for key, value in filled.items()
    }


def _images(graph: Graph, weights: HubWeights) -> list[str]:
    """The inputs that go straight into nodes with this network."""
    nodes = [
        node
        for node in graph.nodes.values()
        if node.params.get("model_name") == weights.architecture
        or (weights.component and node.type == weights.component)
    ]
    refs = [ref for node in nodes for wire in node.inputs.values() for ref in wire.refs]
    return list(dict.fromkeys(ref.source for ref in refs if ref.source in graph.inputs))


def _put_checkpoint(checkpoint: Path, folders: Sequence[Path], graph: Path, out: Path | None, leave_out: bool) -> None:
    """Put the weights of a checkpoint under the names of a graph."""
    found = read_checkpoint(checkpoint)
    print_problems(_left_behind(found, checkpoint), stderr=True)
    model = compile_graph(graph_of(graph), catalog=catalog_of(folders))
    report = load_state_dict(model, found.tensors)
    print_text(str(report))
    if not report.matched:
        text = "no entry of the checkpoint fits the graph: is this the right file?"
        raise GraphError(Problem("weights-mismatch", Where(str(checkpoint)), text))
    parted = len(found.unknown) + len(found.no_tensors) + _open_entries(report)
    stop_unless(leave_out, ("entries do not agree", "left out", parted))
    path = target_file(out, f"{checkpoint.stem}.safetensors", checkpoint)
    model.save(path)
    print_text(f"{path}: {len(report.matched)} of {len(model.state_dict())} entries are the checkpoint's")


def _left_behind(found: Checkpoint, path: Path) -> list[Problem]:
    """What a checkpoint holds beside tensors. What training is known to leave in it is no reason to stop."""
    reports = [
        Problem("not-a-tensor", Where(f"{path} {name}"), f"this is {kind} and no tensor")
        for name, kind in found.no_tensors.items()
    ]
    reports += [
        Problem("unknown-object", Where(f"{path} {name}"), "objects of this name are not made, only tensors are read")
        for name in found.unknown
    ]
    if found.beside:
        text = f"left out, since it is no part of a model: {', '.join(found.beside[:_SHOWN])}"
        reports.append(Problem("beside-the-weights", Where(str(path)), text, severity="warning"))
    return reports


def _open_entries(report: CheckpointReport) -> int:
    """How many entries one of the two has and the other lacks; the count of batches seen is no weight."""
    missing = [name for name in report.missing if not name.endswith("num_batches_tracked")]
    return len(missing) + len(report.unexpected) + len(report.mismatched)
