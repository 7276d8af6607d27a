"""Data sets: readers of formats, their report, and how columns meet the inputs of a graph."""

from composer.training.data.columns import Made, Wiring, check_wiring, wiring
from composer.training.data.index import IndexReport, index_report
from composer.training.data.source import ArraySource, Source, Subset, open_source, open_splits

__all__ = [
    "ArraySource",
    "IndexReport",
    "Made",
    "Source",
    "Subset",
    "Wiring",
    "check_wiring",
    "index_report",
    "open_source",
    "open_splits",
    "wiring",
]
