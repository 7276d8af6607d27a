"""Which weights a model gets: those beside the graph, uploaded ones, or random ones."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from composer.problems import GraphError, Problem, Where
from composer.web.dock.opened import OpenDocument
from composer.web.dock.sources import Setting
from composer.web.runs import WeightsChoice
from composer.web.uploads import uploaded

__all__ = ["WeightsPicker"]

_OF_THIS_FILE = """(known) => {
    const file = window.composerCanvas?.currentFile?.();
    return file ? `${file.place}/${file.name}` : known;
}"""
"""What a person chooses is meant for the file that is open, also before its own choices have come."""


_WORDS = {"workspace": "Saved", "shipped": "Shipped", "run": "Trained", "import": "Imported"}


@dataclass(frozen=True)
class WeightsPicker:
    """Three components that choose weights together.

    Args:
        kind: ``shipped``, ``uploaded`` or ``random``.
        upload: The uploaded file.
        seed: Of random ones.
        known: The file that the choices were made for.
    """

    kind: gr.Radio
    upload: gr.File
    seed: gr.Number
    known: gr.Textbox

    @classmethod
    def build(cls, name: str) -> "WeightsPicker":
        """Put them on the page; ``seed`` goes where its ``render`` is called.

        Args:
            name: Of the tab, for the components' ids.
        """
        choices = [("Upload", "uploaded"), ("Random", "random")]
        kind = gr.Radio(choices, value=None, label="Weights", elem_id=f"dock-{name}-weights", elem_classes="dock-radio")
        upload = gr.File(
            label="Weights (.safetensors)",
            file_types=[".safetensors"],
            type="filepath",
            height=64,
            visible=False,
            elem_id=f"dock-{name}-upload",
            elem_classes="dock-upload",
        )
        seed = gr.Number(
            0,
            label="Seed",
            precision=0,
            minimum=0,
            maximum=2**31,
            min_width=60,
            elem_id=f"dock-{name}-seed",
            render=False,
        )
        shown = "(kind) => ({__type__: 'update', visible: kind === 'uploaded'})"
        kind.change(None, [kind], [upload], js=shown, api_visibility="private")
        known = gr.Textbox(visible=False)
        kind.input(None, [known], [known], js=_OF_THIS_FILE, api_visibility="private")
        return cls(kind, upload, seed, known)

    @property
    def inputs(self) -> list[Any]:
        """What ``choice`` takes, in order."""
        return [self.kind, self.upload, self.seed, self.known]

    def choices(self, setting: Setting, opened: OpenDocument) -> tuple[Any, dict[str, Any]]:
        """The choices for what is open, and what is chosen for a file that was just opened: its own weights, if any."""
        beside = _beside(setting, opened)
        choices = [("Upload", "uploaded"), ("Random", "random")]
        if beside is not None:
            # at the end, so that nothing moves away under a mouse
            choices.append((_WORDS[opened.place], "shipped"))
        first = "shipped" if beside is not None else "random"
        kinds = [value for _, value in choices]
        return gr.update(choices=choices), {"file": f"{opened.place}/{opened.name}", "kinds": kinds, "kind": first}

    @staticmethod
    def choice(
        setting: Setting,
        opened: OpenDocument,
        kind: str | None,
        upload: str | None,
        seed: float | None,
        known: str | None,
    ) -> WeightsChoice:
        """What was chosen, or what a graph takes that was just opened.

        Raises:
            GraphError: Weights are to be uploaded, and none were.
        """
        number = int(seed or 0)
        if f"{opened.place}/{opened.name}" != known:
            kind = "shipped"
        if kind == "uploaded":
            if upload is None:
                raise GraphError(
                    Problem("no-weights", Where("weights"), "upload a .safetensors file, or choose others")
                )
            return WeightsChoice("uploaded", uploaded(upload), Path(upload).name, number)
        beside = None if kind == "random" else _beside(setting, opened)  # nothing is chosen before the choices came
        if beside is not None:
            return WeightsChoice("imported" if opened.place == "import" else "shipped", beside, beside.name, number)
        return WeightsChoice("random", seed=number)


def _beside(setting: Setting, opened: OpenDocument) -> Path | None:
    """The weights beside the open file."""
    try:
        match opened.place:
            case "workspace" | "shipped" | "run" | "import":
                return setting.weights(opened.place, opened.name)
    except GraphError:
        return None
    return None
