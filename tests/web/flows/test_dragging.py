"""Dragging: where boxes and wires go, what they do there, and how a drag is cancelled."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, CDPSession, Locator, Page, expect

from tests.web.flows import drawing
from tests.web.flows.conftest import App
from tests.web.flows.steps import box, open_shipped, open_text

SEVERAL = """\
schema: 1
name: several
inputs:
  view_1: {type: Image, shape: [B, 3, 16, 16], preprocess: {resize: [16, 16]}}
  view_2: {type: Image, shape: [B, 3, 16, 16], preprocess: {resize: [16, 16]}}
nodes:
  conv: {type: Conv2d, params: {out_channels: 4, kernel_size: 1}, inputs: {input: {tensor: view_1, loss: view_2}}}
  pool: {type: GlobalAveragePooling, inputs: {feature: conv.out}}
  pair: {type: LatentPredictHead}
  act: {type: ReLU}
  sum: {type: Add, inputs: {xs: [view_1, view_2]}}
outputs:
  tensor: {y: pool.out}
layout:
  view_1: [0, 0]
  view_2: [0, 120]
  conv: [240, 0]
  pool: [480, 0]
  pair: [480, 160]
  act: [240, 280]
  sum: [240, 400]
  outputs.tensor: [720, 0]
"""


@pytest.fixture
def cifar(page: Page) -> Page:
    open_shipped(page)
    expect(box(page, "backbone")).to_be_visible()
    page.keyboard.press("Escape")
    drawing.canvas(page).focus()
    page.keyboard.press("f")
    return page


def middle(found: Locator) -> tuple[float, float]:
    area = drawing.area(found)
    return area["x"] + area["width"] / 2, area["y"] + area["height"] / 2


def head_of(page: Page, name: str) -> tuple[float, float]:
    """A place in the head of a box."""
    area = drawing.area(box(page, name))
    return area["x"] + area["width"] / 2, area["y"] + 6


def halfway(page: Page, source: str, target: str) -> tuple[float, float]:
    """The middle of a wire on the screen."""
    path = drawing.edge(page, source, target).locator(".react-flow__edge-path")
    x, y = path.evaluate(
        "(path) => { const at = path.getPointAtLength(path.getTotalLength() / 2); const to = path.getScreenCTM();"
        " return [at.x * to.a + to.e, at.y * to.d + to.f]; }"
    )
    return x, y


def take(page: Page, start: tuple[float, float], goal: tuple[float, float]) -> None:
    """Press, and drag as far as the goal."""
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + 10, start[1] + 8, steps=3)
    page.mouse.move(*goal, steps=5)


def take_wire(page: Page, start: tuple[float, float], goal: tuple[float, float]) -> None:
    """Draw a wire as far as the goal, once the ends that fit are known."""
    take(page, start, (start[0] + 14, start[1] + 10))
    expect(page.locator(".composer-port-fits").first).to_be_attached()
    page.mouse.move(*goal, steps=5)


def take_part(page: Page, name: str, goal: tuple[float, float]) -> None:
    """Drag a part of the palette as far as the goal."""
    page.get_by_role("searchbox", name="Search the palette").fill(name)
    item = page.locator(".composer-palette-item").first
    expect(item).to_contain_text(name)
    take(page, middle(item), goal)
    expect(page.locator(".composer-carried")).to_have_text(name)


def nothing_is_left(page: Page) -> None:
    """Nothing is dragged, dimmed, or chosen as text."""
    for left in (".composer-port-out", ".react-flow__connection-path", ".composer-carried", ".composer-fit-hint"):
        expect(page.locator(left)).to_have_count(0)
    expect(page.locator("body.composer-dragging")).to_have_count(0)
    assert page.evaluate("getSelection().toString()") == ""


def document_is(page: Page, text: str) -> None:
    page.wait_for_function("(text) => window.composerCanvas.currentDocument() === text", arg=text)


def undo(page: Page) -> None:
    drawing.canvas(page).focus()
    page.keyboard.press("Control+z")


GIVE_UP: dict[str, Callable[[Page], object]] = {
    "Escape": lambda page: page.keyboard.press("Escape"),
    "the right button": lambda page: (page.mouse.down(button="right"), page.mouse.up(button="right")),
    "another window": lambda page: page.evaluate("window.dispatchEvent(new Event('blur'))"),
    "a cancelled pointer": lambda page: page.evaluate(
        "document.body.dispatchEvent(new PointerEvent('pointercancel', {bubbles: true}))"
    ),
}


def test_every_cancelled_drag_leaves_the_graph_unchanged(cifar: Page) -> None:
    page, before = cifar, drawing.text(cifar)
    x, y = drawing.position(page, "neck")
    area = drawing.area(drawing.pane(page))
    ground = (area["x"] + 300, area["y"] + area["height"] - 90)
    for give_up in GIVE_UP.values():
        take_wire(page, middle(drawing.handle(page, "neck.out", "source")), ground)
        give_up(page)
        nothing_is_left(page)
        page.mouse.move(*middle(drawing.handle(page, "loss.pred", "target")))
        page.mouse.up()
    take_wire(page, middle(drawing.handle(page, "head.feature", "target")), ground)  # the end of its wire
    page.keyboard.press("Escape")
    nothing_is_left(page)
    page.mouse.up()
    take(page, head_of(page, "neck"), ground)
    page.keyboard.press("Escape")
    page.mouse.up()
    expect(box(page, "neck")).to_have_attribute("style", re.compile(rf"translate\({x:g}px, {y:g}px\)"))
    take_part(page, "Dropout", ground)
    page.keyboard.press("Escape")
    nothing_is_left(page)
    page.mouse.up()
    box(page, "neck").click(position={"x": 30, "y": 8})
    expect(page.locator(".composer-box-selected")).to_have_count(1)
    page.keyboard.down("Shift")
    covered = drawing.area(box(page, "backbone"))
    right, top = covered["x"] + covered["width"], covered["y"]
    take(page, (right + 20, top + 4), (right - 30, top + 30))  # from the ground beside it over a part of it alone
    expect(page.locator(".composer-box-selected")).to_have_count(2)  # a frame adds to what is selected
    page.keyboard.press("Escape")
    expect(page.locator(".react-flow__selection")).to_have_count(0)
    expect(page.locator(".composer-box-selected")).to_have_count(1)
    page.mouse.up()
    page.keyboard.up("Shift")
    assert drawing.text(page) == before
    expect(page.locator(".composer-menu, .composer-chooser")).to_have_count(0)


def test_the_end_of_a_wire_is_pulled_off_its_port_and_the_next_wire_is_drawn(cifar: Page) -> None:
    page, before = cifar, drawing.text(cifar)
    x, y = middle(drawing.handle(page, "head.feature", "target"))
    take_wire(page, (x, y), (x - 40, y + 190))
    page.mouse.up()
    expect(drawing.edge(page, "neck.out", "head.feature")).to_have_count(0)
    nothing_is_left(page)
    undo(page)
    document_is(page, before)
    take_wire(page, (x, y), middle(drawing.handle(page, "prediction.logits", "target")))
    page.mouse.up()
    expect(drawing.edge(page, "neck.out", "prediction.logits")).to_be_attached()
    expect(drawing.edge(page, "neck.out", "head.feature")).to_have_count(0)
    undo(page)
    document_is(page, before)
    x, y = middle(drawing.handle(page, "backbone.out", "source"))
    take_wire(page, (x, y), (x + 30, y + 200))
    expect(page.locator(".react-flow__connection-path")).to_have_count(1)
    page.mouse.up()
    expect(page.get_by_role("dialog", name="Where backbone.out may go")).to_be_visible()
    nothing_is_left(page)


def test_the_view_stays_where_a_wire_begins_at_its_edge_and_moves_when_it_is_meant(cifar: Page) -> None:
    page = cifar
    before = drawing.text(page)
    viewport = page.locator(".react-flow__viewport")
    ground = drawing.area(drawing.pane(page))
    right, y = ground["x"] + ground["width"] - 6, head_of(page, "neck")[1]
    take(page, head_of(page, "neck"), (right - 100, y))
    page.mouse.up()
    page.wait_for_function("(before) => window.composerCanvas.currentDocument() !== before", arg=before)
    stood = viewport.evaluate("one => one.style.transform")
    x, y = middle(drawing.handle(page, "neck.out", "source"))
    take_wire(page, (x, y), (x + 4, y + 40))
    page.evaluate("new Promise((done) => setTimeout(done, 500))")  # as long as a person rests there
    assert viewport.evaluate("one => one.style.transform") == stood
    page.mouse.move(x - 200, y + 60, steps=4)
    page.mouse.move(right, y + 60, steps=4)
    page.wait_for_function(
        "(stood) => document.querySelector('.react-flow__viewport').style.transform !== stood", arg=stood
    )
    page.keyboard.press("Escape")
    page.mouse.up()


def test_a_part_is_put_into_a_wire_or_takes_the_place_of_a_node(page: Page) -> None:
    open_text(page, SEVERAL)
    drawing.canvas(page).focus()
    before = drawing.text(page)
    take_part(page, "Dropout", halfway(page, "view_2", "conv.input"))
    expect(page.get_by_role("status").filter(has_text="put into view_2 → conv.input")).to_be_visible()
    expect(page.locator(".composer-wire-takes")).to_have_count(1)
    page.mouse.up()
    expect(drawing.edge(page, "dropout.out", "conv.input")).to_be_attached()
    wire = drawing.document(page)["nodes"]["conv"]["inputs"]["input"]
    assert wire == {"tensor": "view_1", "loss": "dropout.out"}
    undo(page)
    document_is(page, before)
    take(page, head_of(page, "act"), halfway(page, "view_2", "sum.xs"))
    expect(page.locator(".composer-wire-takes")).to_have_count(1)
    page.mouse.up()
    expect(drawing.edge(page, "act.out", "sum.xs")).to_be_attached()
    assert drawing.document(page)["nodes"]["sum"]["inputs"]["xs"] == ["view_1", "act.out"]
    undo(page)
    document_is(page, before)
    take_part(page, "GlobalAveragePooling", halfway(page, "pool.out", "outputs.tensor.y"))
    expect(page.locator(".composer-wire-refuses")).to_have_count(1)
    page.mouse.up()
    expect(box(page, "global_average_pooling")).to_be_visible()
    expect(page.get_by_text("pool.out carries Embedding, GlobalAveragePooling takes FeatureMap")).to_be_visible()
    undo(page)
    document_is(page, before)
    take_part(page, "GeneralizedMeanPooling", head_of(page, "pool"))
    expect(page.locator('[data-id="pool"] > .composer-box-takes')).to_have_count(1)
    page.mouse.up()
    expect(box(page, "pool")).to_contain_text("GeneralizedMeanPooling")
    expect(drawing.edge(page, "pool.out", "outputs.tensor.y")).to_be_attached()
    undo(page)
    document_is(page, before)


def test_a_wire_that_is_dropped_on_a_box_takes_the_port_that_fits_or_asks(page: Page) -> None:
    open_text(page, SEVERAL)
    take_wire(page, middle(drawing.handle(page, "pool.out", "source")), head_of(page, "outputs.tensor"))
    expect(page.locator('[data-id="outputs.tensor"] > .composer-box-takes')).to_have_count(1)
    page.mouse.up()
    expect(drawing.edge(page, "pool.out", "outputs.tensor.pool")).to_be_attached()
    take_wire(page, middle(drawing.handle(page, "pool.out", "source")), head_of(page, "pair"))
    page.mouse.up()
    page.get_by_role("option", name="pair.target").click()
    expect(drawing.edge(page, "pool.out", "pair.target")).to_be_attached()
    take_wire(page, middle(drawing.handle(page, "act.input", "target")), head_of(page, "conv"))
    page.mouse.up()
    expect(drawing.edge(page, "conv.out", "act.input")).to_be_attached()
    take_wire(page, middle(drawing.handle(page, "conv.out", "source")), head_of(page, "sum"))
    page.mouse.up()
    expect(drawing.edge(page, "conv.out", "sum.xs")).to_be_attached()
    assert drawing.document(page)["nodes"]["sum"]["inputs"]["xs"] == ["view_1", "view_2", "conv.out"]


def test_a_node_is_replaced_and_a_wire_led_through_another_by_keyboard(cifar: Page) -> None:
    page = cifar
    box(page, "backbone").click(position={"x": 30, "y": 8})
    page.keyboard.press("r")
    choices = page.get_by_role("dialog", name="Replace backbone with").get_by_role("option")
    expect(choices.first).to_contain_text("backbones")
    page.keyboard.type("MobileNetV2")
    expect(drawing.chosen(page)).to_contain_text("MobileNetV2")
    page.keyboard.press("Enter")
    expect(page.get_by_text("backbone is a MobileNetV2 now. Not kept: the parameter depth.")).to_be_visible()
    expect(drawing.edge(page, "backbone.out[-1]", "neck.feature")).to_be_attached()
    box(page, "head").click(position={"x": 30, "y": 8})
    page.keyboard.press("w")
    expect(page.get_by_role("toolbar", name="wire")).to_be_visible()
    page.keyboard.press("i")
    page.keyboard.type("dropout")
    expect(drawing.chosen(page)).to_contain_text("Dropout")
    page.keyboard.press("Enter")
    expect(drawing.edge(page, "neck.out", "dropout.input")).to_be_attached()
    expect(drawing.edge(page, "dropout.out", "head.feature")).to_be_attached()


def test_shift_adds_boxes_and_wires_to_the_selection(cifar: Page) -> None:
    page, before = cifar, drawing.text(cifar)
    box(page, "loss").click(position={"x": 30, "y": 8})
    box(page, "label").click(position={"x": 30, "y": 8}, modifiers=["Shift"])
    expect(page.locator(".composer-box-selected")).to_have_count(2)
    box(page, "label").click(position={"x": 30, "y": 8}, modifiers=["Control"])
    expect(page.locator(".composer-box-selected")).to_have_count(1)
    page.keyboard.down("Shift")
    page.mouse.click(*halfway(page, "neck.out", "head.feature"))
    page.mouse.click(*halfway(page, "backbone.out[-1]", "neck.feature"))
    page.keyboard.up("Shift")
    expect(page.locator(".composer-wire-selected")).to_have_count(2)
    expect(page.locator(".composer-box-selected")).to_have_count(1)
    expect(page.get_by_role("heading", name="1 box and 2 wires selected")).to_be_visible()
    page.keyboard.press("Delete")
    expect(box(page, "loss")).to_have_count(0)
    expect(drawing.edge(page, "neck.out", "head.feature")).to_have_count(0)
    expect(drawing.edge(page, "backbone.out[-1]", "neck.feature")).to_have_count(0)
    undo(page)
    document_is(page, before)


def test_two_fingers_on_a_trackpad_move_the_view_and_the_setting_is_remembered(cifar: Page) -> None:
    page = cifar
    zoom = page.get_by_role("toolbar", name="view").get_by_role("button", name="Zoom to 100%")
    area = drawing.area(drawing.pane(page))
    page.mouse.move(area["x"] + 300, area["y"] + area["height"] - 90)

    def turned(x: float, y: float) -> bool:
        """Whether the view moves at the same zoom."""
        before = page.locator(".react-flow__viewport").evaluate("one => one.style.transform")
        shown = zoom.inner_text()
        page.mouse.wheel(x, y)
        page.wait_for_function(
            "(before) => document.querySelector('.react-flow__viewport').style.transform !== before", arg=before
        )
        return zoom.inner_text() == shown

    assert turned(12, 30) and turned(-12, -30)
    setting = page.get_by_label("What scrolling does")
    setting.select_option("mouse")
    page.mouse.move(area["x"] + 300, area["y"] + area["height"] - 90)
    assert not turned(12, 30)
    setting.select_option("trackpad")
    page.mouse.move(area["x"] + 300, area["y"] + area["height"] - 90)
    assert turned(0, 100)
    page.keyboard.down("Control")
    assert not turned(0, -30)  # a pinch comes as the wheel with Ctrl
    page.keyboard.up("Control")
    page.reload()
    expect(page.get_by_label("What scrolling does")).to_have_value("trackpad")


class Fingers:
    """Fingers on the screen of a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.session: CDPSession = page.context.new_cdp_session(page)

    def send(self, kind: str, *points: tuple[float, float]) -> None:
        found = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": found})

    def drag(self, start: tuple[float, float], goal: tuple[float, float], *, waiting: str | None = None) -> None:
        """Drag with one finger; near the start until something is there that is waited for."""
        self.send("touchStart", start)
        self.send("touchMove", (start[0] + 12, start[1] + 6))
        self.send("touchMove", (start[0] + 16, start[1] + 8))
        if waiting:
            expect(self.page.locator(waiting).first).to_be_attached()
        for step in range(1, 7):
            x, y = (start[at] + (goal[at] - start[at]) * step / 6 for at in (0, 1))
            self.send("touchMove", (x, y))
        self.send("touchEnd")


