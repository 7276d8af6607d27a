"""Graph files on disk, and their canonical form."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, NamedTuple

import pytest
from torch import Tensor, nn

from composer.catalog import Catalog
from composer.graph import Graph
from composer.graph.file import atomic_write, dumps, loads, positions, read, write
from composer.graph.file.document import edit
from composer.ports import FeatureMap, Levels
from composer.problems import Edit, GraphError

ROOT = Path(__file__).parents[1]

CANONICAL = """\
schema: 1
name: moco_v2
about: MoCo v2 (arXiv:2003.04297) with a ResNet-50.
classes: [cat, "no"]
inputs:
  view_1: {type: Image, shape: [B, 3, 224, 224], preprocess: {resize: 256, crop: [224, 224]}}
  view_2: {type: Image, shape: [B, 3, 224, 224]}
data_samples:
  label: {type: Label, shape: [B]}
graphs:
  encoder:
    params:
      depth: 50
    inputs:
      image: {type: Image}
    nodes:
      backbone: {type: ResNet, params: {depth: $depth}, inputs: {image: image}}
    outputs:
      out: backbone.out
    layout:
      backbone: [0, 0]
nodes:
  backbone: {type: ResNet, params: {depth: 50}, inputs: {image: view_1}}
  neck: {type: MoCoV2Neck, params: {hid_channels: 2048, out_channels: 128}, inputs: {feature: "backbone.out[-1]"}}
  backbone_k: {weights: {momentum: backbone, decay: 0.999}, inputs: {image: view_2}}
  neck_k: {weights: {momentum: neck, decay: 0.99, update: after}, inputs: {feature: {loss: "backbone_k.out[-1]"}}}
  again: {weights: {share: backbone}, inputs: {image: view_2}, frozen: true}
  encoder_1: {graph: encoder, params: {depth: 18}, inputs: {image: view_1}}
  concat: {type: Concat, inputs: {xs: [neck.out, neck_k.out]}}
  from_the_future: {type: NotYet, params: {deep: {er: [1, 1.0, "1", true, null, .nan]}}, color: red}
outputs:
  tensor: {features: backbone.out}
  loss: {loss: concat.out}
layout:
  backbone: [240, 80]
plugins:
  a: 1
"""


def code_of(text: bytes | str) -> str:
    with pytest.raises(GraphError) as caught:
        loads(text)
    return caught.value.problems[0].code


def test_load_then_save_gives_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(CANONICAL)
    write(read(path), path)
    assert path.read_text() == CANONICAL
    assert read(path) == loads(CANONICAL)


def test_every_way_to_write_a_graph_has_one_canonical_form() -> None:
    text = """
# a comment
nodes: {a: {inputs: {x: image, y: b.out[-1]}, type: 'A', weights: own, params: {p: 0x10, q: 1e-3, r: 'no'}}}
data_samples:
outputs: {}
name: "m"
inputs: {image: {shape: [B, 3], type: Image, preprocess: {channels: rgb, mean: [1, 2, 3]}}}
schema: 1
"""
    assert dumps(loads(text)) == (
        "schema: 1\n"
        "name: m\n"
        "inputs:\n"
        "  image: {type: Image, shape: [B, 3], preprocess: {mean: [1.0, 2.0, 3.0]}}\n"
        "nodes:\n"
        '  a: {type: A, params: {p: 16, q: 0.001, r: "no"}, inputs: {x: image, y: "b.out[-1]"}}\n'
    )


class Two(NamedTuple):
    """Two outputs."""

    left: Annotated[FeatureMap, "B C H W"]
    right: Annotated[FeatureMap, "B C H W"]


class Scale(nn.Module):
    """One output, several defaults."""

    def __init__(self, by: float = 1.0, sizes: tuple[int, ...] = (1, 2), norm: bool = True) -> None:
        super().__init__()

    def forward(self, x: Annotated[FeatureMap, "B C H W"]) -> Annotated[FeatureMap, "B C H W"]:
        return x


class Split(nn.Module):
    """Two outputs."""

    def forward(self, x: Annotated[FeatureMap, "B C H W"]) -> Two:
        return Two(x, x)


class Stages(nn.Module):
    """Many levels."""

    def __init__(self, depth: int) -> None:
        super().__init__()

    def forward(self, x: Annotated[FeatureMap, "B C H W"]) -> Levels:
        return [x]

    def loss(self, x: Tensor) -> Tensor:
        return x


CATALOG = Catalog.of(Scale, Split, Stages)

LONG = """\
schema: 1
inputs:
  image: {type: Image}
