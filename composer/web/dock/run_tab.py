"""The Run tab: an image through the model, with progress, answers and the values of every node."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
import torch
from PIL import Image

from composer.ports import Label
from composer.problems import GraphError, Problem, Where
from composer.web.dock.image_file import image_file, shipped_images
from composer.web.dock.markup import hint, html_block, problem_list, progress_bar
from composer.web.dock.opened import OpenDocument, opened_script
from composer.web.dock.run_answers import RunAnswers
from composer.web.dock.sources import Setting
from composer.web.dock.weights_picker import WeightsPicker
from composer.web.runs import Done, Failed, Progress, RunJob, RunResult, Waiting
from composer.web.runs.passes import KEPT_BYTES
from composer.web.uploads import uploaded
from composer.web.views import problem_view

__all__ = ["RunTab"]

_AT_ONCE = 12
_SETTLED = """(text, mode, kind, known, label) => {
    if (!text) return [mode, kind, known, label];
    const fresh = JSON.parse(text);
    const kept = fresh.file === known && fresh.kinds.includes(kind);
    const shown = Number.isInteger(label) && label < fresh.labels ? label : -1;
    return [fresh.modes.includes(mode) ? mode : fresh.mode, kept ? kind : fresh.kind, fresh.file, shown];
}"""
_RAN = "(name) => { if (name) window.composerCanvas?.passed(name); }"


@dataclass(frozen=True)
class RunTab:
    """The tab's parts.

    Args:
        setting: What it needs of the server.
        image: What goes in.
        mode: What is run.
        device: Where.
        label: The class that the image shows.
        samples: How many samples, where no image goes in.
        training: Whether nodes do as in training.
        weights: Which weights.
        start: Runs.
        halt: Stops.
        status: How it goes, and what went wrong.
        answers: What it gave.
        fresh: What can be chosen for what is open, on its way to the others.
        ran: The name of the pass that ended last, on its way to the canvas.
    """

    setting: Setting
    image: gr.Image
    mode: gr.Radio
    device: gr.Dropdown
    label: gr.Dropdown
    samples: gr.Number
    training: gr.Checkbox
    weights: WeightsPicker
    start: gr.Button
    halt: gr.Button
    status: gr.HTML
    answers: RunAnswers
    fresh: gr.Textbox
    ran: gr.Textbox

    @classmethod
    def build(cls, setting: Setting, opened: gr.Textbox) -> "RunTab":
        """Put the tab's parts on the page."""
        with gr.Row(elem_classes="dock-row dock-run"):
            with gr.Column(scale=2, min_width=190, elem_classes="dock-image"):
                image = _image()
            with gr.Column(scale=3, min_width=300, elem_classes="dock-side dock-controls"):
                with gr.Row(elem_classes="dock-buttons"):
                    start = gr.Button("Run", variant="primary", size="sm", elem_id="dock-run-start")
                    halt = gr.Button("Stop", variant="stop", size="sm", interactive=False, elem_id="dock-run-stop")
                mode = gr.Radio([], label="Mode", elem_id="dock-run-mode", elem_classes="dock-radio")
                weights = WeightsPicker.build("run")
                with gr.Row(elem_classes="dock-small"):
                    weights.seed.render()  # type: ignore[no-untyped-call]
                    samples = gr.Number(
                        2, label="Samples", precision=0, minimum=1, maximum=64, min_width=60, elem_id="dock-run-samples"
                    )
                    device = gr.Dropdown(_devices(), label="Device", min_width=70, elem_id="dock-run-device")
                training = gr.Checkbox(
                    False,
                    label="As in training: model.train()",
                    elem_id="dock-run-training",
                    elem_classes="dock-check",
                )
                label = gr.Dropdown([], label="Label", visible=False, min_width=100, elem_id="dock-run-label")
            with gr.Column(scale=9, min_width=420, elem_classes="dock-answers"):
                status = html_block(
                    "dock-run-status",
                    hint("Choose an image and press Run. The canvas shows the values of every node then."),
                )
                answers = RunAnswers.build()
        tab = cls(
            setting,
            image,
            mode,
            device,
            label,
            samples,
            training,
            weights,
            start,
            halt,
            status,
            answers,
            gr.Textbox(visible=False),
            gr.Textbox(visible=False),
        )
        tab._listen(opened)
        return tab

    @property
    def refreshed(self) -> list[Any]:
        """What ``refresh`` gives values for."""
        return [self.mode, self.weights.kind, self.label, self.fresh]

    def refresh(self, opened: OpenDocument) -> tuple[Any, ...]:
        """The choices for what is open."""
        graph = self.setting.graph_of(opened.document)
        weights, fresh = self.weights.choices(self.setting, opened)
        types = self.setting.catalog().port_types
        labelled = any(types.is_a(entry.type, Label) for entry in graph.data_samples.values())
        names = [("random", -1), *((name, place) for place, name in enumerate(graph.classes))]
        labels = gr.update(choices=names, visible=bool(labelled and graph.classes))
        fresh |= {
            "modes": list(graph.modes),
            "mode": _first(graph.modes) if graph.modes else None,
            "labels": len(graph.classes),
        }
        return gr.update(choices=list(graph.modes)), weights, labels, json.dumps(fresh)

    def settle(self, refreshed: Any) -> None:
        """After an event that refreshes: keep what a person chose by then, where it is still one of the choices.

        Args:
            refreshed: The event.
        """
        chosen = [self.mode, self.weights.kind, self.weights.known, self.label]
        refreshed.then(
            None, [self.fresh, *chosen], chosen, js=_SETTLED, show_progress="hidden", api_visibility="private"
        )

    def run(self, request: gr.Request, *given: Any) -> Iterator[tuple[Any, ...]]:
        """Run, and report progress; the last update holds the answers, or why there are none."""
        opened_text, *rest = given
        busy = (gr.update(interactive=False), gr.update(interactive=True))
        ready = (gr.update(interactive=True), gr.update(interactive=False))
        passes = self.setting.passes
        name, file = passes.begin()
        try:
            job = replace(self._job(OpenDocument.read(opened_text), *rest), keep=file, keep_bytes=KEPT_BYTES)
        except GraphError as error:
            message = problem_list([problem_view(problem) for problem in error.problems])
            yield *ready, message, *self.answers.none(), ""
            return
        kept = False
        try:
            yield *busy, progress_bar(Progress(doing="Starting")), *self.answers.kept(), ""
            for event in self.setting.runner.run(job, request.session_hash):
                match event:
                    case Waiting():
                        text = f"Waiting: number {event.place} in the queue"
                        yield *busy, progress_bar(Progress(doing=text)), *self.answers.kept(), ""
                    case Progress():
                        yield *busy, progress_bar(event), *self.answers.kept(), ""
                    case Done(result=RunResult() as result):
                        passes.keep(name, _title(job, result), job.document, job.training, result)
                        kept = True
                        yield *ready, self.answers.notes(result), *self.answers.show(result), name
                    case Done() | Failed():
                        problems = event.problems if isinstance(event, Failed) else []
                        yield *ready, problem_list(problems), *self.answers.none(), ""
        finally:
            if not kept:
                passes.drop(name)

    def stop(self, request: gr.Request) -> None:
        """Stop the run of this page."""
        if request.session_hash:
            self.setting.runner.stop(request.session_hash)

    def _listen(self, opened: gr.Textbox) -> None:
        given = [opened, self.image, self.mode, self.device, self.label, self.samples, self.training]
        ended = self.start.click(
            self.run,
            [*given, *self.weights.inputs],
            [self.start, self.halt, self.status, *self.answers.parts, self.ran],
            js=opened_script("Run"),
            show_progress="hidden",
            concurrency_limit=_AT_ONCE,
            api_name="dock_run",
            api_visibility="private",
        )
        ended.then(None, [self.ran], None, js=_RAN, show_progress="hidden", api_visibility="private")
        self.halt.click(
            self.stop, None, None, queue=False, show_progress="hidden", concurrency_limit=None, api_visibility="private"
        )

    def _job(
        self,
        opened: OpenDocument,
        image: str | None,
        mode: str | None,
        device: str | None,
        label: int | None,
        samples: float | None,
        training: bool | None,
        kind: str | None,
        upload: str | None,
        seed: float | None,
        known: str | None,
    ) -> RunJob:
        weights = WeightsPicker.choice(self.setting, opened, kind, upload, seed, known)
        graph = self.setting.graph_of(opened.document)
        if not graph.modes:
            text = "nothing comes out of this graph: wire what it shall give into the outputs of a mode, then run it"
            raise GraphError(Problem("no-output", Where("graph"), text))
        return RunJob(
            document=opened.document,
            mode=mode if mode in graph.modes else _first(graph.modes),
            device=str(device or "cpu"),
            weights=weights,
            image=uploaded(image) if image else None,
            label=label if label is not None and label >= 0 else None,
            batch=min(max(int(samples or 2), 1), 64),
            seed=int(seed or 0),
            training=bool(training),
            watched=opened.selection,
        )


