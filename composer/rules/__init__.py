"""Everything that is wrong with a graph, found in one pass and without running anything."""

from composer.rules.graph import check, port_types

__all__ = ["check", "port_types"]
