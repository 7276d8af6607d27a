"""The Code tab: the Python that runs in each mode, and the lines that load the saved file."""

import json
from dataclasses import dataclass
from typing import Any

import gradio as gr

from composer.graph import Graph
from composer.graph.plan import plan
from composer.model.emit import emit
from composer.problems import GraphError
from composer.rules.sizes import infer_shapes
from composer.web.dock.markup import hint, html_block, problem_list
from composer.web.dock.opened import OpenDocument, opened_script
from composer.web.dock.sources import Setting
from composer.web.views import problem_view

__all__ = ["CodeTab", "source_of"]


@dataclass(frozen=True)
class CodeTab:
    """The tab's parts.

    Args:
        setting: What it needs of the server.
        mode: Which mode is shown.
        code: Its source.
        load: How a script loads the saved file.
        message: Why there is no source.
    """

    setting: Setting
    mode: gr.Radio
    code: gr.Code
    load: gr.Code
    message: gr.HTML

    @classmethod
    def build(cls, setting: Setting, opened: gr.Textbox) -> "CodeTab":
        """Put the tab's parts on the page."""
        with gr.Row(elem_classes="dock-row"):
            with gr.Column(scale=5, min_width=400, elem_classes="dock-fill"):
                code = gr.Code(
                    language="python",
                    label="Generated forward",
                    interactive=False,
                    elem_id="dock-code",
                    elem_classes="dock-text",
                )
            with gr.Column(scale=3, min_width=260, elem_classes="dock-side"):
                mode = gr.Radio([], label="Mode", elem_id="dock-code-mode", elem_classes="dock-radio")
                message = html_block("dock-code-message")
                load = gr.Code(
                    language="python",
                    label="Load the saved file",
                    interactive=False,
                    show_line_numbers=False,
                    lines=4,
                    elem_id="dock-load",
                )
        tab = cls(setting, mode, code, load, message)
        mode.input(
            tab.show,
            [opened, mode],
            [mode, code, load, message],
            js=opened_script("Code"),
            queue=False,
            show_progress="hidden",
            concurrency_limit=8,
            api_visibility="private",
        )
        return tab

    def show(self, opened_text: str, mode: str | None) -> tuple[Any, Any, Any, Any]:
        """The source of a mode that was chosen."""
        try:
            return self.refresh(OpenDocument.read(opened_text), mode)
        except GraphError as error:
            message = problem_list([problem_view(problem) for problem in error.problems])
            return gr.skip(), "", gr.skip(), message

    def refresh(self, opened: OpenDocument, mode: str | None) -> tuple[Any, Any, Any, Any]:
        """The source of what is open; of the first mode where there is no such mode any more."""
        graph = self.setting.graph_of(opened.document)
        chosen = mode if mode in graph.modes else next(iter(graph.modes), None)
        radio = gr.update(choices=list(graph.modes), value=chosen)
        if chosen is None:
            return radio, "", "", hint("No mode has outputs yet. Wire something into an outputs box on the canvas.")
        try:
            source = source_of(graph, chosen, self.setting)
        except GraphError as error:
            head = hint("There is no code while the graph has problems:", "error")
            message = problem_list([problem_view(problem) for problem in error.problems[:100]])
            return radio, "", _load_lines(opened, graph, chosen), head + message
        return radio, source, _load_lines(opened, graph, chosen), hint("This very text is what runs.")


def source_of(graph: Graph, mode: str, setting: Setting) -> str:
    """The generated source of one mode.

    Raises:
        GraphError: The graph has errors.
    """
    errors = [item for item in infer_shapes(graph, setting.catalog()).problems if item.severity == "error"]
    if errors:
        raise GraphError(errors)
    planned = plan(graph, setting.catalog())
    return emit(planned.programs[mode], planned.momentum, graph.name).text


def _load_lines(opened: OpenDocument, graph: Graph, mode: str) -> str:
    """A script's first lines, for the file that is open."""
    programs_need = "inputs, data_samples" if mode == "loss" and graph.data_samples else "inputs"
    end = "" if mode == "tensor" else f', mode="{mode}"'
    load = f"model = composer.load({json.dumps(_typed(opened))})"
    return f"import composer\n\n{load}\noutputs = model({programs_need}{end})\n"


def _typed(opened: OpenDocument) -> str:
    """The file as one would name it in a script."""
    return f"saved_graphs/{opened.file}" if opened.place == "shipped" else opened.file.rpartition("/")[2]