@pytest.fixture
def tablet(browser: Browser, app: App) -> Iterator[Page]:
    """A page on a device with a touch screen."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, has_touch=True)
    page = context.new_page()
    page.goto(app.address)
    page.locator(".composer-start").wait_for()
    yield page
    context.close()


def test_fingers_add_parts_draw_wires_open_menus_and_zoom(tablet: Page) -> None:
    page, fingers = tablet, Fingers(tablet)
    search, item = (
        page.get_by_role("searchbox", name="Search the palette"),
        page.locator(".composer-palette-item").first,
    )
    for name, goal in (("ResNet_CIFAR", (420.0, 220.0)), ("GlobalAveragePooling", (330.0, 560.0))):
        search.fill(name)
        expect(item).to_contain_text(name)
        fingers.drag(middle(item), goal)
    expect(box(page, "resnet_cifar")).to_be_visible()
    expect(box(page, "global_average_pooling")).to_be_visible()
    search.fill("Dropout")
    expect(item).to_contain_text("Dropout")
    item.tap()
    expect(box(page, "dropout")).to_be_visible()
    page.get_by_role("button", name="Fit all in the view").tap()  # the view went to where dropout was put
    source, fits = drawing.handle(page, "resnet_cifar.out", "source"), ".composer-port-fits"
    target = drawing.handle(page, "global_average_pooling.feature", "target")
    fingers.drag(middle(source), middle(target), waiting=fits)
    expect(drawing.edge(page, "resnet_cifar.out[-1]", "global_average_pooling.feature")).to_be_attached()
    x, y = middle(source)
    fingers.drag((x, y), (x + 40, y + 120), waiting=fits)
    expect(page.get_by_role("dialog", name="Where resnet_cifar.out may go")).to_be_visible()
    page.keyboard.press("Escape")
    x, y = middle(target)
    fingers.drag((x, y), (x + 160, y - 100), waiting=fits)
    expect(page.locator(".react-flow__edge")).to_have_count(0)
    fingers.send("touchStart", head_of(page, "resnet_cifar"))
    expect(page.get_by_role("menu", name="menu of the node")).to_be_visible()
    fingers.send("touchEnd")
    page.keyboard.press("Escape")
    before = page.locator(".react-flow__viewport").evaluate("one => one.style.transform")
    x, y = head_of(page, "resnet_cifar")
    fingers.send("touchStart", (x, y))
    fingers.send("touchStart", (x, y), (x + 40, y))
    for step in range(1, 5):
        fingers.send("touchMove", (x - 10 * step, y), (x + 40 + 10 * step, y))
    fingers.send("touchEnd")
    page.wait_for_function(
        "(before) => document.querySelector('.react-flow__viewport').style.transform !== before", arg=before
    )
    assert page.evaluate("[scrollX, scrollY, visualViewport.scale]") == [0, 0, 1]


CROWDED = """\
schema: 1
name: crowded
inputs:
  view_1: {type: Image, shape: [B, 3, 16, 16], preprocess: {resize: [16, 16]}}
nodes:
  norm: {type: BatchNorm2d, inputs: {input: view_1}}
  act: {type: ReLU, inputs: {input: norm.out}}
outputs:
  tensor: {y: act.out}
layout: {view_1: [0, 0], norm: [260, 0], act: [260, 120], outputs.tensor: [500, 0]}
"""


@pytest.mark.parametrize("name", ["view_1", "act", "outputs.tensor"])
def test_a_component_dropped_on_a_box_it_cannot_replace_is_placed_beside_it(page: Page, name: str) -> None:
    open_text(page, CROWDED)
    page.keyboard.press("f")
    take_part(page, "Label", middle(box(page, name)))
    page.mouse.up()
    expect(box(page, "label")).to_be_visible()
    drawing.idle(page)
    ground, label = drawing.area(drawing.pane(page)), drawing.area(box(page, "label"))
    assert ground["x"] <= label["x"] and label["x"] + label["width"] <= ground["x"] + ground["width"]
    assert ground["y"] <= label["y"] and label["y"] + label["height"] <= ground["y"] + ground["height"]
    assert drawing.overlaps(page) == []
