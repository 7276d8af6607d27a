"""docs/data.md names every format with its options; readers stand whatever files hold."""

import random
import re
from pathlib import Path
from typing import Any

import pytest

from composer.problems import GraphError
from composer.training.data import open_source
from composer.training.data.source import FORMATS, options_of
from composer.training.recipe import Split, loads_recipe
from tests.training.data.test_objects import coco, voc, yolo
from tests.training.data.test_tables import fashion, table

PAGE = (Path(__file__).parents[3] / "docs" / "data.md").read_text()
TOKENS = [b"-1", b"1e999", b"NaN", b"null", b'"', b"{", b"}", b"[", b"]", b",", b"\n", b"\0", b"\xff", b"9" * 20]
TOKENS += [b"../", b"true", b"<", b">", b":", b"0.5", b"&a;", b"*a", b"!!x", "\u2028".encode()]


def test_every_format_is_on_the_page_with_its_options() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", PAGE, re.MULTILINE)
    reported = {name: re.findall(r"`(\w+)`", options) for name, options in rows}
    assert reported == {reader.name: list(options_of(reader)) for reader in FORMATS}


def test_the_recipe_on_the_page_is_read() -> None:
    (text,) = re.findall(r"```\n(graph: .*?)```", PAGE, re.DOTALL)
    assert loads_recipe(text).data.train.options == {"images": "train2017"}


def mutated(data: bytes, draw: random.Random) -> bytes:
    found = bytearray(data)
    for _ in range(draw.randint(1, 4)):
        place = draw.randrange(len(found) + 1)
        length = draw.choice([0, 0, draw.randint(1, 8), len(found)])
        found[place : place + length] = draw.choice([*TOKENS, b"", bytes(found[place : place + 30])])
    return bytes(found)


@pytest.mark.parametrize("name", ["coco", "voc", "list", "yolo", "settings", "csv", "idx", "gz"])
def test_any_file_content_is_read_or_reported(name: str, tmp_path: Path) -> None:
    options: dict[str, Any] = {"split": "train"}
    if name == "coco":
        path, options = coco(tmp_path), {}
        file = path
    elif name in ("voc", "list"):
        path = voc(tmp_path)
        file = path / ("Annotations/1.xml" if name == "voc" else "ImageSets/Main/train.txt")
    elif name in ("yolo", "settings"):
        path = yolo(tmp_path)
        file = path / ("labels/train/a.txt" if name == "yolo" else "data.yaml")
    elif name == "csv":
        path, options = table(tmp_path, 'image,class,age\na.png,dog,3\n\n"c, d.png",dog,5\n'), {}
        file = path
    else:
        path = fashion(tmp_path)
        file = path / ("train-labels-idx1-ubyte" if name == "idx" else "train-images-idx3-ubyte.gz")
    whole, draw, refused = file.read_bytes(), random.Random(name), 0
    for _ in range(40):
        file.write_bytes(mutated(whole, draw))
        try:
            source = open_source(Split(path=str(path), **options), ".")
            for index in range(len(source)):
                assert source[index] and source.name(index)
        except GraphError:
            refused += 1
    assert refused
