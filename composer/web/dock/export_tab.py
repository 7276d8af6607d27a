"""The Export tab: the graph as files for use elsewhere, written and compared by a worker."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import gradio as gr

from composer.problems import GraphError, Problem, Where, suggestion
from composer.web.dock.markup import hint, html_block, problem_list, progress_bar
from composer.web.dock.opened import OpenDocument, opened_script
from composer.web.dock.sources import Setting
from composer.web.dock.weights_picker import WeightsPicker
from composer.web.runs import Done, ExportJob, Failed, Progress, Waiting
from composer.web.runs.jobs import Format
from composer.web.runs.results import ExportResult
from composer.web.views import problem_view

__all__ = ["ExportTab"]

_FORMATS = [
    ("Python file", "python"),
    ("ONNX", "onnx"),
    ("YAML + weights", "safetensors"),
    ("OpenMMLab config", "openmmlab"),
]
_ABOUT = {
    "python": "One file with every mode that needs torch and no composer. It holds no weights.",
    "onnx": "One mode with its weights, for onnxruntime and others. Batches of any size.",
    "safetensors": "The graph file and its weights (.safetensors), as composer.load takes them.",
    "openmmlab": "A config for mmpretrain or mmdet, where the graph is one of their models.",
}
_AT_ONCE = 12
_SETTLED = """(text, mode, kind, known) => {
    if (!text) return [mode, kind, known];
    const fresh = JSON.parse(text);
    const kept = fresh.file === known && fresh.kinds.includes(kind);
    return [fresh.modes.includes(mode) ? mode : fresh.mode, kept ? kind : fresh.kind, fresh.file];
}"""


@dataclass(frozen=True)
class ExportTab:
    """The tab's parts.

    Args:
        setting: What it needs of the server.
        to: The format.
        mode: The mode that goes into an ONNX file.
        weights: The weights that go along.
        start: Writes.
        halt: Stops.
        status: How it goes, what was written, or what went wrong.
        files: Where the files are taken from.
        fresh: What can be chosen for what is open, on its way to the others.
    """

    setting: Setting
    to: gr.Radio
    mode: gr.Radio
    weights: WeightsPicker
    start: gr.Button
    halt: gr.Button
    status: gr.HTML
    files: tuple[gr.DownloadButton, ...]
    fresh: gr.Textbox

    @classmethod
    def build(cls, setting: Setting, opened: gr.Textbox) -> "ExportTab":
        """Put the tab's parts on the page."""
        with gr.Row(elem_classes="dock-row"):
            with gr.Column(scale=3, min_width=280, elem_classes="dock-side"):
                to = gr.Radio(
                    _FORMATS, value="python", label="Format", elem_id="dock-export-to", elem_classes="dock-radio"
                )
                mode = gr.Radio([], label="Mode", elem_id="dock-export-mode", elem_classes="dock-radio")
            with gr.Column(scale=3, min_width=280, elem_classes="dock-side"):
                weights = WeightsPicker.build("export")
                weights.seed.render()  # type: ignore[no-untyped-call]
            with gr.Column(scale=5, min_width=320, elem_classes="dock-side"):
                with gr.Row(elem_classes="dock-buttons"):
                    start = gr.Button("Export", variant="primary", size="sm", elem_id="dock-export-start")
                    halt = gr.Button("Stop", variant="stop", size="sm", interactive=False, elem_id="dock-export-stop")
                status = html_block("dock-export-status", hint(_ABOUT["python"]))
                with gr.Row(elem_classes="dock-buttons"):
                    files = tuple(
                        gr.DownloadButton("Download", size="sm", visible=False, elem_id=f"dock-export-file-{place}")
                        for place in range(2)
                    )
        tab = cls(setting, to, mode, weights, start, halt, status, files, gr.Textbox(visible=False))
        tab._listen(opened)
        return tab

    @property
    def refreshed(self) -> list[Any]:
        """What ``refresh`` gives values for."""
        return [self.mode, self.weights.kind, self.fresh]

    def refresh(self, opened: OpenDocument) -> tuple[Any, ...]:
        """The choices for what is open."""
        modes = self.setting.graph_of(opened.document).modes
        weights, fresh = self.weights.choices(self.setting, opened)
        fresh |= {"modes": list(modes), "mode": next(iter(modes), None)}
        return gr.update(choices=list(modes)), weights, json.dumps(fresh)

    def settle(self, refreshed: Any) -> None:
        """After an event that refreshes: keep what a person chose by then, where it is still one of the choices.

        Args:
            refreshed: The event.
        """
        chosen = [self.mode, self.weights.kind, self.weights.known]
        refreshed.then(
            None, [self.fresh, *chosen], chosen, js=_SETTLED, show_progress="hidden", api_visibility="private"
        )

    def run(self, request: gr.Request, *given: Any) -> Iterator[tuple[Any, ...]]:
        """Write the files, and report progress."""
        opened_text, *rest = given
        busy = (gr.update(interactive=False), gr.update(interactive=True))
        ready = (gr.update(interactive=True), gr.update(interactive=False))
        none = (gr.update(value=None, visible=False),) * len(self.files)
        folder = Path(tempfile.mkdtemp(prefix="composer-export-"))
        try:
            job = self._job(folder, OpenDocument.read(opened_text), *rest)
            yield *busy, progress_bar(Progress(doing="Starting")), *none
            for event in self.setting.runner.run(job, f"{request.session_hash} export"):
                match event:
                    case Waiting():
                        text = f"Waiting: number {event.place} in the queue"
                        yield *busy, progress_bar(Progress(doing=text)), *none
                    case Progress():
                        yield *busy, progress_bar(event), *none
                    case Done(result=ExportResult() as result):
                        yield *ready, _notes(result), *self._downloads(folder, result)
                    case Done() | Failed():
                        yield *ready, problem_list(event.problems if isinstance(event, Failed) else []), *none
        except GraphError as error:
            yield *ready, problem_list([problem_view(problem) for problem in error.problems]), *none
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def stop(self, request: gr.Request) -> None:
        """Stop the export of this page."""
        self.setting.runner.stop(f"{request.session_hash} export")

    def _listen(self, opened: gr.Textbox) -> None:
        self.start.click(
            self.run,
            [opened, self.to, self.mode, *self.weights.inputs],
            [self.start, self.halt, self.status, *self.files],
            js=opened_script("Export"),
            show_progress="hidden",
            concurrency_limit=_AT_ONCE,
            api_name="dock_export",
            api_visibility="private",
        )
        self.halt.click(
            self.stop, None, None, queue=False, show_progress="hidden", concurrency_limit=None, api_visibility="private"
        )
        described = {to: hint(text) for to, text in _ABOUT.items()}
        self.to.input(
            None, [self.to], [self.status], js=f"(to) => ({json.dumps(described)})[to] ?? ''", api_visibility="private"
        )

    def _job(
        self,
        folder: Path,
        opened: OpenDocument,
        to: Any,
        mode: str | None,
        kind: str | None,
        upload: str | None,
        seed: float | None,
        known: str | None,
    ) -> ExportJob:
        modes = self.setting.graph_of(opened.document).modes
        weights = WeightsPicker.choice(self.setting, opened, kind, upload, seed, known)
        chosen = mode if mode in modes else next(iter(modes), "tensor")
        return ExportJob(opened.document, _format(to), folder, opened.stem, chosen, weights)

    def _downloads(self, folder: Path, result: ExportResult) -> list[Any]:
        found = [folder / Path(name).name for name in result.files]
        shown = [
            gr.update(value=str(path), label=f"Download {path.name}", visible=True) for path in found if path.is_file()
        ]
        return [*shown, *([gr.update(value=None, visible=False)] * len(self.files))][: len(self.files)]


def _format(to: Any) -> Format:
    """The format that was chosen.

    Raises:
        GraphError: There is none of that name.
    """
    for known in get_args(Format):
        if to == known:
            return cast(Format, known)
    text = f"found '{str(to)[:40]}'; {suggestion(str(to)[:40], get_args(Format), 'formats')}"
    raise GraphError(Problem("unknown-format", Where("export"), text))


def _notes(result: ExportResult) -> str:
    return hint(f"Wrote {', '.join(result.files)}.", "good") + "".join(map(hint, result.notes))
