"""``preprocess`` of a graph file: accepted and refused steps, and what check reports about channels."""

from typing import Any

import pytest

import composer
from composer import GraphError
from composer.catalog import Catalog
from composer.graph.file import dumps, loads

FILE = """\
schema: 1
inputs:
  image: {{type: Image, shape: [B, {channels}, 8, 8], preprocess: {steps}}}
nodes:
  pool: {{type: GlobalAveragePooling, inputs: {{feature: image}}}}
outputs:
  tensor: {{features: pool.out}}
"""


def graph_of(steps: str, channels: Any = 3) -> composer.Graph:
    return loads(FILE.format(steps=steps, channels=channels), "g.yaml")


@pytest.mark.parametrize(
    "steps",
    [
        "{resize: {short: 800, long: 1333}, pad: {divisor: 32}}",
        "{resize: {long: 640}, interpolation: area, pad: {square: true, value: 114}}",
        "{resize: {height: 8}, pad: {size: [8, 8], value: [1.0, 2.0, 3.0]}}",
        "{resize: 8, interpolation: lanczos, backend: pillow, crop: [8, 8]}",
        "{crop: [8, 8], crop_padding: 0}",
    ],
)
def test_steps_are_read_and_written_as_they_are(steps: str) -> None:
    graph = graph_of(steps)
    assert composer.check(graph) == []
    text = dumps(graph, Catalog.default())
    assert loads(text).inputs == graph.inputs and dumps(loads(text), Catalog.default()) == text


@pytest.mark.parametrize(
    ("steps", "text", "fix"),
    [
        ("{resize: {short: 8}}", "expected [height, width] in pixels, one number for the shorter edge", None),
        ("{resize: {short: 800, lnog: 9}}", "short and long", None),
        ("{resize: {short: 1333, long: 800}}", "expected the longer one not to be below", "set resize to {short: 800"),
        ("{resize: {long: 0}}", "found {long: 0}", None),
        ("{interpolation: lanczos}", "expected nearest, bilinear, bicubic or area", None),
        ("{interpolation: area, backend: pillow}", "expected nearest, bilinear, bicubic, lanczos, box or ham", None),
        ("{backend: opencv}", "expected cv2 or pillow", None),
        ("{channels: cmyk}", "expected rgb, bgr, gray or bands", None),
        ("{crop_padding: 32}", "expected a crop beside it, and no resize", None),
        ("{resize: 8, crop: [8, 8], crop_padding: 32}", "expected a crop beside it, and no resize", None),
        ("{crop: [8, 8], crop_padding: -1}", "expected pixels, at least 0", None),
        ("{pad: {divisor: 32, square: true}}", "found divisor and square of the keys", None),
        ("{pad: {value: 0}}", "found none of the keys size, divisor, square", None),
        ("{pad: {divisr: 32}}", "'divisr' is none of the keys", "rename 'divisr' to 'divisor'"),
        ("{pad: {divisor: 0}}", "expected pixels, at least 1", None),
        ("{pad: {square: false}}", "expected true", None),
        ("{pad: {square: true, value: black}}", "expected a number from 0 to 255, or one a channel", None),
        ("{pad: {square: true, value: [1, 2]}}", "expected a list of 3 numbers", None),
        ("{mean: [127.5]}", "expected a list of 3 numbers", "set mean to [127.5, 127.5, 127.5]"),
        ("{mean: 127.5}", "expected a list of 3 numbers", "set mean to [127.5, 127.5, 127.5]"),
        ("{channels: gray, std: [9, 9, 9]}", "expected a list of 1 number above 0", "set std to [9]"),
        ("{channels: gray, std: [9, 8, 9]}", "expected a list of 1 number above 0", None),
    ],
)
def test_invalid_preprocess_steps_are_refused_with_what_was_expected(steps: str, text: str, fix: str | None) -> None:
    with pytest.raises(GraphError) as caught:
        graph_of(steps)
    problem = caught.value.problems[0]
    assert problem.code == "bad-preprocess" and text in problem.message
    assert (problem.fix.message if problem.fix else None) == fix or (fix and problem.fix.message.startswith(fix))


@pytest.mark.parametrize(
    ("steps", "channels", "fix"),
    [
        ("{mean: [7, 7, 7], std: [2, 2, 2]}", 1, {"channels": "gray", "mean": (7.0,), "std": (2.0,)}),
        ("{mean: [100, 50, 20]}", 1, {"channels": "gray", "mean": (61.53,), "std": None}),
        ("{mean: [20, 50, 100], channels: bgr}", 1, {"channels": "gray", "mean": (61.53,), "std": None}),
        ("{channels: gray, mean: [7]}", 3, {"channels": "rgb", "mean": (7.0, 7.0, 7.0), "std": None}),
        ("{}", 5, {"channels": "bands"}),
        ("{mean: [7, 7, 7]}", 5, None),
        ("{channels: bands, mean: [1, 2, 3, 4]}", 5, None),
    ],
)
def test_channels_that_the_input_does_not_take_are_reported_with_a_fix(steps: str, channels: int, fix: Any) -> None:
    graph = graph_of(steps, channels)
    (problem,) = composer.check(graph)
    assert problem.code == "preprocess-channels" and f"the input takes {channels} channel" in problem.message
    assert (problem.fix is None) == (fix is None)
    if problem.fix is not None:
        mended = composer.edit(graph, problem.fix)
        assert composer.check(mended) == []
        found = mended.inputs["image"].preprocess
        assert found is not None and {key: getattr(found, key) for key in fix} == fix


@pytest.mark.parametrize(
    ("steps", "channels"), [("{}", 3), ("{channels: gray}", 1), ("{channels: bands}", 5), ("{}", "C")]
)
def test_channels_that_the_input_takes_are_no_problem(steps: str, channels: Any) -> None:
    assert composer.check(graph_of(steps, channels)) == []
