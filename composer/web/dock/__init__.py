"""The dock under the canvas: Gradio tabs that run, show and export the graph that is open."""

from composer.web.dock.building import Dock, build_dock
from composer.web.dock.setting import Setting

__all__ = ["Dock", "Setting", "build_dock"]
