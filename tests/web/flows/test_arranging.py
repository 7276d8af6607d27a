"""Copying, grouping, bypassing, comments, moving, and taking all of it back."""

import itertools

import pytest
from playwright.sync_api import Page, expect

from tests.web.flows import drawing
from tests.web.flows.conftest import App
from tests.web.flows.steps import box, open_shipped, open_text, pick, problems, put

UNPLACED = """\
schema: 1
name: unplaced
inputs:
  image: {type: Image, shape: [B, 3, 32, 32], preprocess: {resize: [32, 32]}}
nodes:
  conv: {type: Conv2d, params: {out_channels: 8, kernel_size: 3}, inputs: {input: image}}
  act: {type: ReLU, inputs: {input: conv.out}}
outputs:
  tensor: {y: act.out}
"""


@pytest.fixture
def cifar(page: Page) -> Page:
    open_shipped(page)
    expect(box(page, "backbone")).to_be_visible()
    return page


def _select(page: Page, *names: str) -> None:
    box(page, names[0]).click()
    for name in names[1:]:
        box(page, name).click(modifiers=["Control"])
    expect(page.locator(".composer-box-selected")).to_have_count(len(names))


def test_nodes_are_pasted_into_another_tab_with_the_wires_among_them(cifar: Page, app: App) -> None:
    _select(cifar, "neck", "head")
    cifar.keyboard.press("Control+c")
    expect(cifar.get_by_text("Copied 2 boxes")).to_be_visible()
    other = cifar.context.new_page()
    other.goto(app.address)
    other.locator(".composer-start").wait_for()
    other.bring_to_front()
    drawing.canvas(other).focus()
    other.keyboard.press("Control+v")
    expect(drawing.edge(other, "neck.out", "head.feature")).to_be_attached()
    assert drawing.document(other)["nodes"]["head"]["params"] == {"num_classes": 10}


def test_duplicates_stand_beside_their_originals(cifar: Page) -> None:
    _select(cifar, "neck", "head")
    cifar.keyboard.press("Control+d")
    expect(box(cifar, "head_2")).to_be_visible()
    expect(cifar.locator(".composer-box-selected")).to_have_count(2)
    expect(drawing.edge(cifar, "neck_2.out", "head_2.feature")).to_be_attached()
    assert drawing.overlaps(cifar) == []
    cifar.keyboard.press("Control+z")
    expect(box(cifar, "head_2")).to_have_count(0)


def test_a_group_is_entered_edited_left_and_dissolved(cifar: Page) -> None:
    before = drawing.names(cifar)
    _select(cifar, "neck", "head")
    cifar.keyboard.press("Control+g")
    expect(cifar.locator(".composer-name-field")).to_be_focused()
    cifar.keyboard.type("classifier")
    cifar.keyboard.press("Enter")
    expect(box(cifar, "classifier")).to_be_focused()
    expect(problems(cifar)).to_contain_text("No problems")
    cifar.keyboard.press("Enter")
    crumbs = cifar.get_by_role("navigation", name="open subgraph")
    expect(crumbs).to_contain_text("classifier")
    expect(drawing.edge(cifar, "neck.out", "head.feature")).to_be_attached()
    assert drawing.overlaps(cifar) == []
    box(cifar, "neck").click()
    cifar.keyboard.press("F2")
    cifar.keyboard.type("pool")
    cifar.keyboard.press("Enter")
    expect(box(cifar, "pool")).to_be_focused()
    cifar.keyboard.press("Escape")
    cifar.keyboard.press("Escape")
    expect(crumbs).to_have_count(0)
    box(cifar, "classifier").click()
    cifar.keyboard.press("Control+Shift+G")
    expect(box(cifar, "classifier")).to_have_count(0)
    expect(box(cifar, "pool")).to_be_visible()
    assert len(drawing.names(cifar)) == len(before)
    assert drawing.overlaps(cifar) == []
    expect(problems(cifar)).to_contain_text("No problems")


def test_a_bypassed_node_keeps_its_wires_and_is_run_again(page: Page) -> None:
    open_text(page, UNPLACED)
    box(page, "act").click()
    before = drawing.document(page)
    page.keyboard.press("b")
    expect(box(page, "act")).to_contain_text("bypassed")
    expect(page.locator('[data-id="act"]')).to_have_attribute("aria-label", "act, ReLU, bypassed, 2 wires")
    expect(drawing.edge(page, "act.out", "outputs.tensor.y")).to_be_attached()
    assert drawing.document(page)["nodes"]["act"] == before["nodes"]["act"] | {"bypassed": True}
    page.keyboard.press("b")
    expect(box(page, "act")).not_to_contain_text("bypassed")
    assert drawing.document(page)["nodes"] == before["nodes"]


