"""A picture that a person hands over: its file, which only a worker opens."""

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import ImageData

import composer

__all__ = ["PictureFile", "shipped_pictures"]

_EXAMPLES = Path(composer.__file__).parents[1] / "examples"


class PictureFile(gr.Image):
    """An image component whose value reaches a handler as the path of the uploaded file: nothing decodes it here."""

    def preprocess(self, payload: ImageData | None) -> Any:
        """The path of the file in Gradio's folder of uploads."""
        return None if payload is None else payload.path

    def get_block_name(self) -> str:
        """The front end draws it as an image."""
        return "image"


def shipped_pictures() -> list[Path]:
    """The pictures that come with composer; none where only the packages are installed."""
    return sorted(_EXAMPLES.glob("*/*.png"))
