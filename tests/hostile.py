"""Hostile graph files: what each holds, and the codes of the problems that it gives.

The first three tables hold files of a few lines: those that reading refuses, those that open and that the rules refuse,
and those that only the bounds of what is built refuse. ``LARGE`` holds what makes files of the largest size that is
read. ``python -m tests.hostile FOLDER`` writes all of them to a folder to look at.
"""

import random
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

__all__ = ["LARGE", "REFUSED_WHEN_CHECKED", "REFUSED_WHEN_COMPILED", "REFUSED_WHEN_READ"]

Files = Mapping[str, tuple[set[str], bytes]]

REFUSED_WHEN_READ: Files = {
    "utf16_le": ({"not-utf8"}, "schema: 1\n".encode("utf-16")),
    "utf16_be": ({"not-utf8"}, b"\xfe\xff" + "schema: 1\n".encode("utf-16-be")),
    "utf16_without_bom": ({"not-utf8"}, "schema: 1\n".encode("utf-16-le")),
    "utf32": ({"not-utf8"}, "schema: 1\n".encode("utf-32")),
    "latin1": ({"not-utf8"}, b"schema: 1\nname: caf\xe9\n"),
    "lone_surrogate": ({"not-utf8"}, b"schema: 1\nname: \xed\xa0\x80\n"),
    "overlong_utf8": ({"not-utf8"}, b"schema: 1\nname: \xc0\xaf\n"),
    "surrogate_escape": ({"yaml-syntax"}, b'schema: 1\nname: "\\ud800"\n'),
    "nul": ({"yaml-syntax"}, b"schema: 1\nname: a\x00b\n"),
    "all_nul": ({"not-utf8"}, bytes(64)),
    "bell": ({"yaml-syntax"}, b"schema: 1\nname: \x07\n"),
    "escape_sequence": ({"yaml-syntax"}, b"schema: 1\nname: \x1b[31mred\n"),
    "binary": ({"not-utf8"}, bytes(range(256))),
    "elf": ({"not-utf8"}, b"\x7fELF\x02\x01\x01\x00\x00\x00\x00"),
    "bom_inside": ({"yaml-syntax"}, b"schema: 1\n\xef\xbb\xbfname: x\n"),
    "newline_in_name": ({"bad-structure"}, b'schema: 1\nname: "a\\n\\"\\"\\"\\nimport os"\n'),
    "empty": ({"empty-file"}, b""),
    "only_comment": ({"empty-file"}, b"# nothing here\n"),
    "only_bom": ({"empty-file"}, b"\xef\xbb\xbf"),
    "tab_indent": ({"yaml-syntax"}, b"schema: 1\nnodes:\n\tconv: {type: Conv2d}\n"),
    "unterminated_double": ({"yaml-syntax"}, b'schema: 1\nname: "never closed\n'),
    "unterminated_single": ({"yaml-syntax"}, b"schema: 1\nname: 'never closed\n"),
    "unterminated_brace": ({"yaml-syntax"}, b"schema: 1\nnodes: {conv: {type: Conv2d\n"),
    "wrong_bracket": ({"yaml-syntax"}, b"schema: 1\nnodes: {conv: [}\n"),
    "bad_escape": ({"yaml-syntax"}, b'schema: 1\nname: "\\q"\n'),
    "bad_indent": ({"yaml-syntax"}, b"schema: 1\nnodes:\n    a: {type: ReLU}\n  b: {type: ReLU}\n"),
    "at_sign": ({"yaml-syntax"}, b"schema: 1\nname: @home\n"),
    "percent": ({"yaml-syntax"}, b"%YAML 9.9\n---\nschema: 1\n"),
    "unknown_directive": ({"yaml-syntax"}, b"%INCLUDE /etc/passwd\n---\nschema: 1\n"),
    "two_documents": ({"multiple-documents"}, b"schema: 1\n---\nschema: 1\n"),
    "python_source": ({"bad-structure"}, b"import os\nos.system('true')\n"),
    "json_with_comments": ({"yaml-syntax"}, b'{"schema": 1, // one\n "nodes": {}}\n'),
    "html": ({"bad-structure"}, b"<!DOCTYPE html>\n<html><body>404</body></html>\n"),
    "billion_laughs": (
        {"yaml-alias", "yaml-anchor"},
        b"""\
schema: 1
a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]
b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]
c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]
d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]
e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]
f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e]
g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f]
h: &h [*g, *g, *g, *g, *g, *g, *g, *g, *g]
i: &i [*h, *h, *h, *h, *h, *h, *h, *h, *h]
""",
    ),
    "alias_to_itself": ({"yaml-alias", "yaml-anchor"}, b"schema: 1\nnodes: &n\n  a: *n\n"),
    "alias_of_nothing": ({"yaml-alias"}, b"schema: 1\nnodes: *nothing\n"),
    "alias_as_key": ({"yaml-alias"}, b"schema: 1\n*k : 1\n"),
    "anchor_unused": ({"yaml-anchor"}, b"schema: &one 1\n"),
    "tag_python_object": ({"yaml-tag"}, b"schema: 1\nname: !!python/object/apply:os.system ['echo hostile']\n"),
    "tag_python_name": ({"yaml-tag"}, b"schema: 1\nnodes: {a: {type: !!python/name:os.system ''}}\n"),
    "tag_local": ({"yaml-tag"}, b"schema: 1\nnodes: !include other.yaml\n"),
    "tag_str": ({"yaml-tag"}, b"schema: 1\nname: !!str 1\n"),
    "tag_binary": ({"yaml-tag"}, b"schema: 1\nname: !!binary aGVsbG8=\n"),
    "tag_set": ({"yaml-tag"}, b"schema: 1\nnodes: !!set {a, b}\n"),
    "tag_bang": ({"yaml-tag"}, b"schema: 1\nname: ! 12\n"),
    "tag_handle": ({"yaml-tag"}, b"%TAG !e! tag:example.com,2000:\n---\nschema: !e!x 1\n"),
    "merge_key": ({"yaml-merge-key"}, b"schema: 1\nnodes:\n  a: {<<: {type: ReLU}}\n"),
    "merge_key_aliases": (
        {"yaml-alias", "yaml-anchor", "yaml-merge-key"},
        b"""\
schema: 1
base: &b {type: ReLU}
nodes:
  a: {<<: [*b, *b]}
""",
    ),
    "duplicate_top": ({"duplicate-key"}, b"schema: 1\nnodes: {}\nnodes: {}\n"),
    "duplicate_node": (
        {"duplicate-key"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  conv: {type: Conv2d, params: {out_channels: 4, kernel_size: 3}, inputs: {input: image}}
  conv: {type: Conv2d, params: {out_channels: 4, kernel_size: 3}, inputs: {input: image}}
outputs:
  tensor: {out: conv.out}
""",
    ),
    "duplicate_param": (
        {"duplicate-key"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  conv: {type: Conv2d, params: {out_channels: 4, kernel_size: 3, out_channels: 8}, inputs: {input: image}}
outputs:
  tensor: {out: conv.out}
""",
    ),
    "duplicate_quoted": (
        {"duplicate-key"},
        b"""\
schema: 1
nodes: {"a": {type: ReLU}, a: {type: ReLU}, 'a': {type: ReLU}}
""",
    ),
    "key_number": ({"yaml-key"}, b"schema: 1\nnodes: {1: {type: ReLU}}\n"),
    "key_null": ({"yaml-key"}, b"schema: 1\nnodes: {~: {type: ReLU}, true: {type: ReLU}, .nan: {type: ReLU}}\n"),
    "key_list": ({"yaml-key"}, b"schema: 1\nnodes: {[a, b]: {type: ReLU}}\n"),
    "key_mapping": ({"yaml-key"}, b"schema: 1\n? {a: 1}\n: b\n"),
    "deep_65_flow": ({"too-deep"}, b"schema: 1\ndeep: " + b"[" * 64 + b"]" * 64 + b"\n"),
    "deep_65_block": (
        {"too-deep"},
        b"schema: 1\n" + b"".join(b" " * depth + b"a:\n" for depth in range(65)) + b" " * 65 + b"b: 1\n",
    ),
    "deep_unclosed": (
        {"too-deep"},
        b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
        b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
        b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
        b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
        b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
        b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
        b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
        b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
        b"[[[[[[[[[[[[[[[[[[[[",
    ),
    "deep_mixed": (
        {"too-deep"},
        b"{a: [{a: [{a: [{a: [{a: [{a: [{a: [{a: [{a: [{a: [{a: [{a: ["
        b"{a: [{a: [{a: [{a: [{a: [{a: [{a: [{a: [{a: [{a: [{a: [{a: ["
        b"{a: [{a: [{a: [{a: [{a: [{a: [{a: [{a: [{a: [{a: [{a: [{a: ["
        b"{a: [{a: [{a: [{a: [{a: [{a: [{a: [{a: [{a: [{a: [{a: [{a: ["
        b"{a: [{a: [{a: [{a: [{a: [{a: [{a: [{a: [{a: [{a: [{a: [{a: [",
    ),
    "deep_questions": (
        {"too-deep", "yaml-key"},
        b"? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? "
        b"? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? "
        b"? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? "
        b"? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? "
        b"? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? "
        b"? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? "
        b"? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ? ",
    ),
    "deep_dashes": (
        {"too-deep"},
        b"- - - - - - - - - - - - - - - - - - - - - - - - - - - - - - "
        b"- - - - - - - - - - - - - - - - - - - - - - - - - - - - - - "
        b"- - - - - - - - - - - - - - - - - - - - - - - - - - - - - - "
        b"- - - - - - - - - - - - - - - - - - - - - - - - - - - - - - "
        b"- - - - - - - - - - - - - - - - - - - - - - - - - - - - - - "
        b"- - - - - - - - - - - - - - - - - - - - - - - - - - - - - - "
        b"- - - - - - - - - - - - - - - - - - - - ",
    ),
    "huge_int_700_digits": (
        {"huge-number"},
        b"schema: 9999999999999999999999999999999999999999999999999999"
        b"999999999999999999999999999999999999999999999999999999999999"
        b"999999999999999999999999999999999999999999999999999999999999"
        b"999999999999999999999999999999999999999999999999999999999999"
        b"999999999999999999999999999999999999999999999999999999999999"
        b"999999999999999999999999999999999999999999999999999999999999"
        b"999999999999999999999999999999999999999999999999999999999999"
        b"999999999999999999999999999999999999999999999999999999999999"
        b"999999999999999999999999999999999999999999999999999999999999"
        b"999999999999999999999999999999999999999999999999999999999999"
        b"999999999999999999999999999999999999999999999999999999999999"
        b"999999999999999999999999999999999999999999999999\n",
    ),
    "huge_hex": (
        {"huge-number"},
        b"schema: 0xffffffffffffffffffffffffffffffffffffffffffffffffff"
        b"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        b"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        b"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        b"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        b"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        b"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        b"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        b"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        b"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        b"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        b"ffffffffffffffffffffffffffffffffffffffffffffffffff\n",
    ),
    "huge_float": (
        {"huge-number"},
        b"schema: 1\n"
        b"nodes: {a: {type: X, params: {x: 0.1111111111111111111111111"
        b"111111111111111111111111111111111111111111111111111111111111"
        b"111111111111111111111111111111111111111111111111111111111111"
        b"111111111111111111111111111111111111111111111111111111111111"
        b"111111111111111111111111111111111111111111111111111111111111"
        b"111111111111111111111111111111111111111111111111111111111111"
        b"111111111111111111111111111111111111111111111111111111111111"
        b"111111111111111111111111111111111111111111111111111111111111"
        b"111111111111111111111111111111111111111111111111111111111111"
        b"111111111111111111111111111111111111111111111111111111111111"
        b"111111111111111111111111111111111111111111111111111111111111"
        b"111111111111111111111111111111111111111111111111111111111111"
        b"111111111111111}}}\n",
    ),
    "schema_2": ({"future-schema"}, b"schema: 2\nwires: [a, b]\n"),
    "schema_huge": (
        {"future-schema"},
        b"schema: 9999999999999999999999999999999999999999999999999999"
        b"999999999999999999999999999999999999999999999999999999999999"
        b"999999999999999999999999999999999999999999999999999999999999"
        b"999999999999999999999999999999999999999999999999999999999999"
        b"999999999999999999999999999999999999999999999999999999999999"
        b"999999999999999999999999999999999999999999999999999999999999"
        b"999999999999999999999999999999999999999999999999999999999999"
        b"999999999999999999999999999999999999999999999999999999999999"
        b"9999999999999999999999999999\n",
    ),
    "schema_0": ({"bad-schema"}, b"schema: 0\n"),
    "schema_minus_1": ({"bad-schema"}, b"schema: -1\n"),
    "schema_1_5": ({"bad-schema"}, b"schema: 1.5\n"),
    "schema_text": ({"bad-schema"}, b'schema: "1"\n'),
    "schema_true": ({"bad-schema"}, b"schema: true\n"),
    "schema_nan": ({"bad-schema"}, b"schema: .nan\n"),
    "schema_list": ({"bad-schema"}, b"schema: [1]\n"),
    "schema_null": ({"bad-schema"}, b"schema:\n"),
    "schema_missing": ({"missing-schema"}, b"nodes: {}\n"),
    "top_list": ({"bad-structure"}, b"- schema: 1\n"),
    "top_text": ({"bad-structure"}, b"hello\n"),
    "top_null": ({"bad-structure"}, b"~\n"),
    "nodes_list": ({"bad-structure"}, b"schema: 1\nnodes: [a, b]\n"),
    "nodes_text": ({"bad-structure"}, b"schema: 1\nnodes: all\n"),
    "node_number": ({"bad-structure"}, b"schema: 1\nnodes: {a: 3}\n"),
    "type_number": ({"bad-structure"}, b"schema: 1\nnodes: {a: {type: 3}, b: {type: [ReLU]}, c: {graph: {}}}\n"),
    "params_list": ({"bad-structure"}, b"schema: 1\nnodes: {a: {type: ReLU, params: [1, 2]}}\n"),
    "inputs_list": ({"bad-structure"}, b"schema: 1\ninputs: [image]\n"),
    "input_text": ({"bad-structure"}, b"schema: 1\ninputs: {image: Image}\n"),
    "shape_text": ({"bad-structure"}, b"schema: 1\ninputs: {image: {type: Image, shape: B3HW}}\n"),
    "shape_of_lists": (
        {"bad-structure"},
        b"""\
schema: 1
inputs: {image: {type: Image, shape: [[1], {}, 1.5, true, null]}}
""",
    ),
    "preprocess_wrong": (
        {"bad-preprocess"},
        b"schema: 1\n"
        b"inputs: {image: {type: Image, preprocess: {resize: -1, crop:"
        b" big, channels: rgba, mean: [1, 2], std: [0, 0, 0], flip: 1}"
        b"}}\n",
    ),
    "classes_numbers": ({"bad-structure"}, b"schema: 1\nclasses: [0, 1, null]\n"),
    "classes_mapping": ({"bad-structure"}, b"schema: 1\nclasses: {0a: cat}\n"),
    "frozen_yes": ({"bad-structure"}, b"schema: 1\nnodes: {a: {type: ReLU, frozen: yes}}\n"),
    "wire_number": (
        {"bad-reference"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  conv: {type: Conv2d, inputs: {input: 3}}
  add: {type: Add, inputs: {xs: [1, 2.5, true, null]}}
outputs:
  tensor: {out: conv.out}
""",
    ),
    "wire_nested_list": (
        {"bad-reference"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  add: {type: Add, inputs: {xs: [[image], [[image]]]}}
outputs:
  tensor: {out: add}
""",
    ),
    "wire_nested_modes": (
        {"bad-reference"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  relu: {type: ReLU, inputs: {input: {loss: {loss: image}}}}
outputs:
  tensor: {out: relu}
""",
    ),
    "wire_bad_mode": (
        {"bad-mode"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  relu: {type: ReLU, inputs: {input: {train: image, los: image}}}
outputs:
  tensor: {out: relu}
""",
    ),
    "wire_code": (
        {"bad-reference"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  relu: {type: ReLU, inputs: {input: "image); import os; os.system('true'"}}
outputs:
  tensor: {out: relu}
""",
    ),
    "wire_dunder": (
        {"bad-reference"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  relu: {type: ReLU, inputs: {input: image.__class__.__mro__}}
outputs:
  tensor: {out: relu}
""",
    ),
    "wire_huge_index": (
        {"bad-reference"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  relu: {type: ReLU, inputs: {input: 'image[99999999999999999999]'}}
outputs:
  tensor: {out: relu}
""",
    ),
    "output_list": ({"bad-reference"}, b"schema: 1\noutputs: {tensor: {out: [a, b]}}\n"),
    "output_bad_mode": ({"bad-mode"}, b"schema: 1\noutputs: {train: {out: a}, Tensor: {out: a}}\n"),
    "output_name_code": ({"illegal-id"}, b'schema: 1\noutputs: {tensor: {"x\\": __import__(\'os\')}#": a}}\n'),
    "layout_list": ({"bad-structure"}, b"schema: 1\nlayout: [1, 2]\n"),
    "layout_wrong": (
        {"bad-structure"},
        b"""\
schema: 1
layout: {a: far, b: [1], c: [1, 2, 3], d: [x, y], e: {x: 1}, f: [.nan, .inf], g: [true, false]}
""",
    ),
    "weights_wrong": (
        {"bad-structure"},
        b"""\
schema: 1
nodes:
  a: {weights: {share: b, momentum: c}}
  b: {weights: {steal: c}}
  c: {weights: 3}
  d: {weights: {momentum: a, decay: fast}}
  e: {weights: {momentum: a, update: never}}
  f: {weights: {share: a, decay: 0.5}}
""",
    ),
    "id_dunder_class": ({"illegal-id"}, b"schema: 1\nnodes: {__class__: {type: ReLU}}\n"),
    "id_dunder_init": ({"illegal-id"}, b"schema: 1\nnodes: {__init__: {type: ReLU}}\n"),
    "id_forward": ({"illegal-id"}, b"schema: 1\nnodes: {forward: {type: ReLU}}\n"),
    "id_state_dict": ({"illegal-id"}, b"schema: 1\nnodes: {state_dict: {type: ReLU}}\n"),
    "id_training": ({"illegal-id"}, b"schema: 1\nnodes: {training: {type: ReLU}}\n"),
    "id_graph": ({"illegal-id"}, b"schema: 1\nnodes: {graph: {type: ReLU}}\n"),
    "id_save": ({"illegal-id"}, b"schema: 1\nnodes: {save: {type: ReLU}}\n"),
    "id_keyword": (
        {"illegal-id"},
        b"""\
schema: 1
nodes: {class: {type: ReLU}, lambda: {type: ReLU}, "None": {type: ReLU}}
""",
    ),
    "id_code": (
        {"illegal-id"},
        b"""\
schema: 1
nodes: {"import os": {type: ReLU}, "x = 1; import os": {type: ReLU}}
""",
    ),
    "id_dot": ({"illegal-id"}, b"schema: 1\nnodes: {a.b: {type: ReLU}, ../../etc/passwd: {type: ReLU}}\n"),
    "id_digit": (
        {"illegal-id"},
        b"""\
schema: 1
nodes: {1st: {type: ReLU}, a-b: {type: ReLU}, "": {type: ReLU}, " a": {type: ReLU}}
""",
    ),
    "id_lookalike": (
        {"illegal-id"},
        b"schema: 1\n"
        b"nodes: {b\xd0\xb0ckbone: {type: ReLU}, \xef\xbd\x86orward: {type: ReLU}, \xe2\x84"
        b"\xaa: {type: ReLU}}\n",
    ),
    "id_invisible": (
        {"illegal-id"},
        b'schema: 1\nnodes: {"neck\\u200b": {type: ReLU}, "\\u202eneck": {type: ReLU}, "neck\\n": {type: ReLU}}\n',
    ),
    "id_alike": (
        {"illegal-id"},
        b"schema: 1\n"
        b"nodes: {cop: {type: ReLU}, \xd1\x81\xd0\xbe\xd1\x80: {type: ReLU}, \xe5\x8f\xa3: {type:"
        b" ReLU}, \xe3\x83\xad: {type: ReLU}}\n",
    ),
    "id_not_normal": (
        {"illegal-id"},
        b'schema: 1\nnodes: {\xef\xac\x81x: {type: ReLU}, "e\\u0301": {type: ReLU}, "a\\ufe0f": {type: ReLU}}\n',
    ),
    "id_long": (
        {"illegal-id"},
        b"schema: 1\n"
        b"nodes: {aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: {type: Re"
        b"LU}}\n",
    ),
    "id_input": ({"illegal-id"}, b'schema: 1\ninputs: {"a: int = os": {type: Image}, def: {type: Image}}\n'),
    "id_data_sample": ({"illegal-id"}, b"schema: 1\ndata_samples: {__dict__: {type: Label}}\n"),
    "id_subgraph": ({"illegal-id"}, b'schema: 1\ngraphs: {"a b": {}, ok: {params: {1x: 2}, outputs: {a-b: x}}}\n'),
    "id_twice": (
        {"duplicate-id"},
        b"""\
schema: 1
inputs: {image: {type: Image}}
data_samples: {image: {type: Label}, conv: {type: Label}}
nodes: {conv: {type: Conv2d}, image: {type: ReLU}}
""",
    ),
}

REFUSED_WHEN_CHECKED: Files = {
    "cycle": (
        {"cycle"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  a: {type: ReLU, inputs: {input: b.out}}
  b: {type: ReLU, inputs: {input: a.out}}
outputs:
  tensor: {out: a.out}
""",
    ),
    "self_loop": (
        {"cycle"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  a: {type: ReLU, inputs: {input: a.out}}
outputs:
  tensor: {out: a.out}
""",
    ),
    "subgraph_calls_itself": (
        {"recursive-subgraph"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
graphs:
  g:
    inputs: {x: {type: FeatureMap}}
    nodes: {again: {graph: g, inputs: {x: x}}}
    outputs: {out: again.out}
nodes:
  a: {graph: g, inputs: {input: image}}
outputs:
  tensor: {out: a.out}
""",
    ),
    "subgraph_ring": (
        {"recursive-subgraph"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
graphs:
  f:
    inputs: {x: {type: FeatureMap}}
    nodes: {n: {graph: g, inputs: {x: x}}}
    outputs: {out: n.out}
  g:
    inputs: {x: {type: FeatureMap}}
    nodes: {n: {graph: h, inputs: {x: x}}}
    outputs: {out: n.out}
  h:
    inputs: {x: {type: FeatureMap}}
    nodes: {n: {graph: f, inputs: {x: x}}}
    outputs: {out: n.out}
nodes:
  a: {graph: f, inputs: {input: image}}
outputs:
  tensor: {out: a.out}
""",
    ),
    "subgraph_doubling": (
        {"too-many-nodes"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
graphs:
  g0:
    inputs: {x: {type: FeatureMap}}
    nodes: {n: {type: ReLU, inputs: {input: x}}}
    outputs: {out: n.out}
  g1:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g0, inputs: {x: x}}, b: {graph: g0, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g2:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g1, inputs: {x: x}}, b: {graph: g1, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g3:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g2, inputs: {x: x}}, b: {graph: g2, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g4:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g3, inputs: {x: x}}, b: {graph: g3, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g5:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g4, inputs: {x: x}}, b: {graph: g4, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g6:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g5, inputs: {x: x}}, b: {graph: g5, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g7:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g6, inputs: {x: x}}, b: {graph: g6, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g8:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g7, inputs: {x: x}}, b: {graph: g7, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g9:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g8, inputs: {x: x}}, b: {graph: g8, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g10:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g9, inputs: {x: x}}, b: {graph: g9, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g11:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g10, inputs: {x: x}}, b: {graph: g10, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g12:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g11, inputs: {x: x}}, b: {graph: g11, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g13:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g12, inputs: {x: x}}, b: {graph: g12, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g14:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g13, inputs: {x: x}}, b: {graph: g13, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g15:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g14, inputs: {x: x}}, b: {graph: g14, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g16:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g15, inputs: {x: x}}, b: {graph: g15, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g17:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g16, inputs: {x: x}}, b: {graph: g16, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g18:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g17, inputs: {x: x}}, b: {graph: g17, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g19:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g18, inputs: {x: x}}, b: {graph: g18, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g20:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g19, inputs: {x: x}}, b: {graph: g19, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g21:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g20, inputs: {x: x}}, b: {graph: g20, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g22:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g21, inputs: {x: x}}, b: {graph: g21, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g23:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g22, inputs: {x: x}}, b: {graph: g22, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g24:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g23, inputs: {x: x}}, b: {graph: g23, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g25:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g24, inputs: {x: x}}, b: {graph: g24, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g26:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g25, inputs: {x: x}}, b: {graph: g25, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g27:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g26, inputs: {x: x}}, b: {graph: g26, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g28:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g27, inputs: {x: x}}, b: {graph: g27, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g29:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g28, inputs: {x: x}}, b: {graph: g28, inputs: {x: a.out}}}
    outputs: {out: b.out}
  g30:
    inputs: {x: {type: FeatureMap}}
    nodes: {a: {graph: g29, inputs: {x: x}}, b: {graph: g29, inputs: {x: a.out}}}
    outputs: {out: b.out}
nodes:
  a: {graph: g30, inputs: {input: image}}
outputs:
  tensor: {out: a.out}
""",
    ),
    "shape_huge": (
        {"bad-shape"},
        b"""\
schema: 1
inputs:
  image: {type: Image, shape: [1, 3, 1000000000000, 1000000000000]}
nodes:
  a: {type: ReLU, inputs: {input: image}}
outputs:
  tensor: {out: a.out}
""",
    ),
    "shape_negative": (
        {"bad-shape"},
        b"""\
schema: 1
inputs:
  image: {type: Image, shape: [-1, 0, 8, 8]}
nodes:
  a: {type: ReLU, inputs: {input: image}}
outputs:
  tensor: {out: a.out}
""",
    ),
    "type_import": (
        {"unknown-type"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  a: {type: os.system, inputs: {input: image}}
  b: {type: __import__, inputs: {x: image}}
  c: {type: torch.nn.Module, inputs: {x: image}}
outputs:
  tensor: {out: a.out}
""",
    ),
    "type_path": (
        {"unknown-type"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  a: {type: ../../evil.py, inputs: {input: image}}
outputs:
  tensor: {out: a.out}
""",
    ),
    "param_dunder": (
        {"unknown-parameter"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  a: {type: ReLU, params: {__class__: x, self: 1}, inputs: {input: image}}
outputs:
  tensor: {out: a.out}
""",
    ),
    "param_kwargs": (
        {"unknown-parameter"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  a: {type: Conv2d, params: {'**kwargs': {device: cuda}, out_channels: 4, kernel_size: 3}, inputs: {input: image}}
outputs:
  tensor: {out: a.out}
""",
    ),
    "param_nan": (
        {"bad-parameter"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  a: {type: Conv2d, params: {out_channels: .nan, kernel_size: .inf}, inputs: {input: image}}
outputs:
  tensor: {out: a.out}
""",
    ),
    "param_negative": (
        {"bad-parameter"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  a: {type: Conv2d, params: {out_channels: -4, kernel_size: 0}, inputs: {input: image}}
outputs:
  tensor: {out: a.out}
""",
    ),
    "port_dunder": (
        {"unknown-port"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  a: {type: ReLU, inputs: {input: image}}
  b: {type: ReLU, inputs: {input: a.__class__, __call__: a.out}}
outputs:
  tensor: {out: b.out}
""",
    ),
    "wire_to_nothing": (
        {"unknown-node"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  a: {type: ReLU, inputs: {input: nothing.out}}
outputs:
  tensor: {out: a.out}
""",
    ),
    "index_huge": (
        {"bad-index"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  a: {type: ReLU, inputs: {input: 'image[999999999]'}}
outputs:
  tensor: {out: a.out}
""",
    ),
    "weights_ring": (
        {"weights-cycle"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  a: {weights: {share: b}, inputs: {input: image}}
  b: {weights: {share: a}, inputs: {x: image}}
outputs:
  tensor: {out: a.out}
""",
    ),
    "weights_self": (
        {"weights-cycle"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  a: {weights: {momentum: a}, inputs: {input: image}}
outputs:
  tensor: {out: a.out}
""",
    ),
    "weights_nothing": (
        {"unknown-weights"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  a: {weights: {share: 'a b; import os'}, inputs: {input: image}}
outputs:
  tensor: {out: a.out}
""",
    ),
    "decay_wrong": (
        {"weights-momentum"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  a: {type: Conv2d, params: {out_channels: 4, kernel_size: 3}, inputs: {input: image}}
  b: {weights: {momentum: a, decay: 7}, inputs: {x: image}}
outputs:
  tensor: {out: a.out}
""",
    ),
    "unknown_keys": (
        {"unknown-key"},
        b"""\
schema: 1
imports: [os]
plugins: {path: /tmp/evil.py}
nodes: {a: {type: ReLU, class: os.system, __reduce__: [1]}}
""",
    ),
    "node_empty": (
        {"missing-type"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  a:
  b: {}
outputs:
  tensor: {out: conv.out}
""",
    ),
    "two_types": (
        {"two-types"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  a: {type: ReLU, graph: g, inputs: {input: image}}
outputs:
  tensor: {out: a.out}
""",
    ),
    "no_outputs": ({"no-output"}, b"schema: 1\n"),
    "layers_10_6": (
        {"too-many-layers"},
        b"schema: 1\n"
        b"name: hostile\n"
        b"inputs:\n"
        b"  image: {type: Image, shape: [B, 3, 8, 8]}\n"
        b"nodes:\n"
        b"  stack: {type: VisionTransformer, params: {arch: {embed_dim"
        b"s: 32, num_layers: 1000000, num_heads: 2, feedforward_channe"
        b"ls: 64}, img_size: 8, patch_size: 4}, inputs: {image: image}"
        b"}\n"
        b"outputs:\n"
        b"  tensor: {out: stack.out}\n",
    ),
}

REFUSED_WHEN_COMPILED: Files = {
    "parameters_10_12": (
        {"too-many-parameters"},
        b"""\
schema: 1
name: hostile
inputs:
  image: {type: Image, shape: [B, 3, 8, 8]}
nodes:
  flat: {type: Flatten, inputs: {input: image}}
  linear: {type: Linear, params: {in_features: 192, out_features: 1000000000000}, inputs: {input: flat.out}}
outputs:
  tensor: {out: linear.out}
""",
    ),
}

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


LARGE: Mapping[str, tuple[Callable[[], bytes], set[str]]] = {
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
    for name, (_, text) in {**REFUSED_WHEN_READ, **REFUSED_WHEN_CHECKED, **REFUSED_WHEN_COMPILED}.items():
        (folder / f"{name}.yaml").write_bytes(text)
    for name, (make, _) in LARGE.items():
        (folder / f"{name}.yaml").write_bytes(make())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