def test_comments_are_written_coloured_moved_and_deleted(cifar: Page) -> None:
    drawing.canvas(cifar).focus()
    cifar.keyboard.press("Shift+C")
    field = cifar.get_by_label("text of the comment")
    expect(field).to_be_focused()
    cifar.keyboard.type("<b>try a deeper one</b>")
    cifar.keyboard.press("Control+Enter")
    comment = cifar.locator(".composer-comment")
    expect(comment).to_have_text("<b>try a deeper one</b>")
    cifar.get_by_role("button", name="blue").click()
    expect(comment).to_have_class("composer-comment composer-comment-blue composer-box-selected")
    cifar.keyboard.press("Shift+ArrowDown")
    expect(cifar.locator(".react-flow__node-comment")).to_be_attached()
    cifar.keyboard.press("Delete")
    expect(comment).to_have_count(0)


def test_a_comment_carries_the_boxes_on_it_unless_it_is_taken_alone(cifar: Page) -> None:
    def places() -> tuple[tuple[float, float], tuple[float, float]]:
        return drawing.position(cifar, "head"), drawing.position(cifar, "comment:comment_1")

    def drag(*, give_up: bool = False) -> None:
        area = drawing.area(cifar.locator(".react-flow__node-comment"))
        cifar.mouse.move(area["x"] + 60, area["y"] + 8)
        cifar.mouse.down()
        cifar.mouse.move(area["x"] + 100, area["y"] + 48, steps=4)
        if give_up:
            cifar.keyboard.press("Escape")
        cifar.mouse.up()

    box(cifar, "head").click()
    cifar.keyboard.press("Shift+C")
    expect(cifar.get_by_label("text of the comment")).to_be_focused()
    cifar.keyboard.type("frame")
    cifar.keyboard.press("Control+Enter")
    expect(cifar.locator(".composer-comment")).to_have_text("frame")
    swatches = cifar.locator(".composer-swatch").evaluate_all(
        "(all) => all.map((one) => getComputedStyle(one).backgroundColor)"
    )
    assert len(set(swatches)) == 5 and "rgba(0, 0, 0, 0)" not in swatches
    before = places()
    document = drawing.document(cifar)
    drag(give_up=True)
    expect(cifar.locator(".react-flow__node.dragging")).to_have_count(0)
    assert (places(), drawing.document(cifar)) == (before, document)
    drag()
    expect(cifar.get_by_role("button", name="Undo: move")).to_be_enabled()
    after = places()
    steps_taken = [(to[0] - at[0], to[1] - at[1]) for at, to in zip(before, after, strict=True)]
    assert steps_taken[0] == steps_taken[1] != (0, 0)
    cifar.keyboard.press("Control+z")
    expect(cifar.get_by_role("button", name="Redo: move")).to_be_enabled()
    assert (places(), drawing.document(cifar)) == (before, document)
    cifar.keyboard.down("Alt")
    drag()
    cifar.keyboard.up("Alt")
    expect(cifar.get_by_role("button", name="Undo: move")).to_be_enabled()
    assert places()[0] == before[0] and places()[1] != before[1]


def test_a_file_without_a_layout_is_laid_out_and_its_places_are_written_with_the_first_move(page: Page) -> None:
    open_text(page, UNPLACED)
    expect(drawing.edge(page, "conv.out", "act.input")).to_be_attached()
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()
    assert drawing.position(page, "image")[0] < drawing.position(page, "conv")[0] < drawing.position(page, "act")[0]
    assert "layout" not in drawing.document(page)
    stood = drawing.position(page, "conv")
    box(page, "conv").click()
    page.keyboard.press("Shift+ArrowDown")
    _layout(page, "'conv' in layout")
    assert set(drawing.document(page)["layout"]) >= {"image", "conv", "act"}
    page.keyboard.press("Control+z")
    _layout(page, "!('conv' in layout)")
    assert drawing.position(page, "conv") == stood


