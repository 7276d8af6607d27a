"""Where boxes stand: nothing over anything, along the wires, in rows that can be read."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from composer.export.layout import Box, Link, arrange, place_new

WIDE, HIGH = 170, 88


def boxes(*ids, **placed):
    return [Box(id_, WIDE, HIGH, placed.get(id_), id_.startswith("outputs")) for id_ in ids]


def links(*pairs):
    return [Link(source, target, 55, 55) for source, target in (pair.split() for pair in pairs)]


def chain(count):
    names = [f"n{at}" for at in range(count)]
    return boxes(*names), [Link(one, other, 55, 55) for one, other in pairwise(names)]


def overlapping(given, places):
    return [
        (a.id, b.id)
        for a, b in combinations(given, 2)
        if places[a.id][0] < places[b.id][0] + b.width
        and places[b.id][0] < places[a.id][0] + a.width
        and places[a.id][1] < places[b.id][1] + b.height
        and places[b.id][1] < places[a.id][1] + a.height
    ]


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 24))
    sizes = st.tuples(st.integers(20, 304), st.integers(30, 300))
    given = [Box(f"n{at}", *map(float, draw(sizes)), None, draw(st.booleans())) for at in range(count)]
    ends = st.tuples(st.integers(0, count), st.integers(0, count), st.integers(0, 60), st.integers(0, 60))
    wires = draw(st.lists(ends, max_size=60))
    return given, [Link(f"n{a}", f"n{b}", out, into) for a, b, out, into in wires]


@given(graphs())
def test_no_two_boxes_overlap_whatever_the_wires_are(graph):
    given, wires = graph
    places = arrange(given, wires)
    assert places.keys() == {box.id for box in given}
    assert overlapping(given, places) == []


@given(graphs(), st.sets(st.integers(0, 24)))
def test_new_boxes_go_where_nothing_stands_and_the_others_stay(graph, lost):
    given, wires = graph
    places = arrange(given, wires)
    known = [
        box if at in lost else Box(box.id, box.width, box.height, places[box.id], box.last)
        for at, box in enumerate(given)
    ]
    found = place_new(known, wires)
    assert found.keys() == {box.id for box in known if box.place is None}
    assert overlapping(given, places | found) == []


@pytest.mark.parametrize("count", [2, 3, 4])
def test_a_short_chain_is_one_straight_row(count):
    places = list(arrange(*chain(count)).values())
    assert [y for _, y in places] == [0] * count
    assert [x for x, _ in places] == sorted(x for x, _ in places)


@pytest.mark.parametrize("count", [10, 50, 300, 2500, 5000])
def test_a_long_chain_is_broken_into_rows_that_fit_a_screen(count):
    places = list(arrange(*chain(count)).values())
    assert places == sorted(places, key=lambda place: (place[1], place[0])), "rows are read like a text"
    width = max(x for x, _ in places) + WIDE
    height = max(y for _, y in places) + HIGH
    assert len({y for _, y in places}) > 1
    assert 1 < width / height < 6 if count < 50 else 1 < width / height < 2


def test_rows_do_not_begin_within_a_block():
    names = ["in", *(f"{part}{at}" for at in range(6) for part in ("conv", "norm", "relu", "add"))]
    wires = links(*(f"{a} {b}" for a, b in pairwise(names)))
    wires += links("in add0", *(f"add{at} add{at + 1}" for at in range(5)))
    places = arrange(boxes(*names), wires)
    begins = [name for name in names[1:] if places[name][0] == 0]
    assert begins
    assert all(name.startswith("conv") for name in begins)


def test_an_input_stands_just_left_of_what_it_feeds():
    wires = links("image conv", "conv norm", "norm loss", "label loss", "loss outputs.loss")
    places = arrange(boxes("image", "label", "conv", "norm", "loss", "outputs.loss"), wires)
    assert places["label"][0] == places["norm"][0]


def test_a_wire_that_passes_a_box_has_a_lane_beside_it():
    wires = links("a b", "b c", "a c")
    places = arrange(boxes("a", "b", "c"), wires)
    assert places["a"][1] == places["b"][1] == places["c"][1], "the long way is straight"


def test_outputs_stand_in_the_row_of_what_feeds_them():
    given, wires = chain(30)
    wires += links("n29 outputs.tensor", "n3 outputs.loss")
    places = arrange([*given, *boxes("outputs.tensor", "outputs.loss")], wires)
    assert places["outputs.tensor"][1] == places["n29"][1]
    assert places["n3"][1] <= places["outputs.loss"][1] < places["n29"][1]
    assert all(places[f"outputs.{mode}"][0] > places[name][0] for mode, name in (("tensor", "n29"), ("loss", "n3")))


def test_a_cycle_is_arranged_as_far_as_it_goes():
    places = arrange(boxes("a", "b", "c"), links("a b", "b c", "c a", "b b", "a nowhere"))
    assert [places[name][0] for name in "abc"] == sorted(places[name][0] for name in "abc")


def test_parts_that_are_not_wired_to_each_other_stand_one_below_the_other():
    places = arrange(boxes("a", "b", "c", "d", "alone"), links("a b", "c d"))
    assert places["a"][1] == places["b"][1] < places["c"][1] == places["d"][1] < places["alone"][1]


def test_a_new_box_stands_beside_what_it_is_wired_to():
    stands = boxes("conv", "norm", conv=(400, 100), norm=(700, 100))
    found = place_new([*stands, *boxes("image", "relu", "other")], links("image conv", "conv norm", "norm relu"))
    assert found["image"][0] + WIDE < 400
    assert found["image"][1] == 100
    assert found["relu"][0] > 700 + WIDE
    assert found["other"][1] > 100 + HIGH
    assert place_new(stands, links("conv norm")) == {}


def test_a_new_box_fed_by_several_boxes_stands_right_of_all_of_them():
    stands = boxes("a", "b", a=(0, 0), b=(500, 300))
    found = place_new([*stands, *boxes("add")], links("a add", "b add"))
    assert found["add"][0] > 500 + WIDE
