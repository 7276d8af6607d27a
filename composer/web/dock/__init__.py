"""The dock under the canvas: Gradio tabs that run, show and export the graph that is open."""

from composer.web.dock.sources import Setting
from composer.web.dock.tabs import Dock, build_dock

__all__ = ["Dock", "Setting", "build_dock"]
