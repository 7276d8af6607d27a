"""Where boxes stand: one answer for the canvas and for drawings."""

from composer.arranging.added import place_new
from composer.arranging.pieces import Box, Link
from composer.arranging.ways import Ways
from composer.arranging.whole import arrange

__all__ = ["Box", "Link", "Ways", "arrange", "place_new"]
