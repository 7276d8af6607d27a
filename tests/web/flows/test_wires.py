"""Wires: what may be wired, what they carry, which modes they serve."""

import pytest
from playwright.sync_api import Page, expect

from tests.web.flows import drawing
from tests.web.flows.steps import box, open_shipped, open_text, problems

PYRAMID = """\
schema: 1
name: levels
inputs:
  image: {type: Image, shape: [B, 3, 64, 64], preprocess: {resize: [64, 64]}}
nodes:
  backbone: {type: ResNet, params: {depth: 18, out_indices: [0, 1, 2, 3]}, inputs: {image: image}}
  pool: {type: GlobalAveragePooling, inputs: {feature: "backbone.out[-1]"}}
outputs:
  tensor: {features: pool.out}
layout:
  image: [0, 0]
  backbone: [240, 0]
  pool: [600, 0]
  outputs.tensor: [880, 0]
"""


@pytest.fixture
def cifar(page: Page) -> Page:
    open_shipped(page)
    expect(box(page, "backbone")).to_be_visible()
    return page


def free_ground(page: Page) -> tuple[float, float]:
    """A place of the canvas with nothing but ground on it and around it."""
    drawing.area(box(page, "backbone"))
    script = """(pane) => {
        const { left, top, right, bottom } = pane.getBoundingClientRect();
        const free = (x, y) => document.elementFromPoint(x, y) === pane;
        const steps = [-40, -20, 0, 20, 40];
        for (let y = bottom - 50; y > top + 50; y -= 10)
            for (let x = left + 50; x < right - 50; x += 10)
                if (steps.every((dx) => steps.every((dy) => free(x + dx, y + dy)))) return [x, y];
        return null;
    }"""
    found = drawing.pane(page).evaluate(script)
    assert found, "no free ground in sight"
    return found[0], found[1]


