"""The page: the canvas that fills the window, and the dock below it."""

import hashlib
from pathlib import Path
from typing import Any

import gradio as gr

from composer.web.api import Api
from composer.web.calls import calls_of
from composer.web.canvas import graph_canvas
from composer.web.dock import build_dock
from composer.web.services import Services

__all__ = ["STATIC", "blocks_of", "page_styles", "theme"]

STATIC = Path(__file__).parent / "static"
"""The bundle of ``frontend/``, as ``make web`` builds it."""

_PAGE_STYLES = (Path(__file__).parent / "page.css", Path(__file__).parent / "dock" / "dock.css")


def blocks_of(services: Services, static: Path = STATIC) -> gr.Blocks:
    """The Gradio app.

    Args:
        services: What stands behind the page.
        static: Where the bundle lies.
    """
    mark = _mark(static)
    blocks = gr.Blocks(title="composer", analytics_enabled=False, fill_width=True)
    with blocks:
        canvas = graph_canvas(
            calls_of(services.actions, services.files, services.training, services.programs, services.dock.passes),
            bundle=f"/composer-static/composer.js?v={mark}",
            styles=f"/composer-static/composer.css?v={mark}",
            elem_id="composer-canvas",
        )
        with gr.Column(elem_id="composer-dock"):
            build_dock(canvas, services.dock)
        Api(services.dock, services.actions).register()
    return blocks


def page_styles() -> str:
    """The style sheet of the page around the canvas."""
    return "\n".join(path.read_text("utf-8") for path in _PAGE_STYLES if path.is_file())


def theme() -> Any:
    """Gradio's look, with the fonts that the machine has: nothing is fetched from elsewhere."""
    fonts = ["ui-sans-serif", "system-ui", "Segoe UI", "DejaVu Sans", "sans-serif"]
    mono = ["ui-monospace", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace"]
    return gr.themes.Base(primary_hue="blue", neutral_hue="slate", font=fonts, font_mono=mono, radius_size="sm")


def _mark(static: Path) -> str:
    """Changes with the bundle, so that no browser keeps an old one."""
    bundle = static / "composer.js"
    return hashlib.sha256(bundle.read_bytes()).hexdigest()[:12] if bundle.is_file() else "none"