graphs:
  g:
    inputs:
      x: {type: FeatureMap}
    nodes:
      s: {type: Scale, params: {by: 1.0}, inputs: {x: x}}
    outputs:
      y: s
nodes:
  a: {type: Scale, params: {by: 1.0, sizes: [1, 2], norm: true}, inputs: {x: image}}
  b: {type: Scale, params: {by: 1, sizes: [1.0, 2], norm: false}, inputs: {x: a}}
  c: {type: Split, inputs: {x: {loss: b, predict: a.out}}}
  d: {type: Stages, params: {depth: 1}, inputs: {x: c}}
  e: {weights: {share: a}, params: {by: 1.0}, inputs: {x: "d[0]"}}
  f: {graph: g, inputs: {x: e}}
  g: {type: Unknown, params: {by: 1.0}, inputs: {x: f, y: [g, b, h]}}
  h: {weights: {share: i}, inputs: {x: i}}
  i: {weights: {share: h}, inputs: {x: h}}
outputs:
  tensor: {y: a, z: g}
"""

SHORT = """\
schema: 1
inputs:
  image: {type: Image}
graphs:
  g:
    inputs:
      x: {type: FeatureMap}
    nodes:
      s: {type: Scale, inputs: {x: x}}
    outputs:
      y: s.out
nodes:
  a: {type: Scale, inputs: {x: image}}
  b: {type: Scale, params: {by: 1, sizes: [1.0, 2], norm: false}, inputs: {x: a.out}}
  c: {type: Split, inputs: {x: {loss: b.out, predict: a.out}}}
  d: {type: Stages, params: {depth: 1}, inputs: {x: c}}
  e: {weights: {share: a}, params: {by: 1.0}, inputs: {x: "d.out[0]"}}
  f: {graph: g, inputs: {x: e.out}}
  g: {type: Unknown, params: {by: 1.0}, inputs: {x: f.y, y: [g, b.out, h]}}
  h: {weights: {share: i}, inputs: {x: i}}
  i: {weights: {share: h}, inputs: {x: h}}
outputs:
  tensor: {y: a.out, z: g}
"""


def test_with_a_catalog_defaults_go_and_ports_are_named() -> None:
    assert dumps(loads(LONG), CATALOG) == SHORT
    assert dumps(loads(SHORT), CATALOG) == SHORT
    assert dumps(loads(LONG)) == LONG


def test_nodes_of_unknown_types_are_saved_back_byte_for_byte() -> None:
    node = '{type: NotYet, params: {b: 1, a: [1.0, "1"], d: {}}, inputs: {q: nobody.out}, color: red}'
    text = f"schema: 1\nnodes:\n  a: {node}\n"
    assert dumps(loads(text), Catalog({})) == text


def test_writing_goes_through_symbolic_links_and_keeps_the_mode(tmp_path: Path) -> None:
    target, link = tmp_path / "target.yaml", tmp_path / "link.yaml"
    target.write_text("old")
    target.chmod(0o640)
    link.symlink_to("target.yaml")
    atomic_write(link, b"new")
    assert os.readlink(link) == "target.yaml"
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o640
    assert sorted(os.listdir(tmp_path)) == ["link.yaml", "target.yaml"]


def test_a_new_file_has_the_mode_that_files_have(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    atomic_write(tmp_path / "new", b"")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("step", ["fsync", "replace", "chmod"])
def test_a_failed_write_keeps_the_old_file_and_leaves_no_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "a.yaml"
    path.write_text("old")
    monkeypatch.setattr(os, step, fail)
    with pytest.raises(GraphError) as caught:
        write(Graph(), path)
    assert str(caught.value) == f"1 problem\ncannot-write {path}\n    writing failed: No space left on device"
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.yaml"]


def test_a_graph_that_would_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("old")
    with pytest.raises(GraphError) as caught:
        write(Graph(about="a" * 2_200_000), path)
    assert caught.value.problems[0].code == "too-large"
    assert path.read_text() == "old"


# Saves in a loop in a child, which is killed at many moments; the file is looked at before and after.
KILLER = """
import os, signal, sys, time
from composer.graph import Graph
from composer.graph.file import read, write

