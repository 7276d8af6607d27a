"""Hostile files: each ends in a graph or in one GraphError, soon and in little memory."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer import Catalog, Graph, check, compile
from composer.graph.file import dumps, loads
from composer.problems import GraphError
from tests.hostile import LARGE, REFUSED_WHEN_CHECKED, REFUSED_WHEN_COMPILED, REFUSED_WHEN_READ

ROOT = Path(__file__).parents[1]
OPENED = {**REFUSED_WHEN_CHECKED, **REFUSED_WHEN_COMPILED}
SECONDS, MEGABYTES = 3.0, 200

# Reads each generated file in a process of its own and prints the seconds of work, and the memory above what it had.
MEASURE = """
import json, os, resource, time
from composer.graph.file import loads
from composer.problems import GraphError
from tests.hostile import LARGE

loads("schema: 1")
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
for name, (make, _) in LARGE.items():
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


@pytest.mark.parametrize(("name", "case"), REFUSED_WHEN_READ.items(), ids=REFUSED_WHEN_READ)
def test_a_hostile_file_is_refused_when_read(name: str, case: tuple[set[str], bytes]) -> None:
    codes, text = case
    error = refusal(text, f"{name}.yaml")
    assert error is not None
    assert {problem.code for problem in error.problems} == codes
    assert all(problem.where.file == f"{name}.yaml" for problem in error.problems)


def codes_of(text: bytes, refuse: Callable[[Graph], object]) -> set[str]:
    with pytest.raises(GraphError) as error:
        refuse(loads(text))
    return {problem.code for problem in error.value.problems if problem.severity == "error"}


@pytest.mark.parametrize(("codes", "text"), REFUSED_WHEN_CHECKED.values(), ids=REFUSED_WHEN_CHECKED)
def test_a_hostile_graph_is_refused_by_check_and_compile(codes: set[str], text: bytes) -> None:
    found = {problem.code for problem in check(loads(text)) if problem.severity == "error"}
    assert codes <= found
    assert codes_of(text, compile) == found


@pytest.mark.parametrize(("codes", "text"), REFUSED_WHEN_COMPILED.values(), ids=REFUSED_WHEN_COMPILED)
def test_an_oversized_graph_is_refused_before_anything_is_built(codes: set[str], text: bytes) -> None:
    Catalog.default()
    start = time.process_time()
    assert codes_of(text, compile) == codes
    assert time.process_time() - start < SECONDS


@pytest.mark.parametrize("text", [text for _, text in OPENED.values()], ids=OPENED)
def test_a_harmless_odd_file_opens_and_is_saved_back(text: bytes) -> None:
    graph = loads(text)
    assert loads(dumps(graph)) == graph


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="measures memory as Linux counts it")
def test_large_hostile_files_are_done_with_within_seconds_and_200_megabytes() -> None:
    command = [sys.executable, "-c", MEASURE]
    found = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    rows = [json.loads(line) for line in found.stdout.splitlines()]
    assert {name: set(codes) for name, codes, _, _ in rows} == {name: codes for name, (_, codes) in LARGE.items()}
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
