"""The YAML tab: the graph file as text, to read and to edit."""

import time
from dataclasses import dataclass
from typing import Any

import gradio as gr

from composer.graph import Graph
from composer.graph.file import dumps, loads
from composer.problems import GraphError, Problem
from composer.rules.sizes import infer_shapes
from composer.run.images import unprepared
from composer.web.dock.markup import hint, html_block, problem_list
from composer.web.dock.opened import OpenDocument, opened_script
from composer.web.dock.sources import Setting
from composer.web.payloads import ReadRequest
from composer.web.views import problem_view

__all__ = ["YamlTab"]

_LATER = "The graph changed on the canvas after you began to type. Apply puts your text in its place; Revert drops it."

_UNLESS_TYPED = """(fresh, text, shown) =>
    !fresh || (text && shown && text.trimEnd() !== shown.trimEnd()) ? [text, shown] : [fresh, fresh]"""

_NOTE_TYPED = """(text, shown) =>
    { window.composerDock.typed = Boolean(text && shown) && text.trimEnd() !== shown.trimEnd(); }"""


@dataclass(frozen=True)
class YamlTab:
    """The tab's parts.

    Args:
        setting: What it needs of the server.
        text: The text.
        shown: The text as it was put there, to see whether a person has edited it.
        fresh: The text as the canvas has it, on its way to the others.
        message: What is wrong with it.
    """

    setting: Setting
    text: gr.Code
    shown: gr.Textbox
    fresh: gr.Textbox
    message: gr.HTML

    @classmethod
    def build(cls, setting: Setting, opened: gr.Textbox, canvas: gr.HTML) -> "YamlTab":
        """Put the tab's parts on the page."""
        with gr.Row(elem_classes="dock-row"):
            with gr.Column(scale=5, min_width=400, elem_classes="dock-fill"):
                text = gr.Code(
                    language="yaml",
                    label="Graph file",
                    interactive=True,
                    elem_id="dock-yaml",
                    elem_classes="dock-text",
                )
            with gr.Column(scale=3, min_width=260, elem_classes="dock-side"):
                with gr.Row(elem_classes="dock-buttons"):
                    apply = gr.Button("Apply", variant="primary", size="sm", elem_id="dock-yaml-apply")
                    revert = gr.Button("Revert", size="sm", elem_id="dock-yaml-revert")
                message = html_block("dock-yaml-message")
        tab = cls(setting, text, gr.Textbox(visible=False), gr.Textbox(visible=False), message)
        hidden: dict[str, Any] = {
            "queue": False,
            "show_progress": "hidden",
            "concurrency_limit": 8,
            "api_visibility": "private",
        }
        apply.click(tab.apply, [opened, text], [canvas, text, tab.shown, message], js=opened_script("YAML"), **hidden)
        revert.click(tab.revert, [opened], [text, tab.shown, message], js=opened_script("YAML"), **hidden)
        for part in (text, tab.shown):  # what is not applied is asked for before the page closes
            part.change(None, [text, tab.shown], None, js=_NOTE_TYPED, show_progress="hidden", api_visibility="private")
        return tab

    def take_over(self, refreshed: Any) -> None:
        """Show the fresh text after an event that refreshes, unless a person typed by then.

        Args:
            refreshed: The event.
        """
        refreshed.then(
            None,
            [self.fresh, self.text, self.shown],
            [self.text, self.shown],
            js=_UNLESS_TYPED,
            show_progress="hidden",
            api_visibility="private",
        )

    def refresh(self, opened: OpenDocument, typed: str, shown: str) -> tuple[Any, Any]:
        """The text of what is open, and what is wrong with it; what a person typed stays until it is applied."""
        graph = self.setting.graph_of(opened.document)
        text = dumps(graph, self.setting.catalog())
        if typed and shown and typed.rstrip("\n") not in (shown.rstrip("\n"), text.rstrip("\n")):
            return text, gr.skip() if text == shown else hint(_LATER, "warning")
        return text, self._message(text)

    def revert(self, opened_text: str) -> tuple[Any, Any, Any]:
        """Drop what was typed."""
        try:
            text, message = self.refresh(OpenDocument.read(opened_text), "", "")
            return text, text, message
        except GraphError as error:
            return gr.skip(), gr.skip(), _problems(error.problems, "")

    def apply(self, opened_text: str, typed: str) -> tuple[Any, Any, Any, Any]:
        """Put the text on the canvas, as one step of undo; where it is no graph, say why and change nothing."""
        try:
            opened = OpenDocument.read(opened_text)
            reply = self.setting.read(ReadRequest(text=typed, name=opened.file, size=opened.cut))
            text = dumps(self.setting.graph_of(reply.document), self.setting.catalog())
        except GraphError as error:
            return gr.skip(), gr.skip(), gr.skip(), _problems(error.problems, typed)
        pushed = {
            "revision": time.time_ns(),
            "kind": "replace",
            "label": "YAML",
            "reply": reply.model_dump(mode="json"),
        }
        return pushed, text, text, hint("Applied: one step of undo on the canvas.", "good") + self._message(text)

    def _message(self, text: str) -> str:
        """What is wrong with the graph in a text, line by line."""
        try:
            graph: Graph = loads(text, "")
        except GraphError as error:
            return _problems(error.problems, text)
        if not (graph.nodes or graph.inputs or graph.data_samples):
            return hint("Nothing is drawn yet: draw on the canvas, or write a graph here and press Apply.")
        found = [
            *infer_shapes(graph, self.setting.catalog()).problems,
            *unprepared(graph, self.setting.catalog().port_types),
        ]
        return _problems(found, text) if found else hint("No problems. Edit the text and press Apply.")


def _problems(problems: Any, text: str) -> str:
    listed: list[Problem] = list(problems)
    count = sum(problem.severity == "error" for problem in listed)
    head = hint(f"{count} problem{'' if count == 1 else 's'}", "error") if count else ""
    return head + problem_list([problem_view(problem) for problem in listed[:100]], text.splitlines())
