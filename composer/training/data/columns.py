"""How the columns of a data set meet the inputs and data samples of a graph, and what does not fit.

All that can be known before the first image is read is reported here, at once, with its fix: a detector that is given a
folder of images, a head for other classes, a memory for another number of samples.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from composer import ports
from composer.catalog import Catalog
from composer.graph import FrozenDict, Graph, Input
from composer.graph.link import link
from composer.graph.plan import plan
from composer.ports import PortTypes
from composer.problems import Edit, Fix, GraphError, Problem, Where, suggestion
from composer.rules.class_names import class_count, parameter_path
from composer.rules.report import where_of
from composer.run.images import unprepared
from composer.training.clusters import cluster_problems
from composer.training.data.channels import channel_problems
from composer.training.data.samples import Source, is_unnamed, shown
from composer.training.label_fields import cluster_fields, is_map
from composer.training.recipe import Recipe

__all__ = ["ColumnMap", "Made", "check_wiring", "wiring"]

Kind = Literal["image_shape", "sample_index", "mask", "clusters"]

_REASONS: tuple[tuple[object, str], ...] = (
    (ports.Boxes, "boxes come with annotations of COCO, VOC or YOLO"),
    (ports.BoxLabels, "classes of boxes come with annotations of COCO, VOC or YOLO"),
    (ports.InstanceMasks, "masks of objects come with annotations of COCO, or with polygons of YOLO"),
    (ports.Label, "labels come with one folder a class, or with a column of a CSV file"),
    (ports.Target, "numbers come with a column of a CSV file: 'columns: {target: NAME}'"),
)


@dataclass(frozen=True, slots=True)
class Made:
    """A value that no column has, but that is made for each sample.

    Args:
        kind: ``image_shape``, ``sample_index``, ``mask`` (drawn, for masked image modelling) or ``clusters`` (labels
            that a clustering gives before an epoch).
    """

    kind: Kind


@dataclass(frozen=True)
class ColumnMap:
    """What feeds the inputs and data samples of a graph.

    Args:
        inputs: The column of each input that has one.
        samples: The column of each field of the data samples that has one.
        made: How the others are made, by name.
        notices: What is worth a look and stops nothing.
    """

    inputs: Mapping[str, str]
    samples: Mapping[str, str]
    made: Mapping[str, Made] = field(default_factory=dict)
    notices: tuple[Problem, ...] = ()

    @property
    def clustered(self) -> tuple[str, ...]:
        """The fields that hold clusters."""
        return tuple(name for name, made in self.made.items() if made.kind == "clusters")


def wiring(graph: Graph, catalog: Catalog, recipe: Recipe, source: Source, *, training: bool = True) -> ColumnMap:
    """Match the columns of a source with what a graph takes, by port type and by ``data.columns``.

    Args:
        graph: A graph without errors.
        catalog: Its catalog.
        recipe: The recipe.
        source: The samples.
        training: Whether these are the samples that are trained on: a memory holds one entry for each of them.

    Raises:
        GraphError: Something does not fit; carries all of it, with fixes of the graph's document.
    """
    found, problems = check_wiring(graph, catalog, recipe, source, training=training)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise GraphError(errors)
    return found


def check_wiring(
    graph: Graph, catalog: Catalog, recipe: Recipe, source: Source, *, training: bool = True
) -> tuple[ColumnMap, list[Problem]]:
    """As ``wiring``, but what does not fit is given back, warnings and notices too.

    Args:
        graph: A graph without errors.
        catalog: Its catalog.
        recipe: The recipe.
        source: The samples.
        training: Whether these are the samples that are trained on.
    """
    matched = _Matched(graph, catalog.port_types, recipe, source)
    problems = list(matched.match(_used(graph, catalog)))
    problems += _unprepared(graph, catalog.port_types, matched.inputs)
    problems += channel_problems(graph, source, matched.inputs)
    typed = {name: source.columns[column] for name, column in matched.samples.items()}
    if any(catalog.port_types.is_a(kind, ports.Label, ports.BoxLabels) for kind in typed.values()):
        problems += _classes(graph, catalog, source)
    if training:
        problems += _memories(graph, catalog, len(source))
        problems += cluster_problems(graph, catalog, matched.clustered, len(source))
    notices = tuple(problem for problem in problems if problem.severity != "error")
    return ColumnMap(matched.inputs, matched.samples, matched.made, notices), problems


def _used(graph: Graph, catalog: Catalog) -> set[str]:
    """The inputs and fields that some mode reads: those of loss mode, or of all where there is none."""
    programs = plan(graph, catalog).programs
    modes = [programs["loss"]] if "loss" in programs else list(programs.values())
    return {name for program in modes for name in (*program.inputs, *program.data_samples)}


class _Matched:
    """Columns by what they feed, as far as they are found."""

    def __init__(self, graph: Graph, types: PortTypes, recipe: Recipe, source: Source) -> None:
        self.graph = graph
        self.types = types
        self.chosen = recipe.data.columns
        self.columns = source.columns
        self.inputs: dict[str, str] = {}
        self.samples: dict[str, str] = {}
        self.made: dict[str, Made] = {}
        self.clustered = cluster_fields(graph, types, self.chosen)

    def match(self, used: set[str]) -> Iterator[Problem]:
        """Find a column for all that is used, and for what else has one."""
        known = {**self.graph.inputs, **self.graph.data_samples}
        for name in self.chosen:
            if name not in known:
                text = f"the graph has no input or field '{name}'; {suggestion(name, known, 'names')}"
                yield Problem("recipe-value", _column_place(name), text)
        for section, entries, found in (
            ("inputs", self.graph.inputs, self.inputs),
            ("data_samples", self.graph.data_samples, self.samples),
        ):
            for name, entry in entries.items():
                made = None if name in self.chosen else self._made(name, entry)
                if made is not None:
                    self.made[name] = made
                    continue
                column = self._column(section, name, entry)
                if isinstance(column, str):
                    found[name] = column
                elif name in used or name in self.chosen:
                    yield column

    def _made(self, name: str, entry: Input) -> Made | None:
        """How a value is made that no column holds."""
        if self.types.is_a(entry.type, ports.ImageShape):
            return Made("image_shape")
        if self.types.is_a(entry.type, ports.SampleIndex):
            return Made("sample_index")
        if self.types.is_a(entry.type, ports.Mask) and not self._fitting(entry):
            return Made("mask")
        if name in self.clustered:
            return Made("clusters")
        return None

    def _fitting(self, entry: Input) -> list[str]:
        """The columns whose type goes into an input."""
        return [name for name, kind in self.columns.items() if self._fits(kind, entry)]

    def _fits(self, kind: str, entry: Input) -> bool:
        mine, theirs = self.types.get(kind), self.types.get(entry.type)
        if mine is None or theirs is None or is_map(entry, self.types) not in (None, mine.is_a(ports.SegMap)):
            return False
        return mine.is_a(theirs) or theirs.is_a(mine)

    def _column(self, section: str, name: str, entry: Input) -> str | Problem:
        """The column of an input or field, or what is wrong."""
        listed = ", ".join(f"{column} ({kind})" for column, kind in self.columns.items())
        if name in self.chosen:
            column = self.chosen[name]
            if column not in self.columns:
                text = f"the data has no column '{column}'; {suggestion(column, self.columns, 'columns')}"
                return Problem("recipe-value", _column_place(name), text)
            if not self._fits(self.columns[column], entry):
                text = f"the column '{column}' holds {self.columns[column]}, and '{name}' takes {entry.type}"
                return Problem("recipe-value", _column_place(name), text)
            return column
        fitting = self._fitting(entry)
        if name in fitting or len(fitting) == 1:
            return name if name in fitting else fitting[0]
        where = where_of(self.graph, (section, name), f"{section}.{name}", port=name)
        what = f"'{name}' takes {entry.type}{_sized(entry)}"
        if fitting:
            text = f"{what}, and several columns of the data fit: {', '.join(fitting)}; say which in the recipe with "
            return Problem("data-column", where, f"{text}'columns: {{{name}: {fitting[0]}}}'")
        text = f"{what}, and no column of the data holds that: found {listed}"
        return Problem("data-column", where, f"{text}; {self._reason(entry)}")

    def _reason(self, entry: Input) -> str:
        if is_map(entry, self.types):
            return "maps of classes come with images/ and masks/"
        return next(
            (text for kind, text in _REASONS if self.types.is_a(entry.type, kind)),
            "columns of other types come from arrays in memory (ArraySource)",
        )


def _column_place(name: str) -> Where:
    return Where(f"data.columns.{name}", path=("data", "columns", name))


def _sized(entry: Input) -> str:
    return "" if entry.shape is None else f" [{', '.join(map(str, entry.shape))}]"


def _unprepared(graph: Graph, types: PortTypes, inputs: Mapping[str, str]) -> Iterator[Problem]:
    """Image inputs that do not say how an image becomes them."""
    for name in inputs:
        entry = graph.inputs[name]
        if entry.preprocess is not None or not types.is_a(entry.type, ports.Image):
            continue
        alone = unprepared(replace(graph, inputs=FrozenDict({name: entry})), types)
        if alone:
            yield replace(alone[0], severity="error")
        else:
            where = where_of(graph, ("inputs", name), f"inputs.{name}", port=name)
            text = f"input '{name}' takes{_sized(entry)}, and does not say how an image becomes that: set preprocess, "
            yield Problem("no-preprocess", where, f"{text}with 'channels: bands' for arrays of other channels")


def _classes(graph: Graph, catalog: Catalog, source: Source) -> Iterator[Problem]:
    """Names of classes, and how many there are, in the data and in the graph."""
    names, count = tuple(source.classes), len(source.classes)
    if not count:
        return
    numbered = is_unnamed(source)
    named = _named(graph, names, numbered)
    differs = class_count(link(graph, catalog), count, () if named is None else names)
    too_few = differs is not None and differs.value < count
    if numbered and not too_few and (not graph.classes or count <= len(graph.classes)):
        return
    if differs is None:
        if named is not None:
            renamed = Fix("set classes to those of the data", (Edit(("classes",), list(names)),), named[2])
            where = where_of(graph, ("classes",), "classes")
            yield Problem("data-classes", where, named[1], renamed, severity=named[0])
        return
    text = f"the data has {_counted(count)} ({shown(names)}), and {differs.subject} is {differs.value}"
    path = differs.path or ("nodes",)
    yield Problem("data-classes", where_of(graph, path, differs.subject), text, differs.fix)


def _named(
    graph: Graph, names: tuple[str, ...], numbered: bool
) -> tuple[Literal["error", "warning", "notice"], str, str] | None:
    """What is to be said of the names: how bad it is, the text, and what a repair changes."""
    own = tuple(graph.classes)
    if own == names or (numbered and len(names) <= len(own)):
        return None
    if not own:
        return "notice", f"the graph names no classes; those of the data are {shown(names)}", ""
    common = set(own) & set(names)
    before = f"in place of {shown(own)}"
    if set(own) == set(names):
        place = next(index for index, pair in enumerate(zip(own, names, strict=True)) if pair[0] != pair[1])
        text = f"the classes of the data are in another order: class {place} is '{names[place]}' there, '{own[place]}' "
        return "error", f"{text}in the graph", before
    text = f"the graph's classes are {shown(own)}, those of the data {shown(names)}"
    return ("error" if common or len(own) != len(names) else "warning"), text, before


def _counted(count: int) -> str:
    return "1 class" if count == 1 else f"{count} classes"


def _memories(graph: Graph, catalog: Catalog, count: int) -> Iterator[Problem]:
    """Memories with an entry for each sample, of another number of them."""
    linked = link(graph, catalog)
    program = plan(graph, catalog).programs.get("loss")
    for call in program.calls if program else ():
        indexed = any(port.type.is_a(ports.SampleIndex) for port in call.component.inputs)
        part = plan(graph, catalog).parts.get(call.module)
        length = part.params.get("length") if part is not None else None
        if not indexed or type(length) is not int or length == count:
            continue
        path = parameter_path(linked, call.module, "length")
        text = f"it remembers {length:,} samples, and the data has {count:,}: every sample has a place in it"
        subject = f"{call.module}.length"
        if path is None:
            yield Problem("data-samples", where_of(graph, ("nodes",), subject), text)
            continue
        keys = tuple(map(str, path))
        fix = Fix(f"set {subject} to {count}", (Edit(keys, count),), f"in place of {length}")
        yield Problem("data-samples", where_of(graph, path, subject), text, fix)
