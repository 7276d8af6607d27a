"""``check``, ``fmt`` and ``diff``: graph files, without running anything."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from composer.catalog import Catalog
from composer.cli.options import AsJson, Files, Folders, catalog_of, exit_code, graph_of
from composer.cli.output import print_json, print_problems, print_text
from composer.edits.difference import diff
from composer.graph.file import dumps, read, write
from composer.problems import GraphError, Problem
from composer.rules.sizes import infer_shapes
from composer.run.images import unprepared

__all__ = ["check_files", "compare_files", "format_files"]


def check_files(files: Files, folders: Folders, as_json: AsJson = False) -> None:
    """Report everything that is wrong with graph files, sizes included. Warnings do not fail."""
    catalog = catalog_of(folders)
    found = {path: _problems_of(path, catalog) for path in files}
    if as_json:
        print_json(
            [
                {"file": str(path), "ok": not _errors(problems), "problems": [item.to_json() for item in problems]}
                for path, problems in found.items()
            ]
        )
    else:
        for path, problems in found.items():
            print_problems(problems)
            print_text(f"{path}: {_verdict(problems)}")
    code = max(exit_code(problems) for problems in found.values())
    if code:
        raise typer.Exit(code)


def format_files(
    files: Files,
    folders: Folders,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if a file is not in canonical form.")
    ] = False,
    drop_comments: Annotated[
        bool, typer.Option("--drop-comments", help="Also rewrite files with comments; the comments are lost.")
    ] = False,
) -> None:
    """Write graph files in canonical form: keys in a fixed order, defaults left out. A file is replaced at once."""
    catalog = catalog_of(folders)
    codes = [_format(path, catalog, check=check, drop_comments=drop_comments) for path in files]
    if any(codes):
        raise typer.Exit(max(codes))


def compare_files(
    a: Annotated[Path, typer.Argument(metavar="A", help="A graph file.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Another one.")],
    folders: Folders,
    as_json: AsJson = False,
) -> None:
    """Report what changed in meaning from A to B: nodes, parameters, wires, sizes. Layout and defaults do not count."""
    difference = diff(graph_of(a), graph_of(b), catalog_of(folders))
    if as_json:
        print_json(difference.to_json())
    else:
        print_text(str(difference))
    if difference:
        raise typer.Exit(1)


def _problems_of(path: Path, catalog: Catalog) -> Sequence[Problem]:
    try:
        graph = graph_of(path)
        problems = infer_shapes(graph, catalog).problems
        return problems if _errors(problems) else [*problems, *unprepared(graph, catalog.port_types)]
    except GraphError as error:
        return error.problems


def _errors(problems: Sequence[Problem]) -> int:
    return sum(problem.severity == "error" for problem in problems)


def _verdict(problems: Sequence[Problem]) -> str:
    errors = _errors(problems)
    parts = [f"{errors} problem{'s' * (errors != 1)}" if errors else "ok"]
    for severity in ("warning", "notice"):
        count = sum(problem.severity == severity for problem in problems)
        parts += [f"{count} {severity}{'s' * (count != 1)}"] if count else []
    return ", ".join(parts)


def _format(path: Path, catalog: Catalog, *, check: bool, drop_comments: bool) -> int:
    """Bring one file into canonical form; the exit code."""
    try:
        graph = read(path)
        text, canonical = path.read_bytes().decode(), dumps(graph, catalog)
    except GraphError as error:
        print_problems(error.problems, stderr=True)
        return exit_code(error.problems)
    if text == canonical:
        return 0
    if check:
        print_text(f"{path}: not in canonical form")
        return 1
    if text.count("#") > canonical.count("#") and not drop_comments:
        print_text(f"{path}: left as it is, its comments would be lost; --drop-comments goes on", stderr=True)
        return 1
    write(graph, path, catalog)
    print_text(f"{path}: rewritten")
    return 0
