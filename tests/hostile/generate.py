"""Hostile files that are too large to keep: ``python tests/hostile/generate.py FOLDER`` writes them out to look at.

``CASES`` holds for each file what makes it, and the codes of the problems that reading it gives; none where it is a
graph.
"""

import random
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

SIZE = 2 * 2**20
HEAD = b"schema: 1\n"


def fill(start: bytes, unit: bytes, end: bytes = b"") -> Callable[[], bytes]:
    """A file of the largest size that is read: a unit as often as it fits."""
    return lambda: start + unit * ((SIZE - len(start) - len(end)) // len(unit)) + end


def numbered(start: bytes, unit: str, count: int, end: bytes = b"") -> Callable[[], bytes]:
    """A file in which a unit comes with numbers."""
    return lambda: start + "".join(unit.format(index) for index in range(count)).encode() + end


def noise(seed: int, alphabet: bytes) -> Callable[[], bytes]:
    """A file of random bytes."""
    return lambda: bytes(random.Random(seed).choices(alphabet, k=SIZE))


CASES: Mapping[str, tuple[Callable[[], bytes], set[str]]] = {
    "over_the_limit": (lambda: b"#" * (SIZE + 1), {"too-large"}),
    "brackets": (fill(b"", b"["), {"too-deep"}),
    "braces": (fill(b"", b"{a: "), {"too-deep"}),
    "dashes": (fill(b"", b"- "), {"too-deep"}),
    "questions": (fill(b"", b"? "), {"yaml-key", "too-deep"}),
    "bracket_pairs": (fill(b"[", b"[],", b"]"), {"too-large"}),
    "entries": (fill(b"[", b"a,", b"]"), {"too-large"}),
    "empty_entries": (fill(b"", b"-\n"), {"too-large"}),
    "numbers": (fill(b"[", b"1,", b"]"), {"too-large"}),
    "nulls": (fill(b"[", b"~,", b"]"), {"too-large"}),
    "bare_levels": (fill(b"[", b"a[1],", b"]"), {"too-large"}),
    "keys": (numbered(b"{", "k{}: 1,", 149_000, b"}"), {"missing-schema"}),
    "same_key": (fill(b"", b"a:\n"), {"duplicate-key"}),
    "documents": (fill(b"", b"--- a\n"), {"multiple-documents"}),
    "anchors": (fill(b"[", b"&a a,", b"]"), {"yaml-anchor"}),
    "aliases": (fill(b"[", b"*a,", b"]"), {"yaml-alias"}),
    "tags": (fill(b"[", b"!!python/object a,", b"]"), {"yaml-tag"}),
    "merge_keys": (fill(b"[", b"{<<: a},", b"]"), {"yaml-merge-key"}),
    "tag_directives": (numbered(b"", "%TAG !a{}! b\n", 100_000), {"yaml-tag"}),
    "comments": (fill(b"", b"#\n"), {"empty-file"}),
    "newlines": (fill(b"", b"\n"), {"empty-file"}),
    "spaces": (fill(b"", b" "), {"empty-file"}),
    "tabs": (fill(HEAD, b"\t"), {"yaml-syntax"}),
    "colons": (fill(b"", b":"), {"yaml-syntax"}),
    "colons_and_spaces": (fill(b"", b": "), {"yaml-syntax"}),
    "colon_then_spaces": (fill(HEAD + b"name:", b" "), set()),
    "commas_and_spaces": (fill(b"[", b", "), {"yaml-syntax"}),
    "nul": (fill(b"", b"\0"), {"not-utf8"}),
    "not_utf8": (fill(b"", b"\xff"), {"not-utf8"}),
    "late_not_utf8": (fill(b"", b"a\n", b"\xff"), {"not-utf8"}),
    "plain_text": (fill(b"", b"a "), {"bad-structure"}),
    "plain_lines": (fill(b"", b"a\n"), {"bad-structure"}),
    "quoted_escapes": (fill(b'"', b"\\n", b'"'), {"bad-structure"}),
    "quoted_quotes": (fill(b"'", b"''", b"'"), {"bad-structure"}),
    "literal": (fill(HEAD + b"about: |\n", b" a\n"), set()),
    "digits": (fill(b"schema: ", b"9"), {"huge-number"}),
    "decimals": (fill(b"schema: 0.", b"1"), {"huge-number"}),
    "hex_digits": (fill(b"schema: 0x", b"f"), {"huge-number"}),
    "many_long_numbers": (fill(b"[", b"9" * 599 + b",", b"]"), {"bad-structure"}),
    "hundred_thousand_digits": (lambda: b"schema: " + b"1" * 100_000, {"huge-number"}),
    "long_key": (fill(b"? ", b"a", b"\n: 1"), {"missing-schema"}),
    "long_name": (fill(HEAD + b"name: ", b"a"), set()),
    "long_id": (fill(HEAD + b"nodes:\n  ? ", b"a", b"\n  : {type: ReLU}"), {"illegal-id"}),
    "long_reference": (fill(HEAD + b"nodes: {a: {type: ReLU, inputs: {x: ", b"a", b"}}}"), set()),
    "long_mode": (fill(HEAD + b"outputs:\n  ? ", b"los", b"\n  : {a: b}"), {"bad-mode"}),
    "wrong_nodes": (numbered(HEAD + b"nodes:\n", "  n{}: 1\n", 149_000), {"bad-structure"}),
    "wrong_ids": (numbered(HEAD + b"nodes:\n", "  n-{}:\n", 149_000), {"illegal-id"}),
    "wrong_modes": (numbered(HEAD + b"outputs:\n", "  loss{}: {{}}\n", 90_000), {"bad-mode"}),
    "wrong_wires": (fill(HEAD + b"nodes: {a: {type: Add, inputs: {xs: [", b"1,", b"]}}}"), {"too-large"}),
    "many_wires": (fill(HEAD + b"nodes: {a: {type: Add, inputs: {xs: [", b"b.out[-1],", b"]}}}"), set()),
    "many_nodes": (numbered(HEAD + b"nodes:\n", "  n{}: {{type: ReLU, inputs: {{input: n.out}}}}\n", 29_000), set()),
    "many_params": (numbered(HEAD + b"nodes: {a: {type: X, params: {", "p{}: 1,", 149_000, b"}}}"), set()),
    "many_places": (numbered(HEAD + b"layout:\n", "  n{}: [1, 2]\n", 59_000), set()),
    "many_subgraphs": (numbered(HEAD + b"graphs:\n", "  g{}: {{nodes: {{}}}}\n", 49_000), set()),
    "many_documents_deep": (fill(b"", b"[" * 64 + b"]" * 64 + b"\n"), {"yaml-syntax"}),
    "noise": (noise(1, bytes(range(256))), {"not-utf8"}),
    "noise_of_signs": (noise(2, b"{}[],:?-&*!|>'\"%@`# \nab1"), {"yaml-syntax"}),
    "noise_of_letters": (noise(3, b"abcdefghijklmnop   \n"), {"bad-structure"}),
}


def main(folder: Path) -> None:
    """Write all files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (make, _) in CASES.items():
        (folder / f"{name}.yaml").write_bytes(make())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