def _title(job: RunJob, result: RunResult) -> str:
    """What went in, what it is taken for, and which weights, in a few words."""
    best = f" ({result.classes[0].name})" if result.classes else ""
    given = f"seed {job.seed}" if job.image is None else job.image.name
    weights = f"random weights (seed {job.weights.seed})" if job.weights.path is None else job.weights.name
    label = "" if job.label is None else f", label {job.label}"
    return f"{given}{best}{label}, {weights}{', as in training' if job.training else ''}"


def _first(modes: Sequence[str]) -> str:
    """The mode that is run where nobody chose one."""
    return "predict" if "predict" in modes else next(iter(modes), "tensor")


def _image() -> gr.Image:
    """The image, and those that come with composer below it."""
    image = image_file(
        label="Image",
        sources=["upload", "clipboard"],
        height=150,
        elem_id="dock-image",
        buttons=[],
        placeholder="Drop or click",
    )
    paths = shipped_images()
    if paths:
        shelf = gr.Dataset(
            components=[image_file(visible=False, render=False)],
            samples=[[str(path)] for path in paths],
            type="index",
            label="Shipped images",
            samples_per_page=len(paths),
            elem_id="dock-shelf",
        )

        def chosen(place: int) -> Image.Image:
            return Image.open(paths[place])

        shelf.click(
            chosen,
            [shelf],
            [image],
            queue=False,
            show_progress="hidden",
            concurrency_limit=8,
            api_visibility="private",
        )
    return image


def _devices() -> list[str]:
    return ["cpu", *(f"cuda:{place}" for place in range(torch.cuda.device_count()))]
