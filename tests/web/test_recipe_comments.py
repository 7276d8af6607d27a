"""A recipe that a form edits keeps its comments: at their keys, and where a key is gone, near what it was in."""

import re

import pytest

from composer.graph.file.yamltext import parse
from composer.graph.file.yamlwriter import dump
from composer.web.training.comments import rewritten

TEXT = """\
# Baseline of the lab.
# Do not change without asking.

schema: 1
graph: graph.yaml

data:  # on the large disk
  train: {path: "a # b"}  # "quoted" text
epochs: 10  # as in the paper
# AdamW was worse.
optimizer:
  type: SGD
  lr: 0.1  # for batch 256
  momentum: 0.9
augment:
  image:
    # crops first
    - flip  # mirrored
    - {rotate: {degrees: [-5, 5]}}
about: |
  # no comment, but text
  of two lines
# the end
"""


def comments(text: str) -> list[str]:
    return re.findall(r"# (?!b|no comment).*", text)


def test_a_text_that_does_not_change_keeps_its_comments_and_blank_lines_in_place() -> None:
    data, _ = parse(TEXT)
    written = rewritten(TEXT, data)
    assert parse(written)[0] == data
    assert comments(written) == comments(TEXT)
    lines = written.split("\n")
    assert lines[:4] == ["# Baseline of the lab.", "# Do not change without asking.", "", "schema: 1"]
    assert "epochs: 10  # as in the paper" in lines and "  lr: 0.1  # for batch 256" in lines
    assert lines[lines.index("optimizer:") - 1] == "# AdamW was worse."
    folded = next(place for place, line in enumerate(lines) if line.startswith("  image: ["))
    assert lines[folded - 2 : folded] == ["  # crops first", "  # mirrored"]
    assert lines[-2:] == ["# the end", ""]
    assert rewritten(written, data) == written


@pytest.mark.parametrize(
    ("keys", "value", "before"),
    [
        (["epochs"], 20, "epochs: 20  # as in the paper"),
        (["optimizer", "lr"], 0.5, "  lr: 0.5  # for batch 256"),
        (["optimizer", "lr"], None, "optimizer:"),
        (["optimizer"], None, "augment:"),
        (["data"], {"train": {"path": "c"}}, "data:  # on the large disk"),
        (["augment", "image"], [], None),
        (["about"], None, None),
    ],
)
def test_an_edit_keeps_every_comment(keys: list[str], value: object, before: str | None) -> None:
    data, _ = parse(TEXT)
    inside = data
    for key in keys[:-1]:
        inside = inside[key]
    if value is None:
        del inside[keys[-1]]
    else:
        inside[keys[-1]] = value
    written = rewritten(TEXT, data)
    assert parse(written)[0] == data
    assert sorted(comments(written)) == sorted(comments(TEXT))
    if before is not None:
        assert before in written.split("\n")


def test_a_comment_of_a_removed_key_moves_above_its_section() -> None:
    data, _ = parse(TEXT)
    del data["optimizer"]["lr"]
    lines = rewritten(TEXT, data).split("\n")
    place = lines.index("optimizer:")
    assert lines[place - 2 : place] == ["# AdamW was worse.", "# for batch 256"]


@pytest.mark.parametrize("text", ["", "\n", "  \n\n"])
def test_an_empty_text_becomes_the_written_recipe(text: str) -> None:
    assert rewritten(text, {"epochs": 3}) == dump({"epochs": 3})


def test_text_without_comments_is_written_in_the_one_style() -> None:
    data, _ = parse("epochs: 3\ngraph:   'g.yaml'\n")
    assert rewritten("epochs: 3\ngraph:   'g.yaml'\n", data) == dump(data)


@pytest.mark.parametrize(
    "text", ["a: 'x # y'\n", "a: x#y\n", 'a: "# z"\n', "a: |\n  # text\n  more\n", "a: >-\n  b\n\n  # c\n"]
)
def test_a_hash_sign_inside_a_value_is_no_comment(text: str) -> None:
    data, _ = parse(text)
    assert rewritten(text, data) == dump(data)


def test_comments_of_what_is_folded_into_braces_stay() -> None:
    text = "data:\n  train:\n    # where\n    path: images  # small\n    format: folder # one a class\nepochs: 1\n"
    data, _ = parse(text)
    written = rewritten(text, data)
    assert parse(written)[0] == data and sorted(comments(written)) == ["# one a class", "# small", "# where"]
