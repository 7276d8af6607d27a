"""From a ``.pt2`` file to a graph: its program is run on sizes alone, and what it calls is made a graph."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from composer.catalog import Catalog
from composer.modules.blocks import identifier
from composer.modules.imported import ImportedModule, imported
from composer.modules.proof import MismatchError, evaluated_alike
from composer.modules.pt2.archive import Archive, RefusedError, read_archive
from composer.modules.pt2.program import Program
from composer.modules.tape import Tape, TapeError, Varying, merged
from composer.problems import GraphError, Problem, Where

__all__ = ["from_pt2"]


def from_pt2(
    source: str | Path | bytes, *, name: str = "", title: str = "", catalog: Catalog | None = None
) -> ImportedModule:
    """Turn a file of ``torch.export.save`` into a graph, with its weights.

    The file is read as JSON and bytes: nothing in it is unpickled, imported or run but operations of a list of known
    ones. Layers are made of the modules that the file names for each operation, so the graph trains as the module did,
    but for what leaves no trace in a program: parts that act in training alone, in a program exported in evaluation.
    The graph is compared with the program in evaluation. A batch of a fixed size is made free where that agrees too.

    Args:
        source: The file, or its bytes.
        name: Name of the graph; by default that of the class.
        title: What reports and problems call the source.
        catalog: The components; by default those that come with composer.

    Raises:
        GraphError: The file is refused, or the graph is not the same function.
    """
    catalog = Catalog.default() if catalog is None else catalog
    label = title or ("the file" if isinstance(source, bytes) else str(source))
    archive = read_archive(source, label)
    try:
        program = Program(archive)
        tape = _recorded(program)
    except RefusedError as error:
        raise GraphError(Problem("cannot-import", Where(label), str(error))) from error
    found = _graph(program, archive, tape, name, label, catalog)
    if found.report.placeholders:
        return found
    try:
        return _proven(found, program, tape)
    except (MismatchError, GraphError) as error:
        if program.free or tape.batch is None:
            raise _not_the_same(label, error) from error
    tape = _fixed(program, "the graph is another function with another batch")
    found = _graph(program, archive, tape, name, label, catalog)
    try:
        return _proven(found, program, tape)
    except MismatchError as error:
        raise _not_the_same(label, error) from error


def _not_the_same(label: str, error: Exception) -> GraphError:
    if isinstance(error, GraphError):
        return error
    return GraphError(Problem("not-the-same", Where(label), f"the graph is not the same function: {error}"))


def _graph(program: Program, archive: Archive, tape: Tape, name: str, label: str, catalog: Catalog) -> ImportedModule:
    version = str(archive.program.get("torch_version", "?"))[:20]
    about = f"Imported from a program of {program.title[:60]}, exported by torch {version}."
    state: dict[str, Tensor] = {**archive.constants, **archive.tensors}
    title = name or identifier(program.title[:60], attribute=False)
    found = imported(tape, title, about, catalog, state, label)
    return replace(found, report=replace(found.report, lost=program.lost))


def _recorded(program: Program) -> Tape:
    """A recording in which what depends on the size of the batch is known, if it can be.

    Raises:
        RefusedError: The program cannot be run.
    """
    if program.batch is None:
        return _fixed(program, "the inputs have no first axis in common")
    size = program.batch
    first = program.run(program.example(size, "meta"))
    try:
        second = program.run(program.example(size + 1, "meta"), like=None if program.free else first.sizes)
        tape = merged(first.tape, second.tape, Varying(size, size + 1))
    except (RefusedError, TapeError) as error:
        return _fixed(program, str(error))
    if not program.free:
        tape.notes.append(f"the file fixes the batch to {size}: the graph takes any")
    return tape


def _fixed(program: Program, why: str) -> Tape:
    tape = program.run(program.example(program.batch or 1, "meta")).tape
    tape.notes.append(f"the batch is fixed to that of the file: {why}"[:300])
    return tape


def _proven(found: ImportedModule, program: Program, tape: Tape) -> ImportedModule:
    """The import with what the comparison found.

    Raises:
        MismatchError: The graph is not the same function.
    """
    model = found.model
    size = program.batch or 1
    names = list(found.graph.inputs)
    try:
        given = program.example(size, "cpu", seed=1)
        worst = evaluated_alike(model, program.run(given).outputs, _named(names, given), what="on random numbers")
        if tape.batch is not None:
            more = program.example(size + 1, "cpu", seed=2)
            if program.free:
                expected = program.run(more).outputs
            else:  # the file takes batches of one size: two of them that overlap
                if not all(item.ndim and len(item) % size == 0 for item in program.run(given).outputs.values()):
                    raise MismatchError("an output has no axis for the batch")
                parts = [program.run(_rows(more, start, size)).outputs for start in (0, 1)]
                expected = {
                    key: torch.cat([part[: len(part) // size], parts[1][key]]) for key, part in parts[0].items()
                }
            worst = max(worst, evaluated_alike(model, expected, _named(names, more), what="with another batch"))
    except RefusedError as error:
        raise MismatchError(str(error)) from error
    proven = replace(found, report=replace(found.report, evaluation=worst))
    proven.__dict__["model"] = model
    return proven


def _rows(inputs: dict[str, Tensor], start: int, size: int) -> dict[str, Tensor]:
    return {name: item[start : start + size] for name, item in inputs.items()}


def _named(names: list[str], inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    return dict(zip(names, inputs.values(), strict=True))
