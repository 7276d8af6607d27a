"""``summary``: what each node of a graph holds and costs."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

import torchinfo
import typer
from torch import Tensor, nn

from composer.catalog import Catalog
from composer.cli.options import AsJson, File, Folders, Mode, catalog_of, exit_code, graph_of
from composer.cli.output import print_json, print_problems, print_table, print_text
from composer.graph import FrozenDict, Graph
from composer.graph.link import LinkedGraph, link
from composer.graph.plan import plan
from composer.model import Model
from composer.model.compile import compile
from composer.rules.sizes import FREE_SIZE, Shapes, infer_shapes
from composer.rules.sizes.rows import rounded, size_rows
from composer.rules.sizes.sizes import free_sizes, shape_text
from composer.run.arguments import unknown_mode
from composer.run.inputs import example_inputs

__all__ = ["summarize"]

OfMode = Annotated[Mode | None, typer.Option("--mode", help="Only this mode.", show_default=False)]


def summarize(
    file: File,
    folders: Folders,
    mode: OfMode = None,
    size: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=NUMBER", help="A free size other than the batch, such as H=512; may be repeated."),
    ] = None,
    depth: Annotated[
        int | None,
        typer.Option(min=1, help="Look this many levels into the components, with torchinfo.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show output sizes, parameters and FLOPs of each node in each mode, for one sample (a multiply-add is 2 FLOPs).

    The table comes from the graph alone: nothing is computed, and a graph with problems is shown as far as it goes.
    What is inside a component no graph knows, so --depth builds the model, runs one mode on random numbers and lets
    torchinfo show the modules.
    """
    catalog = catalog_of(folders)
    graph = graph_of(file)
    sizes = _sizes(size or [])
    if mode is not None and mode not in graph.modes:
        raise unknown_mode(graph, mode)
    if depth is not None and as_json:
        raise typer.BadParameter("torchinfo prints no JSON; leave --depth or --json out", param_hint="--depth")
    if depth is not None:
        _look_inside(graph, catalog, mode or next(iter(graph.modes), "tensor"), depth, sizes)
        return
    shapes = infer_shapes(graph, catalog, sizes=sizes)
    modes = (mode,) if mode else graph.modes
    if as_json:
        print_json(_summary_json(link(graph, catalog), shapes, modes))
    else:
        _print_summary(link(graph, catalog), shapes, modes, sizes)
    code = exit_code(shapes.problems)
    if code:
        print_problems(shapes.problems, stderr=True)
        raise typer.Exit(code)


def _sizes(given: Sequence[str]) -> dict[str, int]:
    found = {}
    for text in given:
        name, _, number = text.partition("=")
        if not name.isidentifier() or not number.isdigit() or int(number) < 1:
            raise typer.BadParameter(
                f"found {text!r}, expected a name and a number, such as H=512", param_hint="--size"
            )
        found[name] = int(number)
    return found


def _print_summary(linked: LinkedGraph, shapes: Shapes, modes: Sequence[str], sizes: Mapping[str, int]) -> None:
    graph = linked.graph
    inner = [row for outer in size_rows(linked, shapes, modes) for row in outer.walk()]
    notes = any(row.note for row in inner)
    costs = [f"FLOPs ({mode})" for mode in modes]
    head = ["node", "type", "output", "parameters", *costs, *(["weights"] * notes)]
    lines = [
        [name, entry.type, shape_text(entry.shape), *([""] * (len(head) - 3))]
        for name, entry in {**graph.inputs, **graph.data_samples}.items()
    ]
    for row in inner:
        numbers = [_number(row.parameters), *(rounded(row.flops(mode)) for mode in modes)]
        lines.append([row.name, row.type, row.sizes(modes), *numbers, *([row.note] * notes)])
    numbers = [_number(shapes.parameters), *(rounded(shapes.flops(mode)) for mode in modes)]
    total = ["total", "", "", *numbers, *([""] * notes)]
    print_table(head, lines, right=["parameters", *costs], total=total)
    trained = sum(node.trainable for node in shapes.nodes.values())
    held = sum(node.bytes for node in shapes.nodes.values())
    print_text(f"\n{shapes.parameters:,} parameters, {trained:,} of them trained; {held / 2**20:,.1f} MiB with buffers")
    free = sorted(free_sizes(graph) - sizes.keys())
    if free:
        print_text(f"FLOPs are for {', '.join(free)} of {FREE_SIZE}; --size {free[0]}=512 changes it")


def _number(count: int | None) -> str:
    return "-" if count is None else f"{count:,}"


def _summary_json(linked: LinkedGraph, shapes: Shapes, modes: Sequence[str]) -> dict[str, Any]:
    top = size_rows(linked, shapes, modes)
    return {
        "name": linked.graph.name,
        "parameters": shapes.parameters,
        "trainable": sum(node.trainable for node in shapes.nodes.values()),
        "bytes": sum(node.bytes for node in shapes.nodes.values()),
        "flops": {mode: shapes.flops(mode) for mode in modes},
        "nodes": [row.to_json(modes) for row in top],
        "problems": [problem.to_json() for problem in shapes.problems],
    }


class _OneMode(nn.Module):
    """A model as torchinfo takes it: called with tensors only."""

    def __init__(self, model: Model, mode: str) -> None:
        super().__init__()
        self.model = model
        self.mode = mode

    def forward(self, inputs: Mapping[str, Tensor], data_samples: Mapping[str, Tensor]) -> Any:
        return self.model(inputs, data_samples, mode=self.mode)


def _look_inside(graph: Graph, catalog: Catalog, mode: str, depth: int, sizes: Mapping[str, int]) -> None:
    """Print torchinfo's summary of one mode of the compiled model."""
    model = compile(graph, catalog)
    program = plan(graph, catalog).programs[mode]
    used = replace(
        graph,
        inputs=FrozenDict({name: graph.inputs[name] for name in program.inputs}),
        data_samples=FrozenDict({name: graph.data_samples[name] for name in program.data_samples}),
    )
    inputs, data_samples = example_inputs(used, batch=1, sizes=sizes, types=model.port_types)
    given = {"inputs": inputs, "data_samples": data_samples}
    columns = ("output_size", "num_params", "mult_adds", "trainable")
    found = torchinfo.summary(
        _OneMode(model, mode),
        input_data=given,
        depth=depth + 1,
        col_names=columns,
        row_settings=("var_names",),
        verbose=0,
    )
    print_text(str(found))
