"""A classifier from an empty canvas."""

from playwright.sync_api import Page, expect

from tests.web.flows import drawing
from tests.web.flows.steps import box, control, open_shipped, pick, problems, put

MADE = {
    "ResNet_CIFAR": "resnet_cifar",
    "GlobalAveragePooling": "global_average_pooling",
    "LinearClsHead": "linear_cls_head",
    "CrossEntropyLoss": "cross_entropy_loss",
}


def test_a_classifier_is_built_by_mouse_and_its_wires_show_their_sizes(page: Page) -> None:
    places = [(260, 90), (470, 200), (110, 290), (330, 360)]
    drawing.add_at(page, "Image input", 80, 90)
    expect(box(page, "image")).to_be_visible()
    for (name, made), (x, y) in zip(MADE.items(), places, strict=True):
        drawing.add_at(page, name, x, y)
        expect(box(page, made)).to_be_visible()
    drawing.add_at(page, "Label data sample", 110, 450)
    expect(box(page, "label")).to_be_visible()
    assert drawing.overlaps(page) == []
    page.get_by_role("button", name="Fit all in the view").click()
    drawing.wire(page, "image", "resnet_cifar.image")
    drawing.wire(page, "resnet_cifar.out", "global_average_pooling.feature")
    drawing.wire(page, "global_average_pooling.out", "linear_cls_head.feature")
    drawing.wire(page, "linear_cls_head.out", "cross_entropy_loss.pred")
    drawing.wire(page, "label", "cross_entropy_loss.target")
    drawing.let_go(page, "cross_entropy_loss.out", 820, 600)
    drawing.search_box(page).fill("output loss")
    page.get_by_role("option", name="Output of loss mode").click()
    expect(drawing.edge(page, "cross_entropy_loss.out", "outputs.loss")).to_be_attached()
    pick(page, "resnet_cifar")
    control(page, "depth").select_option(label="18")
    pick(page, "linear_cls_head")
    put(page, "num_classes", "10")
    expect(problems(page)).to_contain_text("No problems")
    drawing.canvas(page).focus()
    page.get_by_role("button", name="Lay out automatically").click()
    expect(drawing.label(page, "global_average_pooling.out", "linear_cls_head.feature")).to_have_text("B 512")
    expect(drawing.label(page, "linear_cls_head.out", "cross_entropy_loss.pred")).to_have_text("B 10")


def test_a_classifier_is_built_by_keyboard_alone(page: Page) -> None:
    page.locator(".composer-start").wait_for()
    drawing.canvas(page).focus()
    _type_in(page, "Image input", "image")
    _type_in(page, "ResNet_CIFAR", "resnet_cifar")
    _connect(page, "image", "image", "resnet_cifar.image")
    page.keyboard.press("F2")
    expect(page.locator(".composer-name-field")).to_be_focused()
    page.keyboard.type("backbone")
    page.keyboard.press("Enter")
    expect(box(page, "backbone")).to_be_focused()
    _set(page, "depth", "18")
    _type_in(page, "GlobalAveragePooling", "global_average_pooling")
    _connect(page, "backbone.out[-1]", "backbone.out[-1]", "global_average_pooling.feature")
    _type_in(page, "LinearClsHead", "linear_cls_head")
    _connect(page, "pooling.out", "global_average_pooling.out", "linear_cls_head.feature")
    _set(page, "num_classes", "10")
    _type_in(page, "CrossEntropyLoss", "cross_entropy_loss")
    _connect(page, "pred linear", "linear_cls_head.out", "cross_entropy_loss.pred")
    _connect(page, "new output loss", "cross_entropy_loss.out", "outputs.loss")
    _type_in(page, "Label data sample", "label")
    _connect(page, "loss.target", "label", "cross_entropy_loss.target")
    expect(problems(page)).to_contain_text("No problems")


def test_arrows_go_to_the_nearest_box_and_escape_deselects(page: Page) -> None:
    open_shipped(page)
    at = {name: drawing.position(page, name) for name in ("image", "backbone", "neck", "head", "loss", "outputs.loss")}
    assert at["image"][0] < at["backbone"][0] < at["neck"][0]
    assert at["image"][1] == at["backbone"][1] == at["neck"][1] < at["head"][1] == at["loss"][1]
    assert at["head"][0] < at["loss"][0] < at["outputs.loss"][0]
    drawing.canvas(page).focus()
    way = [("Right", "image"), ("Right", "backbone"), ("Right", "neck"), ("Down", "outputs.loss")]
    for arrow, name in [*way, ("Left", "loss"), ("Left", "head")]:
        page.keyboard.press(f"Arrow{arrow}")
        expect(box(page, name)).to_be_focused()
        if not name.startswith("outputs."):
            expect(page.locator(".composer-heading input")).to_have_value(name)
    page.keyboard.press("Escape")
    expect(page.locator(".composer-box-selected")).to_have_count(0)


def test_a_box_says_what_it_is_to_a_screen_reader(page: Page) -> None:
    open_shipped(page)
    expect(page.get_by_role("group", name="backbone, ResNet_CIFAR, 2 wires")).to_be_visible()
    expect(page.get_by_label("port feature: FeatureMap")).to_have_count(1)


def _type_in(page: Page, words: str, made: str) -> None:
    page.keyboard.press("Space")
    expect(drawing.search_box(page)).to_be_focused()
    page.keyboard.type(words)
    expect(drawing.chosen(page)).to_contain_text(words.split()[0])
    page.keyboard.press("Enter")
    expect(box(page, made)).to_be_focused()


def _connect(page: Page, words: str, source: str, target: str) -> None:
    page.keyboard.press("c")
    expect(drawing.search_box(page)).to_be_focused()
    page.keyboard.type(words)
    drawing.chosen(page).wait_for()
    page.keyboard.press("Enter")
    expect(drawing.edge(page, source, target)).to_be_attached()


def _set(page: Page, parameter: str, value: str) -> None:
    """Enter the inspector, go to a field, type, and come back."""
    page.keyboard.press("Enter")
    expect(page.locator(".composer-side :focus")).to_have_count(1)
    for _ in range(40):
        if control(page, parameter).evaluate("one => one === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.type(value)
    page.keyboard.press("Enter")
    expect(control(page, parameter)).to_have_attribute("aria-invalid", "false")
    page.get_by_role("main", name="canvas").focus()
