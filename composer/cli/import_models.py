"""``import``: a config of OpenMMLab or a ``.pt2`` file as a graph; also ``export --to openmmlab``."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from composer.catalog import Catalog
from composer.cli.options import Folders, LeaveOut, catalog_of, graph_of, stop_unless, target_file
from composer.cli.output import print_problems, print_text
from composer.cli.training_input import is_recipe, training_of
from composer.graph import Graph
from composer.graph.file import dumps, loads, write
from composer.graph.file.document import edit
from composer.modules import from_pt2
from composer.modules.blocks import identifier
from composer.openmmlab import (
    ImportedGraph,
    import_config,
    whole_config_from_graph,
)
from composer.openmmlab.config_file import read_config
from composer.openmmlab.config_text import write_config
from composer.openmmlab.names import package_in_parts, package_of
from composer.openmmlab.notes import CANNOT_BUILD
from composer.openmmlab.recipes import ImportedRecipe, config_from_recipe, has_training, import_recipe
from composer.problems import Edit, GraphError, Problem, Where
from composer.rules import check
from composer.rules.sizes import infer_shapes
from composer.training.recipe import write_recipe

__all__ = ["export_config", "import_model"]


def import_model(
    config: Annotated[
        Path, typer.Argument(metavar="CONFIG", help="A .py, .json or .yaml config of OpenMMLab, or a .pt2 file.")
    ],
    folders: Folders,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The graph file to write; by default CONFIG's name here.", show_default=False),
    ] = None,
    package: Annotated[
        str | None,
        typer.Option(help="mmpretrain, mmselfsup or mmdet, where the config does not say it.", show_default=False),
    ] = None,
    leave_out: LeaveOut = False,
    configs: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PACKAGE=FOLDER",
            help="Where the configs of a package lie, for bases such as mmcls::_base_/x.py; may be repeated.",
            show_default=False,
        ),
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(
            help="The recipe to write; by default NAME.recipe.yaml beside the graph NAME.yaml.", show_default=False
        ),
    ] = None,
    no_recipe: Annotated[bool, typer.Option("--no-recipe", help="Write the graph alone.")] = False,
    gpus: Annotated[
        int | None,
        typer.Option(min=1, help="GPUs that the config is for, where it does not say it.", show_default=False),
    ] = None,
) -> None:
    """Turn a config of OpenMMLab into a graph, and its training into a recipe. It is read as data and never run.

    A .pt2 file of torch.export.save becomes a graph with its weights, which are written beside it, or with it into one
    file where --out ends in .safetensors. It is read as JSON and bytes: nothing in it is unpickled. The graph is
    compared with the program of the file before anything is written.

    A part that the catalog lacks becomes a placeholder: it keeps its parameters and wires, and the graph cannot run
    before there is a component for it. Nodes that cannot be built, and sizes that do not fit, are reported. Where a
    setting is not understood, or the graph has another error, nothing is written, unless --leave-out says to go on:
    without such settings, and with the other errors in the graph.

    Where the config says how its model is trained, a recipe for composer train is written too. What a recipe does not
    hold is reported, setting by setting, and stops nothing.
    """
    if config.suffix == ".pt2":
        import_program(config, catalog_of(folders), out)
        return
    found = read_config(config, configs=_folders_by_package(configs or []))
    print_problems(found.notes, stderr=True)
    catalog = catalog_of(folders)
    package = package or found.package
    _report_guess(found.model, package)
    imported = import_config(found, package, catalog=catalog)
    training = (
        import_recipe(found, imported.graph, gpus=gpus, catalog=catalog)
        if has_training(found) and not no_recipe
        else None
    )
    imported = _without_training(imported, training)
    wrong = _beyond_placeholders(imported, catalog)
    unfit = _unfit(imported, catalog)
    print_problems((*imported.notes, *wrong, *unfit), stderr=True)
    settings = [item for item in wrong if item.where.parameter]
    channels = [item for item in wrong if item.code == "preprocess-channels"]  # the model can be built and trained
    ignored = len(imported.not_understood) + len(settings)
    stop_unless(
        leave_out,
        ("settings are not understood", "left out", ignored),
        ("errors in the graph", "still in it", len(wrong) - len(settings) - len(channels)),
    )
    path = target_file(out, f"{config.stem}.yaml", config)
    graph = _without(imported.graph, settings)
    loads(dumps(graph, catalog), str(path))  # refuses what could not be read again, before there is a file
    beside = _recipe_target(recipe, path, config, training)
    write(graph, path, catalog)
    print_text(f"{path}: {len(imported.graph.nodes)} nodes{_verdict(imported, unfit)}")
    if training is not None:
        print_problems(training.notes, stderr=True)
        write_recipe(training.recipe.model_copy(update={"graph": _from(beside, path)}), beside)
        print_text(f"{beside}: {_training_summary(training)}")


def import_program(file: Path, catalog: Catalog, out: Path | None) -> None:
    """Turn a .pt2 file into a graph with its weights, and say what became what."""
    path = target_file(out, f"{file.stem}.yaml", file)
    weights = path.with_suffix(".safetensors")
    if weights != path:
        target_file(weights if out is not None else None, weights.name, file)
    found = from_pt2(file, name=identifier(file.stem, attribute=False), catalog=catalog)
    print_text(str(found.report))
    found.save(path)
    several = "" if path == weights else f", weights in {weights}"
    held = len(found.report.placeholders)
    counted = f"; {held} placeholders: it cannot run yet" if held else ""
    print_text(f"{path}: {found.report.top} nodes on the top level{several}{counted}")


def export_config(file: Path, out: Path | None, catalog: Catalog) -> None:
    """Write a graph as a config of OpenMMLab, if it has such a shape; with the training of a recipe or a run."""
    training = training_of(file, catalog) if file.is_dir() or is_recipe(file) else None
    graph = graph_of(file) if training is None else training.model.graph
    whole = whole_config_from_graph(graph, catalog=catalog)
    config = whole.pop("model")
    path = target_file(out, f"{file.stem}.py", file)
    left: Sequence[str] = ()
    if training is not None:
        written = config_from_recipe(
            training.recipe,
            graph,
            config,
            package_of(config, None),
            test_pipeline=_test_pipeline(whole),
            per_epoch=training.per_epoch,
            catalog=catalog,
        )
        config, left = {**config, **written.model}, written.left
        whole |= written.settings
    write_config(config, path, whole)
    print_text(f"{path}: {config['type']}")
    if training is not None:
        print_text(f"trained on one GPU with batches of {training.recipe.batches.batch}, as the recipe says")
    for line in left:
        print_text(f"otherwise: {line}")


def _test_pipeline(whole: Mapping[str, Any]) -> Sequence[Any]:
    """How images are prepared in evaluation, as the config has it."""
    beside = whole.get("test_dataloader", {}).get("dataset", {}).get("pipeline")
    found: Sequence[Any] = whole.get("test_pipeline") or beside or ()
    return found


def _folders_by_package(written: Sequence[str]) -> dict[str, str]:
    """``mmcls=FOLDER`` as a mapping."""
    found = {}
    for one in written:
        package, separator, folder = one.partition("=")
        if not package or not separator or not Path(folder).is_dir():
            what = f"there is no folder {folder}" if package and folder else "expected PACKAGE=FOLDER"
            raise GraphError(Problem("no-folder", Where(f"--configs {one}"), what))
        found[package] = folder
    return found


def _report_guess(model: Mapping[str, Any], package: str | None) -> None:
    """Say which package the numbers are read as, where only its parts show it."""
    guess = package_in_parts(model) if package is None else None
    if guess:
        print_text(f"read as a config of {guess}, judging by its parts; --package says another one", stderr=True)


def _beyond_placeholders(imported: ImportedGraph, catalog: Catalog) -> list[Problem]:
    """What is wrong with the graph beside the types that the catalog lacks."""

    def lacked(item: Problem) -> bool:
        return item.code == "unknown-type" and item.where.node in imported.placeholders

    return [item for item in check(imported.graph, catalog) if item.severity == "error" and not lacked(item)]


def _unfit(imported: ImportedGraph, catalog: Catalog) -> list[Problem]:
    """What shows only when the nodes are built and sizes flow: what cannot be built, and sizes that do not fit."""
    known = {(item.code, item.where.node) for item in (*imported.notes, *check(imported.graph, catalog))}
    found: dict[tuple[str, str, str], Problem] = {}
    for item in infer_shapes(imported.graph, catalog).problems:
        if item.severity == "error" and (item.code, item.where.node) not in known:
            found.setdefault((item.code, item.where.subject, item.message), item)
    return list(found.values())


def _verdict(imported: ImportedGraph, unfit: Sequence[Problem]) -> str:
    """Why a graph that is written cannot run yet; empty where it can."""
    unbuilt = [item.where.node for item in (*imported.notes, *unfit) if item.code == CANNOT_BUILD]
    counts = {
        "{} of them placeholders": len(imported.placeholders),
        "{} cannot be built": len(unbuilt),
        "{} sizes do not fit": len(unfit) - sum(item.code == CANNOT_BUILD for item in unfit),
    }
    counted = ", ".join(text.format(count) for text, count in counts.items() if count)
    return f"; {counted}: it cannot run yet" if counted else ""


def _without(graph: Graph, settings: Sequence[Problem]) -> Graph:
    """A graph without the parameters that something is wrong with."""
    edits = []
    for where in (item.where for item in settings):
        scope = ("graphs", where.scope) if where.scope else ()
        edits.append(Edit((*scope, "nodes", str(where.node), "params", str(where.parameter)), remove=True))
    return edit(graph, *edits) if edits else graph


def _without_training(imported: ImportedGraph, training: ImportedRecipe | None) -> ImportedGraph:
    """What there is to report of the graph, without what the recipe holds after all."""
    if training is None:
        return imported
    return replace(imported, notes=tuple(item for item in imported.notes if item.where.subject not in training.covers))


def _recipe_target(named: Path | None, graph: Path, config: Path, training: ImportedRecipe | None) -> Path:
    """Where the recipe goes, if there is one."""
    path = named if named is not None else graph.with_name(f"{graph.stem}.recipe.yaml")
    if training is None:
        if named is not None:
            text = "the config says nothing of training (optim_wrapper, train_dataloader ...): there is no recipe in it"
            raise GraphError(Problem("cannot-write", Where(str(named)), text))
    elif path.exists() and (named is None or path.samefile(config)):
        text = "there is such a file: name another with --recipe, or write none with --no-recipe"
        raise GraphError(Problem("cannot-write", Where(str(path)), text))
    return path


def _from(recipe: Path, graph: Path) -> str:
    """The path of a graph, as a recipe names it."""
    return Path(os.path.relpath(graph.absolute(), recipe.absolute().parent)).as_posix()


def _training_summary(training: ImportedRecipe) -> str:
    left = sum(note.severity == "warning" for note in training.notes)
    text = f"{len(training.read)} settings of training"
    return f"{text}; {left} are not in it" if left else text