def pull_source(page: Page, source: str, target: str) -> None:
    """Take the end of a wire at its source, and wait until the ports that fit are known."""
    area = drawing.area(drawing.edge(page, source, target).locator(".react-flow__edgeupdater-source"))
    x, y = area["x"] + area["width"] / 2, area["y"] + area["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 12, y + 6, steps=2)
    expect(page.locator(".composer-port-fits").first).to_be_attached()


def test_a_wire_that_cannot_be_is_refused_while_it_is_dragged_with_the_reason(cifar: Page) -> None:
    before = drawing.document(cifar)
    drawing.drag_wire(cifar, "neck.out", "backbone.image")
    reason = "would close a cycle"
    expect(cifar.get_by_role("status").filter(has_text=reason)).to_be_visible()
    expect(cifar.locator(".composer-port-out").filter(has_text="avg_factor")).to_have_count(1)
    cifar.mouse.up()
    expect(cifar.get_by_text(reason)).to_be_visible()
    expect(cifar.locator(".composer-port-out")).to_have_count(0)
    assert drawing.document(cifar) == before


def test_a_wire_dropped_on_the_ground_offers_what_fits_and_connects_it(cifar: Page) -> None:
    drawing.let_go(cifar, "head.out", *free_ground(cifar))
    expect(cifar.get_by_role("dialog", name="Where head.out may go")).to_be_visible()
    expect(cifar.get_by_role("option", name="CrossEntropyLoss")).to_be_attached()
    expect(cifar.get_by_role("option", name="ResNet", exact=True)).to_have_count(0)
    drawing.search_box(cifar).fill("label smooth")
    drawing.search_box(cifar).press("Enter")
    expect(cifar.locator('.react-flow__edge[aria-label^="wire from head.out to label_smooth_loss"]')).to_be_attached()
    cifar.keyboard.press("Control+z")
    expect(box(cifar, "label_smooth_loss")).to_have_count(0)


def test_each_level_of_a_sequence_can_be_wired(page: Page) -> None:
    open_text(page, PYRAMID)
    expect(drawing.label(page, "backbone.out[-1]", "pool.feature")).to_contain_text("B 512 2 2")
    page.get_by_role("button", name="levels of backbone.out").click()
    expect(drawing.handle(page, "backbone.out[2]", "source")).to_be_visible()
    drawing.drag_wire(page, "backbone.out[2]", "pool.feature")
    page.mouse.up()
    expect(drawing.label(page, "backbone.out[2]", "pool.feature")).to_contain_text("B 256 4 4")


def test_the_modes_that_a_wire_serves_are_chosen_on_it(cifar: Page) -> None:
    box(cifar, "prediction").click()
    cifar.keyboard.press("w")
    bar = cifar.get_by_role("toolbar", name="wire")
    expect(bar).to_be_visible()
    bar.get_by_role("button", name="tensor").click()
    expect(bar.get_by_role("button", name="tensor")).to_have_attribute("aria-pressed", "false")
    bar.get_by_role("button", name="loss").click()
    expect(cifar.locator(".composer-wire-some")).to_have_count(1)
    expect(drawing.label(cifar, "head.out", "prediction.logits")).to_contain_text("P")
    assert drawing.document(cifar)["nodes"]["prediction"]["inputs"] == {"logits": {"predict": "head.out"}}
    expect(problems(cifar)).to_contain_text("No problems")
    cifar.keyboard.press("Control+z")
    cifar.keyboard.press("Control+z")
    expect(cifar.locator(".composer-wire-some")).to_have_count(0)


def test_the_end_of_a_wire_is_moved_to_another_port_in_one_step(cifar: Page) -> None:
    before = drawing.document(cifar)
    pull_source(cifar, "prediction.scores", "outputs.predict.scores")
    goal = drawing.area(drawing.handle(cifar, "head.out", "source"))
    cifar.mouse.move(goal["x"] + goal["width"] / 2, goal["y"] + goal["height"] / 2, steps=3)
    cifar.mouse.up()
    expect(drawing.edge(cifar, "head.out", "outputs.predict.scores")).to_be_attached()
    expect(drawing.edge(cifar, "prediction.scores", "outputs.predict.scores")).to_have_count(0)
    cifar.keyboard.press("Control+z")
    expect(drawing.edge(cifar, "prediction.scores", "outputs.predict.scores")).to_be_attached()
    assert drawing.document(cifar) == before


def test_a_wire_whose_end_is_dropped_on_the_ground_is_removed_in_one_step(cifar: Page) -> None:
    before = drawing.document(cifar)
    spot = free_ground(cifar)
    pull_source(cifar, "neck.out", "head.feature")
    cifar.mouse.move(*spot, steps=3)
    cifar.mouse.up()
    expect(drawing.edge(cifar, "neck.out", "head.feature")).to_have_count(0)
    cifar.keyboard.press("Control+z")
    expect(drawing.edge(cifar, "neck.out", "head.feature")).to_be_attached()
    assert drawing.document(cifar) == before


def test_a_selected_wire_is_deleted(cifar: Page) -> None:
    box(cifar, "loss").click()
    cifar.keyboard.press("w")
    expect(cifar.get_by_role("toolbar", name="wire")).to_be_visible()
    cifar.keyboard.press("Delete")
    expect(drawing.edge(cifar, "head.out", "loss.pred")).to_have_count(0)
    expect(cifar.locator('[data-id="loss"] .composer-port-missing')).to_contain_text("pred")


def test_the_mode_lens_highlights_a_mode_and_lists_its_inputs(cifar: Page) -> None:
    drawing.canvas(cifar).focus()
    cifar.keyboard.press("3")
    legend = cifar.get_by_role("region", name="predict mode")
    expect(legend).to_contain_text("image")
    expect(legend).to_contain_text("scores")
    expect(cifar.locator('[data-id="loss"] > .composer-dim')).to_have_count(1)
    expect(cifar.locator('[data-id="label"] > .composer-dim')).to_have_count(1)
    expect(cifar.locator('[data-id="prediction"] > .composer-dim')).to_have_count(0)
    cifar.keyboard.press("2")
    expect(cifar.get_by_role("region", name="loss mode")).to_contain_text("label")
    cifar.keyboard.press("2")
    expect(cifar.locator(".composer-dim")).to_have_count(0)
