"""All tabs of the dock in one place."""

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.context import Context

from composer.problems import GraphError
from composer.web.dock.code_tab import CodeTab
from composer.web.dock.export_tab import ExportTab
from composer.web.dock.markup import html_block, problem_list
from composer.web.dock.opened import OpenDocument, opened_box, opened_script
from composer.web.dock.run_tab import RunTab
from composer.web.dock.sources import Setting
from composer.web.dock.summary_tab import SummaryTab
from composer.web.dock.yaml_tab import YamlTab
from composer.web.views import problem_view

__all__ = ["Dock", "build_dock"]

TABS = ("Run", "YAML", "Code", "Summary", "Export")


@dataclass(frozen=True)
class Dock:
    """The tabs, and what brings the one that is shown up to date."""

    run: RunTab
    yaml: YamlTab
    code: CodeTab
    summary: SummaryTab
    export: ExportTab

    @property
    def inputs(self) -> list[Any]:
        """What ``refresh`` takes after what is open."""
        return [
            *(self.yaml.text, self.yaml.shown),
            self.code.mode,
            self.summary.mode,
        ]

    @property
    def outputs(self) -> list[Any]:
        """What ``refresh`` gives values for."""
        return [*self._run, *self._yaml, *self._code, *self.summary.outputs, *self.export.refreshed]

    def refresh(self, opened_text: str, *given: Any) -> list[Any]:
        """Bring the tab that is shown up to date; the others are, when they are shown."""
        parts = (self._run, self._yaml, self._code, self.summary.outputs, self.export.refreshed)
        found: list[list[Any]] = [[gr.skip()] * len(part) for part in parts]
        opened = OpenDocument.read(opened_text)
        if opened.document and opened.tab in TABS:
            place = TABS.index(opened.tab)
            found[place] = self._fresh(opened, given, found[place])
        return [value for part in found for value in part]

    @property
    def _run(self) -> list[Any]:
        return [*self.run.refreshed, self.run.status]

    @property
    def _yaml(self) -> list[Any]:
        return [self.yaml.fresh, self.yaml.message]

    @property
    def _code(self) -> list[Any]:
        return [self.code.mode, self.code.code, self.code.load, self.code.message]

    def _fresh(self, opened: OpenDocument, given: tuple[Any, ...], unchanged: list[Any]) -> list[Any]:
        typed, shown, code, summary = given
        try:
            match opened.tab:
                case "Run":
                    return [*self.run.refresh(opened), gr.skip()]
                case "YAML":
                    return [*self.yaml.refresh(opened, typed, shown)]
                case "Code":
                    return [*self.code.refresh(opened, code)]
                case "Summary":
                    return [*self.summary.refresh(opened, summary)]
                case _:
                    return [*self.export.refresh(opened)]
        except GraphError as error:
            message = problem_list([problem_view(problem) for problem in error.problems])
            places = {"Run": 4, "YAML": 1, "Code": 3, "Summary": 1}
            if opened.tab in places:
                unchanged[places[opened.tab]] = message
            return unchanged


def build_dock(canvas: gr.HTML, setting: Setting) -> Dock:
    """Put the tabs on the page, inside the Blocks and the container that are open.

    They follow the canvas's event ``document_change``; a document that is applied in the YAML tab is pushed to the
    canvas as its value.

    Args:
        canvas: The canvas.
        setting: What the tabs need of the server.
    """
    opened = opened_box()
    with gr.Tabs(elem_id="dock-tabs"):
        with gr.Tab("Run") as run_tab:
            run = RunTab.build(setting, opened)
        with gr.Tab("Train"):  # the front end draws into it, and asks the server by itself
            html_block("composer-train")
        with gr.Tab("YAML") as yaml_tab:
            yaml = YamlTab.build(setting, opened, canvas)
        with gr.Tab("Code") as code_tab:
            code = CodeTab.build(setting, opened)
        with gr.Tab("Summary") as summary_tab:
            summary = SummaryTab.build(setting, opened)
        with gr.Tab("Export") as export_tab:
            export = ExportTab.build(setting, opened)
    dock = Dock(run, yaml, code, summary, export)
    # not by the queue: Gradio drops what waits in it when the answer to something else ends the page's stream
    quiet: dict[str, Any] = {
        "queue": False,
        "show_progress": "hidden",
        "concurrency_limit": 16,
        "api_visibility": "private",
    }
    given = [opened, *dock.inputs]
    changed = canvas.document_change(
        dock.refresh, given, dock.outputs, js=opened_script(), trigger_mode="always_last", **quiet
    )
    settled: dict[str, Any] = {"Run": run.settle, "YAML": yaml.take_over, "Export": export.settle}
    for settle in settled.values():
        settle(changed)
    for name, tab in zip(TABS, (run_tab, yaml_tab, code_tab, summary_tab, export_tab), strict=True):
        shown = tab.select(dock.refresh, given, dock.outputs, js=opened_script(name), **quiet)
        if name in settled:
            settled[name](shown)
    page = Context.root_block
    if page is not None:
        page.unload(_leaving(setting))
    return dock


def _leaving(setting: Setting) -> Any:
    """What is done when a page is closed: its runs end."""

    def leave(request: gr.Request) -> None:
        if request.session_hash:
            setting.runner.stop(request.session_hash)
            setting.runner.stop(f"{request.session_hash} export")

    return leave
