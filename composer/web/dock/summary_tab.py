"""The Summary tab: what each node holds and costs, and where most of it is."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from composer.graph import Graph
from composer.graph.link import link
from composer.problems import GraphError, byte_text
from composer.rules.sizes import FREE_SIZE, Shapes, infer_shapes
from composer.rules.sizes.rows import Row, rounded, size_rows
from composer.rules.sizes.sizes import free_sizes, shape_text
from composer.web.dock.markup import bar_list, hint, html_block, problem_list, table
from composer.web.dock.opened import OpenDocument, opened_script
from composer.web.dock.sources import Setting
from composer.web.views import problem_view
from composer.web.views.sizes import activation_bytes

__all__ = ["SummaryTab", "summary_csv"]

_BARS = 7
_DOWNLOAD = """(csv, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csv], {type: "text/csv"}));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}"""
_COPY = "(csv) => { navigator.clipboard?.writeText(csv); }"


@dataclass(frozen=True)
class SummaryTab:
    """The tab's parts.

    Args:
        setting: What it needs of the server.
        mode: Whose costs are shown.
        nodes: The table.
        bars: The charts, and what is worth knowing.
        csv: The table as CSV.
        file: Name of the CSV file.
    """

    setting: Setting
    mode: gr.Radio
    nodes: gr.HTML
    bars: gr.HTML
    csv: gr.Textbox
    file: gr.Textbox

    @classmethod
    def build(cls, setting: Setting, opened: gr.Textbox) -> "SummaryTab":
        """Put the tab's parts on the page."""
        with gr.Row(elem_classes="dock-row"):
            with gr.Column(scale=5, min_width=400, elem_classes="dock-fill"):
                nodes = html_block("dock-summary", classes="dock-scroll")
            with gr.Column(scale=4, min_width=320, elem_classes="dock-side"):
                with gr.Row(elem_classes="dock-buttons"):
                    download = gr.Button("Download CSV", size="sm", elem_id="dock-csv")
                    copy = gr.Button("Copy CSV", size="sm", elem_id="dock-csv-copy")
                mode = gr.Radio([], label="Mode", elem_id="dock-summary-mode", elem_classes="dock-radio")
                bars = html_block("dock-bars")
        tab = cls(setting, mode, nodes, bars, gr.Textbox(visible=False), gr.Textbox(visible=False))
        download.click(None, [tab.csv, tab.file], None, js=_DOWNLOAD, api_visibility="private")
        copy.click(None, [tab.csv], None, js=_COPY, api_visibility="private")
        mode.input(
            tab.show,
            [opened, mode],
            tab.outputs,
            js=opened_script("Summary"),
            queue=False,
            show_progress="hidden",
            concurrency_limit=8,
            api_visibility="private",
        )
        return tab

    @property
    def outputs(self) -> list[Any]:
        """What ``refresh`` gives values for."""
        return [self.mode, self.nodes, self.bars, self.csv, self.file]

    def show(self, opened_text: str, mode: str | None) -> tuple[Any, ...]:
        """The costs of a mode that was chosen."""
        try:
            return self.refresh(OpenDocument.read(opened_text), mode)
        except GraphError as error:
            message = problem_list([problem_view(problem) for problem in error.problems])
            return gr.skip(), message, "", "", "summary.csv"

    def refresh(self, opened: OpenDocument, mode: str | None) -> tuple[Any, ...]:
        """The summary of what is open."""
        graph = self.setting.graph_of(opened.document)
        linked = link(graph, self.setting.catalog())
        shapes = infer_shapes(graph, linked.catalog)
        chosen = mode if mode in graph.modes else next(iter(graph.modes), None)
        radio = gr.update(choices=list(graph.modes), value=chosen)
        file = f"{opened.stem}_summary.csv"
        if not graph.nodes:
            empty = hint("The graph has no nodes yet. Drag a component from the palette onto the canvas.")
            return radio, empty, "", "", file
        modes = [chosen] if chosen else []
        rows = size_rows(linked, shapes, modes)
        csv_text = summary_csv(size_rows(linked, shapes, graph.modes), shapes, graph.modes)
        return radio, _table(graph, rows, shapes, modes), _side(graph, rows, shapes, chosen), csv_text, file


