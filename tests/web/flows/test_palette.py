"""The palette, the menus and the selection."""

import pytest
from playwright.sync_api import Page, expect

from composer import Catalog
from tests.web.flows import drawing
from tests.web.flows.steps import NESTED, box, open_shipped, open_text

MERGING = """\
schema: 1
name: merging
inputs:
  image: {type: Image, shape: [B, 3, 32, 32], preprocess: {resize: [32, 32]}}
nodes:
  left: {type: Conv2d, params: {out_channels: 8, kernel_size: 1}, inputs: {input: image}}
  right: {type: Conv2d, params: {out_channels: 4, kernel_size: 1}, inputs: {input: image}}
  both: {type: Concat, inputs: {xs: [left.out]}}
outputs:
  tensor: {y: both.out}
layout:
  image: [0, 80]
  left: [200, 0]
  right: [200, 160]
  both: [520, 60]
"""


@pytest.mark.parametrize(
    ("words", "found"),
    [("gap", "GlobalAveragePooling"), ("resnet cif", "ResNet_CIFAR"), ("cross entropy", "CrossEntropyLoss")],
)
def test_the_search_finds_parts_by_their_names_kinds_and_descriptions(page: Page, words: str, found: str) -> None:
    page.get_by_role("searchbox", name="Search the palette").fill(words)
    expect(page.locator(".composer-palette-item").first).to_contain_text(found)


def test_kinds_have_the_colours_that_their_folders_declare(page: Page) -> None:
    kinds = Catalog.default().kinds
    page.locator(".composer-palette-item").first.wait_for()
    read = "(root, names) => names.map((name) => getComputedStyle(root).getPropertyValue(`--kind-${name}`))"
    for scheme, colours in (
        ("light", [kind.colour for kind in kinds.values()]),
        ("dark", [kind.dark for kind in kinds.values()]),
    ):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        body = expect(page.locator("body"))
        body.to_contain_class("dark") if scheme == "dark" else body.not_to_contain_class("dark")
        assert page.locator(".composer").evaluate(read, list(kinds)) == colours


def test_a_palette_entry_describes_its_component_and_enter_adds_it(page: Page) -> None:
    page.locator(".composer-start").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("globalav")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("tooltip")).to_contain_text("feature")
    page.keyboard.press("Enter")
    expect(box(page, "global_average_pooling")).to_be_focused()
    page.locator(".composer-palette-item").first.dblclick()
    expect(box(page, "global_average_pooling_2")).to_be_visible()


def test_a_subgraph_of_the_graph_is_added_from_the_palette(page: Page) -> None:
    open_text(page, NESTED)
    expect(box(page, "encoder")).to_be_visible()
    drawing.add(page, "small")
    expect(page.locator(".composer-box-subgraph")).to_have_count(2)


def test_an_empty_canvas_teaches_the_first_steps_and_offers_a_template(page: Page) -> None:
    start = page.locator(".composer-start")
    expect(start).to_contain_text("Add components")
    start.get_by_role("button", name="Start from a template").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def test_a_frame_drawn_with_shift_selects_and_a_menu_acts_on_the_selection(page: Page) -> None:
    open_shipped(page)
    first, last = drawing.area(box(page, "backbone")), drawing.area(box(page, "neck"))
    left, top = min(first["x"], last["x"]) - 12, min(first["y"], last["y"]) - 16
    right = max(one["x"] + one["width"] / 2 for one in (first, last))
    bottom = max(one["y"] + one["height"] / 2 for one in (first, last))
    places = {name: drawing.area(box(page, name)) for name in drawing.names(page)}
    framed = [
        name
        for name, at in places.items()
        if left < at["x"] + at["width"] and at["x"] < right and top < at["y"] + at["height"] and at["y"] < bottom
    ]
    assert {"backbone", "neck"} <= set(framed) < set(places)
    page.keyboard.down("Shift")
    page.mouse.move(left, top)
    page.mouse.down()
    page.mouse.move(right, bottom, steps=5)
    page.mouse.up()
    page.keyboard.up("Shift")
    expect(page.locator(".composer-box-selected")).to_have_count(len(framed))
    box(page, "neck").click(button="right", position={"x": 30, "y": 8})
    expect(page.get_by_role("menuitem", name="Group into a subgraph")).to_contain_text("Ctrl+G")
    drawing.menu(page, "Delete")
    expect(box(page, "backbone")).to_have_count(0)
    expect(box(page, "neck")).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(drawing.edge(page, "backbone.out[-1]", "neck.feature")).to_be_attached()


def test_a_port_that_takes_many_keeps_a_free_place(page: Page) -> None:
    open_text(page, MERGING)
    expect(drawing.label(page, "left.out", "both.xs")).to_contain_text("B 8 32 32")
    drawing.wire(page, "right.out", "both.xs")
    expect(drawing.edge(page, "right.out", "both.xs")).to_be_attached()
    assert drawing.document(page)["nodes"]["both"]["inputs"]["xs"] == ["left.out", "right.out"]
    expect(page.locator('[data-id="both"]').get_by_text("+ xs")).to_be_visible()


def test_the_end_of_a_wire_is_dragged_from_one_port_to_another(page: Page) -> None:
    open_text(page, MERGING)
    expect(drawing.edge(page, "left.out", "both.xs")).to_be_attached()
    area = drawing.area(drawing.edge(page, "left.out", "both.xs").locator(".react-flow__edgeupdater-source"))
    goal = drawing.area(drawing.handle(page, "right.out", "source"))
    page.mouse.move(area["x"] + area["width"] - 2, area["y"] + area["height"] / 2)
    page.mouse.down()
    page.mouse.move(area["x"] + 60, area["y"] + 30, steps=2)
    expect(page.locator(".composer-port-fits").first).to_be_attached()
    page.mouse.move(goal["x"] + goal["width"] / 2, goal["y"] + goal["height"] / 2, steps=3)
    page.mouse.up()
    expect(drawing.edge(page, "right.out", "both.xs")).to_be_attached()
    assert drawing.document(page)["nodes"]["both"]["inputs"]["xs"] == ["right.out"]
    page.keyboard.press("Control+z")
    expect(drawing.edge(page, "left.out", "both.xs")).to_be_attached()
