"""Graph files: careful YAML, the document form, canonical text, and writing that never leaves half a file."""

from composer.graph.file.files import atomic_write, dumps, loads, positions, read, shipped_graphs, write

__all__ = ["atomic_write", "dumps", "loads", "positions", "read", "shipped_graphs", "write"]
