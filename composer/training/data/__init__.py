"""Data sets: readers of formats, their report, and how columns meet the inputs of a graph."""

from composer.training.data.columns import ColumnMap, Made, check_wiring, wiring
from composer.training.data.index import IndexReport, index_report
from composer.training.data.source import ArraySource, Source, Subset, open_source, open_splits

__all__ = [
    "ArraySource",
    "ColumnMap",
    "IndexReport",
    "Made",
    "Source",
    "Subset",
    "check_wiring",
    "index_report",
    "open_source",
    "open_splits",
    "wiring",
]
