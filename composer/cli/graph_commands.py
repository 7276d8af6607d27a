"""``check``, ``fmt`` and ``diff``: graph files, without running anything."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from composer.catalog import Catalog
from composer.cli.options import AsJson, File, Files, Folders, catalog_of, graph_of
from composer.cli.output import print_json, print_problems, print_text
from composer.difference import diff
from composer.graphfile import atomic_write, dumps
from composer.inference import infer_shapes
from composer.problems import GraphError, Problem
from composer.yamltext import comment_lines

__all__ = ["COMMANDS"]


def check_files(files: Files, folders: Folders, as_json: AsJson = False) -> None:
    """Tell everything that is wrong with graph files, sizes included. Warnings do not fail."""
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
    if any(problem.code == "no-file" for problems in found.values() for problem in problems):
        raise typer.Exit(2)
    if any(_errors(problems) for problems in found.values()):
        raise typer.Exit(1)


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
    """Tell what changed in meaning from A to B: nodes, parameters, wires, sizes. Layout and defaults do not count."""
    difference = diff(graph_of(a), graph_of(b), catalog_of(folders))
    if as_json:
        print_json(difference.to_json())
    else:
        print_text(str(difference))
    if difference:
        raise typer.Exit(1)


COMMANDS = {"check": check_files, "fmt": format_files, "diff": compare_files}


def _problems_of(path: Path, catalog: Catalog) -> Sequence[Problem]:
    try:
        return infer_shapes(graph_of(path), catalog).problems
    except GraphError as error:
        return error.problems


def _errors(problems: Sequence[Problem]) -> int:
    return sum(problem.severity == "error" for problem in problems)


def _verdict(problems: Sequence[Problem]) -> str:
    errors = _errors(problems)
    warnings = len(problems) - errors
    parts = [f"{errors} problem{'s' * (errors != 1)}" if errors else "ok"]
    parts += [f"{warnings} warning{'s' * (warnings != 1)}"] if warnings else []
    return ", ".join(parts)


def _format(path: Path, catalog: Catalog, *, check: bool, drop_comments: bool) -> int:
    """Bring one file into canonical form; the exit code."""
    try:
        canonical = dumps(graph_of(path), catalog)
    except GraphError as error:
        print_problems(error.problems, stderr=True)
        return 2 if any(problem.code == "no-file" for problem in error.problems) else 1
    text = path.read_bytes().decode()
    if text == canonical:
        return 0
    if check:
        print_text(f"{path}: not in canonical form")
        return 1
    comments = [] if drop_comments else comment_lines(text)
    if comments:
        lines = ", ".join(map(str, comments[:5])) + (" ..." if len(comments) > 5 else "")
        kept = f"{path}: left as it is, because its comments (line {lines}) would be lost; --drop-comments goes on"
        print_text(kept, stderr=True)
        return 1
    atomic_write(path, canonical.encode())
    print_text(f"{path}: rewritten")
    return 0
