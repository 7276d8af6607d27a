"""Where boxes stand: one answer for the canvas and for drawings."""

from composer.export.layout.added import place_new
from composer.export.layout.pieces import Box, Link
from composer.export.layout.ways import Ways
from composer.export.layout.whole import arrange

__all__ = ["Box", "Link", "Ways", "arrange", "place_new"]