def test_boxes_that_are_dragged_together_move_in_one_step(cifar: Page) -> None:
    before = drawing.document(cifar)
    neck, head = drawing.position(cifar, "neck"), drawing.position(cifar, "head")
    _select(cifar, "neck", "head")
    area = drawing.area(box(cifar, "neck"))
    cifar.mouse.move(area["x"] + 30, area["y"] + 8)
    cifar.mouse.down()
    cifar.mouse.move(area["x"] + 30, area["y"] + 148, steps=5)
    cifar.mouse.up()
    _layout(cifar, "'neck' in layout")
    layout = drawing.document(cifar)["layout"]
    assert layout["neck"][1] - neck[1] == layout["head"][1] - head[1] > 0
    cifar.keyboard.press("Control+z")
    _layout(cifar, "!('neck' in layout)")
    assert drawing.document(cifar) == before


def test_boxes_are_aligned_and_laid_out(cifar: Page) -> None:
    _select(cifar, "loss", "prediction")
    cifar.keyboard.press("Alt+Shift+ArrowUp")
    _layout(cifar, "'loss' in layout && layout.loss[1] === layout.prediction[1]")
    cifar.keyboard.press("Escape")
    cifar.get_by_role("button", name="Lay out automatically").click()
    _layout(cifar, "layout.loss[1] !== layout.prediction[1]")


def test_thirty_mixed_steps_are_taken_back_and_done_again(cifar: Page) -> None:
    seen = [drawing.text(cifar)]

    def step(*keys: str, on: str | None = None) -> None:
        if on:
            box(cifar, on).click(position={"x": 30, "y": 10})
        for key in keys:
            cifar.keyboard.press(key)
        seen.append(_changed(cifar, seen[-1]))

    for turn, grouped in enumerate(("head", "", "loss", "", "backbone")):
        step("Shift+ArrowDown", on="neck")
        step("Control+d")
        step("Shift+ArrowRight")
        step("Delete")
        box(cifar, "prediction" if not turn else f"answer{turn - 1}").click()
        cifar.keyboard.press("F2")
        expect(cifar.locator(".composer-name-field")).to_be_focused()
        step(*f"answer{turn}", "Enter")
        if grouped:
            step("Control+g", on=grouped)
            expect(cifar.locator(".composer-name-field")).to_be_focused()
            cifar.keyboard.press("Escape")
        else:
            box(cifar, "label").click()
            cifar.keyboard.press("w")
            expect(cifar.get_by_role("toolbar", name="wire")).to_be_visible() if turn == 1 else None
            step("Delete")
    assert len(seen) == 31
    for before, now in zip(seen[-2::-1], seen[::-1], strict=False):
        cifar.keyboard.press("Control+z")
        assert _changed(cifar, now) == before
    expect(cifar.get_by_role("button", name="Undo")).to_be_disabled()
    for before, now in itertools.pairwise(seen):
        cifar.keyboard.press("Control+Shift+Z")
        assert _changed(cifar, before) == now


def _changed(page: Page, before: str) -> str:
    page.wait_for_function("(was) => window.composerCanvas.currentDocument() !== was", arg=before)
    return drawing.text(page)


def _layout(page: Page, condition: str) -> None:
    page.wait_for_function(f"(({{layout = {{}}}}) => {condition})(JSON.parse(window.composerCanvas.currentDocument()))")


GROWING = """\
schema: 1
name: growing
inputs:
  image: {type: Image, shape: [B, 3, 32, 32], preprocess: {resize: [32, 32]}}
nodes:
  pool: {type: AvgPool2d, params: {kernel_size: 1}, inputs: {input: image}}
  norm: {type: BatchNorm2d, inputs: {input: pool.out}}
  act: {type: ReLU, inputs: {input: norm.out}}
outputs:
  tensor: {y: act.out}
layout: {image: [0, 0], pool: [300, 0], norm: [600, 0], act: [600, 96], outputs.tensor: [900, 0]}
"""


def test_a_box_that_grows_pushes_the_one_below_it_in_the_same_step(page: Page) -> None:
    open_text(page, GROWING)
    pick(page, "norm")
    put(page, "momentum", "0.25")
    _layout(page, "layout.act[1] > 96")
    norm, act = drawing.area(box(page, "norm")), drawing.area(box(page, "act"))
    assert act["y"] >= norm["y"] + norm["height"]
    page.keyboard.press("Control+z")
    _layout(page, "layout.act[1] === 96")
    assert "momentum" not in drawing.text(page)
