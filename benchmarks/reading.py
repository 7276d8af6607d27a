"""Reading a 5,000-node graph file, against PyYAML's own safe loader in C on the same bytes.

python -m benchmarks.reading
"""

import yaml

from benchmarks.check import blocks
from benchmarks.side_by_side import compare
from composer.graph.file import dumps, loads

__all__ = ["main"]


def main() -> None:
    text = dumps(blocks(5000)).encode()
    ours, theirs, ratio = compare(lambda: loads(text), lambda: yaml.load(text, yaml.CSafeLoader), rounds=7)
    print("reading a graph file of 5,000 nodes: bytes to a Graph with the position of every key")
    print(f"  {len(text) / 1000:.0f} kB: composer {ours:.0f} ms, PyYAML's C loader {theirs:.0f} ms, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
