"""What a run gave, as it is shown: classes, boxes, losses, tensors; the page draws the values of every node."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from composer.web.dock.markup import hint, html_block, table
from composer.web.runs.maps import grown
from composer.web.runs.results import RunResult, TensorRow

__all__ = ["RunAnswers"]

_CLASSES = 5
_REGIONS = 30
_DRAWN = 640


@dataclass(frozen=True)
class RunAnswers:
    """The places for answers.

    Args:
        classes: A chart of classes.
        regions: Boxes and masks on the image.
        rows: Losses, or sizes and numbers of tensors.
    """

    classes: gr.Label
    regions: gr.AnnotatedImage
    rows: gr.HTML

    @classmethod
    def build(cls) -> "RunAnswers":
        """Put them on the page."""
        with gr.Row(elem_classes="dock-row dock-results"):
            with gr.Column(scale=3, min_width=200, elem_classes="dock-scroll"):
                classes = gr.Label(
                    label="Classes",
                    num_top_classes=_CLASSES,
                    show_heading=True,
                    visible=False,
                    elem_id="dock-classes",
                )
                regions = gr.AnnotatedImage(
                    label="Boxes",
                    format="png",
                    visible=False,
                    height=210,
                    elem_id="dock-regions",
                    buttons=["fullscreen"],
                )
                rows = html_block("dock-rows")
            with gr.Column(scale=7, min_width=260, elem_classes="dock-fill"):
                html_block("dock-values", '<div id="composer-values"></div>')
        return cls(classes, regions, rows)

    @property
    def parts(self) -> list[Any]:
        """The components, in the order of what ``show`` gives."""
        return [self.classes, self.regions, self.rows]

    def kept(self) -> tuple[Any, ...]:
        """Leave what is shown."""
        return (gr.skip(),) * len(self.parts)

    def none(self) -> tuple[Any, ...]:
        """Show nothing."""
        hidden = gr.update(value=None, visible=False)
        return hidden, hidden, ""

    def notes(self, result: RunResult) -> str:
        """Time, memory, and what went in."""
        memory = "" if result.memory is None else f" · {result.memory / 2**20:,.0f} MiB at most"
        head = f"{result.mode} mode · {result.seconds * 1000:,.0f} ms{memory} · {result.parameters:,} parameters · "
        return hint(f"{head}{result.device}", "good") + hint(" ".join(result.notes))

    def show(self, result: RunResult) -> tuple[Any, ...]:
        """Show what a run gave."""
        scored = {entry.name: entry.score for entry in result.classes if entry.score is not None}
        classes = gr.update(value=_chart(result, scored), visible=bool(result.classes))
        return classes, _regions(result), _rows(result, scored)


def _chart(result: RunResult, scored: dict[str, float]) -> Any:
    if scored:
        return scored
    return ", ".join(entry.name for entry in result.classes) or None


def _regions(result: RunResult) -> Any:
    if result.regions is None or result.image is None:
        return gr.update(value=None, visible=False)
    pixels = result.image.array()
    grow = max(1, _DRAWN // max(pixels.shape[:2]))  # lines are drawn in whole pixels
    marks: list[tuple[Any, str]] = []
    for region in result.regions[:_REGIONS]:
        name = region.name if region.score is None else f"{region.name} {region.score:.2f}"
        if region.mask is not None:
            marks.append((grown(region.mask.array(), grow) / 255.0, name))
        else:
            left, top, right, bottom = (round(side * grow) for side in region.box)
            marks.append(((max(left, 0), max(top, 0), max(right, left + 1), max(bottom, top + 1)), name))
    return gr.update(value=(grown(pixels, grow), marks), visible=True)


def _rows(result: RunResult, scored: dict[str, float]) -> str:
    if result.losses:
        lines = [[name, f"{value:.6g}"] for name, value in result.losses.items()]
        return table(["loss", "value"], lines, right=["value"])
    if result.regions is not None:
        lines = [
            [
                region.name,
                "-" if region.score is None else f"{region.score:.3f}",
                _box_text(region.in_image or region.box),
            ]
            for region in result.regions[:_REGIONS]
        ]
        return (
            table(["found", "score", "left, top, right, bottom"], lines, right=["score"])
            if lines
            else hint("Nothing was found in the image.")
        )
    if scored or result.classes:
        return ""
    head = ["output", "size", "mean", "std", "min", "max"]
    return table(head, map(_tensor_cells, result.tensors), right=head[2:])


def _tensor_cells(row: TensorRow) -> list[str]:
    strange = f" ({row.strange} not finite)" if row.strange else ""
    return [row.name, f"{row.size}{strange}", *(_number(value) for value in (row.mean, row.std, row.low, row.high))]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _box_text(box: tuple[float, float, float, float]) -> str:
    return ", ".join(f"{side:.0f}" for side in box)
