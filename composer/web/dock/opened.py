"""What is open on the canvas, as the browser reports it to the dock."""

import json

import gradio as gr
from pydantic import BaseModel, ConfigDict, ValidationError

from composer.graph.file.yamltext import MAX_BYTES
from composer.problems import GraphError, Problem, Where
from composer.web.filenames import SUFFIX, file_name_of

__all__ = ["OpenDocument", "opened_box", "opened_script"]


class OpenDocument(BaseModel):
    """What is open.

    Args:
        document: The graph as the text that the browser holds; empty while the canvas is not ready.
        selection: Path of the selected node; empty where none or several are.
        place: Where the graph was opened from: ``workspace``, ``shipped``, ``run``, ``import`` or ``none``.
        name: Its file name there, or the run's name.
        tab: The tab that is shown.
        cut: How many bytes a text has of which only the beginning was sent; 0 where all was.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    document: str = ""
    selection: str = ""
    place: str = "none"
    name: str = "model"
    tab: str = ""
    cut: int = 0

    @classmethod
    def read(cls, text: str | None) -> "OpenDocument":
        """What the browser sent.

        Raises:
            GraphError: It is no such text.
        """
        text = text or "{}"
        if len(text) > 4 * MAX_BYTES:
            raise GraphError(Problem("too-large", Where("document"), f"it has {len(text):,} characters"))
        try:
            return cls.model_validate_json(text)
        except ValidationError:
            found = "the page sent something that is no graph; reload it"
            raise GraphError(Problem("bad-document", Where("document"), found)) from None

    @property
    def stem(self) -> str:
        """The file's name without folder and suffix, fit for any file system."""
        last = self.name.replace("\\", "/").rpartition("/")[2].removesuffix(SUFFIX)
        return file_name_of(last).removesuffix(SUFFIX)

    @property
    def file(self) -> str:
        """The name that the file has, or would have."""
        return self.name if self.name.endswith(".yaml") else f"{self.stem}.yaml"


def opened_box() -> gr.Textbox:
    """The place for what is open among a handler's inputs; ``opened_script`` fills it in."""
    return gr.Textbox(visible=False)


def opened_script(tab: str | None = None) -> str:
    """JavaScript for ``js=``: puts what is open, with all changes that are under way, in place of the first input.

    Of the other inputs only the beginning is sent where they are larger than a graph file may be: the server would not
    read the request.

    Args:
        tab: The tab that is shown; by default the one that the page shows.
    """
    shown = "document.querySelector('#composer-dock [role=tab][aria-selected=true]')?.textContent?.trim() ?? ''"
    return f"""async (before, ...rest) => {{
        const canvas = window.composerCanvas;
        if (!canvas) return [before, ...rest];
        await canvas.idle();
        const file = canvas.currentFile ? canvas.currentFile() : {{}};
        const tab = {json.dumps(tab) if tab else shown};
        const opened = {{document: canvas.currentDocument(), selection: canvas.currentSelection(), tab, ...file}};
        const long = (value) => typeof value === 'string' && value.length > {MAX_BYTES};
        opened.cut = Math.max(0, ...rest.filter(long).map((text) => new Blob([text]).size));
        const sent = rest.map((value) => long(value) ? value.slice(0, {MAX_BYTES} + 1) : value);
        return [JSON.stringify(opened), ...sent];
    }}"""
