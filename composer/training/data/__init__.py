"""Data sets: readers of formats, their report, and how columns meet the inputs of a graph."""

from composer.training.data.source import ArraySource, Source, Subset, open_source, open_splits

__all__ = ["ArraySource", "Source", "Subset", "open_source", "open_splits"]