def versions(path):
    count = 0
    while True:
        count += 1
        write(Graph(name=f"n{count % 10}", about=str(count % 10) * 60_000), path)

def is_whole(path):
    graph = read(path)
    return graph.about == graph.name[1:] * 60_000

path = sys.argv[1]
write(Graph(name="n0", about="0" * 60_000), path)
for attempt in range(60):
    child = os.fork()
    if not child:
        versions(path)
    time.sleep(0.002 + attempt % 20 * 0.00071)
    assert is_whole(path)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert is_whole(path)
print(read(path).name)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_a_killed_save_leaves_a_whole_file(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLER, str(tmp_path / "a.yaml")]
    found = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1])
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith("n")


def test_a_missing_file_is_a_problem_with_the_names_of_those_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "resnet18.yaml").write_text("schema: 1\n")
    path = tmp_path / "resnet_18.yaml"
    with pytest.raises(GraphError) as caught:
        read(path)
    assert str(caught.value) == f"1 problem\nno-file {path}\n    there is no such file; did you mean 'resnet18.yaml'?"
    with pytest.raises(GraphError) as caught:
        read(tmp_path / "nowhere" / "a.yaml")
    assert (
        caught.value.problems[0].message == f"there is no such file: the folder '{tmp_path}/nowhere' cannot be opened"
    )
    with pytest.raises(GraphError) as caught:
        read("saved_graphs/resnet18_cifar.yaml")
    shipped = Path(__file__).parents[1] / "saved_graphs" / "classification" / "resnet18_cifar.yaml"
    assert caught.value.problems[0].message == f"there is no such file; composer comes with {shipped}"


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 300])
def test_an_invalid_file_name_is_a_problem(tmp_path: Path, name: str) -> None:
    for action in (read, lambda path: write(Graph(), path)):
        with pytest.raises(GraphError) as caught:
            action(f"{tmp_path}/{name}")
        assert caught.value.problems[0].code in ("cannot-read", "cannot-write")
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("schema: 1\n")
    path.chmod(0)
    with pytest.raises(GraphError, match="you may not read this file"):
        read(path)


def test_a_folder_that_is_not_there_is_a_problem_of_writing(tmp_path: Path) -> None:
    with pytest.raises(GraphError) as caught:
        write(Graph(), tmp_path / "nowhere" / "a.yaml")
    assert caught.value.problems[0].message == f"there is no folder '{tmp_path}/nowhere'"


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no /dev/zero here")
def test_an_endless_file_is_too_large() -> None:
    with pytest.raises(GraphError) as caught:
        read("/dev/zero")
    assert caught.value.problems[0].code == "too-large"


def test_a_graph_that_was_read_can_be_edited_and_written(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    write(edit(loads(CANONICAL), Edit(("nodes", "backbone", "params", "depth"), 18)), path)
    assert path.read_text() == CANONICAL.replace(
        "params: {depth: 50}, inputs: {image: view_1}", "params: {depth: 18}, inputs: {image: view_1}"
    )


def test_text_and_bytes_are_read_alike() -> None:
    assert loads(CANONICAL) == loads(CANONICAL.encode()) == loads(CANONICAL.replace("\n", "\r\n"))
    assert code_of(CANONICAL.encode("utf-16")) == "not-utf8"


@pytest.mark.parametrize("path", sorted((ROOT / "saved_graphs").rglob("*.yaml")), ids=lambda path: path.stem)
def test_keys_are_written_in_the_place_they_are_read_from(path: Path) -> None:
    graph = read(path)
    source = loads(dumps(graph)).source
    found = positions(graph)
    assert source is not None and len(found) > len(graph.nodes)
    assert {key: source.lines[key] for key in found} == found
