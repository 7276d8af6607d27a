"""Hostile files: each ends in a graph or in one GraphError, soon and in little memory."""

import json
import runpy
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from composer import Catalog, Graph, check, compile
from composer.graphfile import dumps, loads, read
from composer.problems import GraphError

FOLDER = Path(__file__).parent / "hostile"
EXPECTED = yaml.safe_load((FOLDER / "expected.yaml").read_text())
GENERATED = runpy.run_path(str(FOLDER / "generate.py"))["CASES"]
SECONDS, MEGABYTES = 1.0, 200

# Reads each generated file in a process of its own and tells the seconds of work, and the memory above what it had.
MEASURE = """
import json, os, resource, runpy, sys, time
from composer.graphfile import loads
from composer.problems import GraphError

loads("schema: 1")
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
for name, (make, _) in runpy.run_path(sys.argv[1])["CASES"].items():
    text = make()
    if os.fork():
        os.wait()
        continue
    before, seconds = peak(), []
    while not seconds or (seconds[-1] > 1 and len(seconds) < 3):  # again, where other work was in the way
        start = time.process_time()
        try:
            loads(text, name)
            codes = []
        except GraphError as error:
            str(error)
            codes = sorted({problem.code for problem in error.problems})
        seconds.append(time.process_time() - start)
    print(json.dumps([name, codes, min(seconds), peak() - before]), flush=True)
    os._exit(0)
"""


def refusal(text: bytes | str, file: str = "<string>") -> GraphError | None:
    try:
        loads(text, file)
    except GraphError as error:
        return error
    return None


def test_every_hostile_file_has_its_expected_codes() -> None:
    listed = [name for table in EXPECTED.values() for name in table]
    assert sorted(listed) == sorted(path.name for path in FOLDER.glob("*.yaml") if path.name != "expected.yaml")
    assert len(listed) >= 60


@pytest.mark.parametrize(("name", "codes"), EXPECTED["refused when read"].items())
def test_is_refused_when_read(name: str, codes: list[str]) -> None:
    error = refusal((FOLDER / name).read_bytes(), name)
    assert error is not None
    assert sorted({problem.code for problem in error.problems}) == sorted(codes)
    assert all(problem.where.file == name for problem in error.problems)


def codes_of(name: str, refuse: Callable[[Graph], object]) -> set[str]:
    with pytest.raises(GraphError) as error:
        refuse(read(FOLDER / name))
    return {problem.code for problem in error.value.problems if problem.severity == "error"}


@pytest.mark.parametrize(("name", "codes"), EXPECTED["refused when checked"].items())
def test_is_refused_when_checked_and_when_compiled(name: str, codes: list[str]) -> None:
    found = {problem.code for problem in check(read(FOLDER / name)) if problem.severity == "error"}
    assert set(codes) <= found
    assert codes_of(name, compile) == found


@pytest.mark.parametrize(("name", "codes"), EXPECTED["refused when compiled"].items())
def test_is_refused_before_anything_is_built(name: str, codes: list[str]) -> None:
    Catalog.default()
    start = time.process_time()
    assert codes_of(name, compile) == set(codes)
    assert time.process_time() - start < SECONDS


@pytest.mark.parametrize("name", [*EXPECTED["refused when checked"], *EXPECTED["refused when compiled"]])
def test_opens_and_is_saved_back(name: str) -> None:
    graph = read(FOLDER / name)
    assert loads(dumps(graph)) == graph


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="measures memory as Linux counts it")
def test_large_hostile_files_are_done_with_within_a_second_and_200_megabytes() -> None:
    command = [sys.executable, "-c", MEASURE, str(FOLDER / "generate.py")]
    found = subprocess.run(command, capture_output=True, text=True, check=True, cwd=FOLDER.parents[1])
    rows = [json.loads(line) for line in found.stdout.splitlines()]
    assert {name: set(codes) for name, codes, _, _ in rows} == {name: codes for name, (_, codes) in GENERATED.items()}
    assert [row for row in rows if row[2] > SECONDS or row[3] > MEGABYTES] == []


def ends_well(text: bytes | str) -> None:
    error = refusal(text)
    if error is None:
        graph = loads(text)
        assert loads(dumps(graph)) == graph
    else:
        assert error.problems
        assert str(error)
        assert json.dumps([problem.to_json() for problem in error.problems])


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=300) | st.text(max_size=300))
def test_any_bytes_end_in_a_graph_or_one_error(text: bytes | str) -> None:
    ends_well(text)


VALID = b"""\
schema: 1
name: a
inputs: {image: {type: Image, shape: [B, 3, 8, 8], preprocess: {resize: 8, mean: [1, 2, 3]}}}
graphs:
  g: {params: {w: 1}, inputs: {x: {type: A}}, nodes: {n: {type: B, params: {a: $w}, inputs: {x: x}}}, outputs: {y: n}}
nodes:
  a: {type: ResNet, params: {depth: 50}, inputs: {x: image}}
  b: {weights: {momentum: a, decay: 0.9}, inputs: {x: {loss: image, predict: [a.out[-1], image]}}, frozen: true}
  c: {graph: g, inputs: {x: a.out}}
outputs: {tensor: {y: c.y}}
layout: {a: [1, 2]}
"""
PIECES = st.sampled_from(
    [*VALID.split(), *b"{ } [ ] : , - ? & * ! | > ' \" # % ~ 1 .nan \n \t \x00 \xff".split(b" "), b"\n", b" "]
)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_a_damaged_file_ends_in_a_graph_or_one_error(data: st.DataObject) -> None:
    text = VALID
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 12)))
        text = text[:start] + data.draw(PIECES) + text[end:]
    ends_well(text)
