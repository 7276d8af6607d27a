"""An image that a person hands over: its file, which only a worker opens."""

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import ImageData

import composer

__all__ = ["image_file", "shipped_images"]

_EXAMPLES = Path(composer.__file__).parents[1] / "examples"


def image_file(**options: Any) -> gr.Image:
    """An image component whose value reaches a handler as the path of the uploaded file: nothing decodes it here.

    No handler may update its properties: Gradio would make it anew, and decode the next image in the server.
    """
    image = gr.Image(type="filepath", image_mode=None, format="png", **options)
    vars(image)["preprocess"] = _path_of  # a subclass would do, but for those Gradio writes stubs into the package
    return image


def shipped_images() -> list[Path]:
    """The images that come with composer; none where only the packages are installed."""
    return sorted(_EXAMPLES.glob("*/*.png"))


def _path_of(payload: ImageData | None) -> str | None:
    """The path of the file in Gradio's folder of uploads; Gradio has made sure that it lies there."""
    return None if payload is None else payload.path