def summary_csv(rows: Sequence[Row], shapes: Shapes, modes: Sequence[str]) -> str:
    """The table for a spreadsheet: one line a node, and its total.

    A cell that a spreadsheet would take for a formula is written as text.
    """
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    costs = [f"flops_{mode}" for mode in modes]
    writer.writerow(["node", "type", "output", "parameters", *costs, "activation_bytes", "weights"])
    for row in (inner for outer in rows for inner in outer.walk()):
        numbers = [row.parameters, *(row.flops(mode) for mode in modes), _activation(row, modes)]
        cells = [row.path, row.type, row.sizes(modes), *("" if item is None else item for item in numbers), row.note]
        writer.writerow([_plain(cell) for cell in cells])
    writer.writerow(["total", "", "", shapes.parameters, *(shapes.flops(mode) for mode in modes), "", ""])
    return written.getvalue()


def _table(graph: Graph, rows: Sequence[Row], shapes: Shapes, modes: Sequence[str]) -> str:
    head = ["node", "type", "output", "parameters", "FLOPs", "memory", "weights"]
    entries = {**graph.inputs, **graph.data_samples}
    lines = [[name, entry.type, shape_text(entry.shape), "", "", "", ""] for name, entry in entries.items()]
    memory = 0
    for row in (inner for outer in rows for inner in outer.walk()):
        held = _activation(row, modes)
        memory += 0 if held is None or row.rows else held
        flops = row.flops(modes[0]) if modes else None
        counts = [
            "-" if row.parameters is None else f"{row.parameters:,}",
            rounded(flops),
            "-" if held is None else byte_text(held),
        ]
        indented = "\u2003" * row.path.count(".") + row.path.rsplit(".", 1)[-1]
        lines.append([indented, row.type, row.sizes(modes), *counts, row.note])
    flops = shapes.flops(modes[0]) if modes else None
    total = ["total", "", "", f"{shapes.parameters:,}", rounded(flops), byte_text(memory), ""]
    return table(head, lines, right=["parameters", "FLOPs", "memory"], total=total)


def _side(graph: Graph, rows: Sequence[Row], shapes: Shapes, mode: str | None) -> str:
    charts = bar_list("Parameters", _largest([(row.path, row.parameters or 0) for row in rows]))
    if mode:
        charts += bar_list(f"FLOPs of {mode} mode", _largest([(row.path, row.flops(mode) or 0) for row in rows]))
    trained = sum(node.trainable for node in shapes.nodes.values())
    held = sum(node.bytes for node in shapes.nodes.values())
    text = f"{shapes.parameters:,} parameters, {trained:,} of them trained; {byte_text(held)} with buffers. "
    text += "FLOPs and memory are those of one sample (a multiply-add is 2 FLOPs); memory is what a node puts out."
    free = sorted(free_sizes(graph))
    if free:
        text += f" They are for {', '.join(free)} of {FREE_SIZE}."
    wrong = sum(problem.severity == "error" for problem in shapes.problems)
    warned = hint(
        f"The graph has {wrong} problem{'' if wrong == 1 else 's'}; what is behind them is left out.", "warning"
    )
    return f'{warned if wrong else ""}<div class="dock-charts">{charts}</div>{hint(text)}'


def _largest(counts: Sequence[tuple[str, int]]) -> list[tuple[str, float, str]]:
    """The nodes that have most, then the rest together."""
    ordered = sorted((item for item in counts if item[1]), key=lambda item: -item[1])
    whole = sum(count for _, count in ordered) or 1
    shown = ordered[:_BARS] if len(ordered) > _BARS + 1 else ordered
    rest = ordered[len(shown) :]
    entries = [*shown, *([(f"{len(rest)} others", sum(count for _, count in rest))] if rest else [])]
    return [(name, count, f"{rounded(count)} · {100 * count / whole:.0f} %") for name, count in entries]


def _activation(row: Row, modes: Sequence[str]) -> int | None:
    """Bytes of what a node puts out for one sample as float32."""
    found = [activation_bytes(size) for mode in modes for size in row.outputs.get(mode, {}).values()]
    known = [count for count in found if count is not None]
    return sum(known) // max(sum(mode in row.outputs for mode in modes), 1) if known else None


def _plain(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
