"""The form of a node's parameters."""

import pytest
from playwright.sync_api import Page, expect

from tests.extras import importable
from tests.web.flows import drawing, steps

TIMM = """
schema: 1
name: levels
inputs:
  image: {type: Image, shape: [B, 3, 64, 64]}
nodes:
  backbone: {type: TIMMBackbone, params: {model_name: resnet18}, inputs: {image: image}}
outputs:
  tensor: {levels: backbone.out}
"""


@pytest.fixture
def cifar(page: Page) -> Page:
    steps.open_shipped(page)
    return page


def test_a_number_that_is_set_changes_the_sizes_behind_it(cifar):
    steps.pick(cifar, "head")
    steps.put(cifar, "num_classes", "20")
    expect(cifar.get_by_role("group", name="port out, Logits")).to_contain_text("B 20")
    expect(steps.unsaved_mark(cifar)).to_be_visible()


def test_text_that_is_no_number_is_refused_beside_its_field_and_can_be_typed_on(cifar):
    steps.pick(cifar, "head")
    steps.put(cifar, "num_classes", "ten")
    expect(steps.field(cifar, "num_classes").get_by_role("alert")).to_have_text(
        "found 'ten', expected an integer, at least 1"
    )
    expect(steps.control(cifar, "num_classes")).to_have_value("10")
    expect(steps.control(cifar, "num_classes")).to_have_attribute("aria-invalid", "true")
    expect(steps.unsaved_mark(cifar)).to_have_count(0)
    steps.field(cifar, "num_classes").get_by_role("button", name="Edit it again").click()
    expect(steps.control(cifar, "num_classes")).to_be_focused()
    expect(steps.control(cifar, "num_classes")).to_have_value("ten")
    steps.control(cifar, "num_classes").press("Escape")
    expect(steps.control(cifar, "num_classes")).to_have_value("10")
    expect(steps.field(cifar, "num_classes").get_by_role("alert")).to_have_count(0)


def test_a_refused_value_is_reported_when_its_field_closes(cifar):
    steps.pick(cifar, "head")
    steps.control(cifar, "num_classes").fill("ten")
    steps.pick(cifar, "neck")
    expect(cifar.get_by_text("num_classes was not changed: found 'ten', expected an integer")).to_be_visible()


def test_undo_in_a_form_undoes_the_graph_and_the_form_shows_it(cifar):
    def params(name):
        return drawing.document(cifar)["nodes"][name]["params"]

    steps.pick(cifar, "head")
    number = steps.control(cifar, "num_classes")
    steps.put(cifar, "num_classes", "7")
    number.press("Control+z")
    expect(number).to_have_value("10")
    expect(steps.unsaved_mark(cifar)).to_have_count(0)
    number.press("Control+Shift+z")
    expect(number).to_have_value("7")
    number.press_sequentially("5")
    number.press("Control+z")  # what is being typed has an undo of its own
    expect(number).to_have_value("7")
    assert params("head")["num_classes"] == 7
    steps.pick(cifar, "backbone")
    for name, change, before in (
        ("depth", lambda control: control.select_option("50"), "18"),
        ("norm_eval", lambda control: control.check(), None),
        ("strides", lambda control: (control.fill("1, 2, 2, 1"), control.press("Enter")), "1, 2, 2, 2"),
    ):
        kept = params("backbone")
        control = steps.control(cifar, name)
        change(control)
        expect(cifar.get_by_role("button", name=f"Undo: set backbone.{name}")).to_be_enabled()
        control.press("Control+z")
        expect(cifar.get_by_role("button", name=f"Redo: set backbone.{name}")).to_be_enabled()
        assert params("backbone") == kept
        if before is None:
            expect(control).not_to_be_checked()
        elif name == "depth":
            expect(control.locator("option:checked")).to_have_text(before)
        else:
            expect(control).to_have_value(before)
    steps.name_field(cifar).fill("trunk")
    steps.name_field(cifar).press("Enter")
    expect(steps.box(cifar, "trunk")).to_be_visible()
    cifar.keyboard.press("Control+z")
    expect(steps.name_field(cifar)).to_have_value("backbone")


def test_enter_in_an_input_method_does_not_commit_the_field(cifar):
    session = cifar.context.new_cdp_session(cifar)

    def compose(text, key="Enter"):
        """Type text by an input method, and press a key that it takes."""
        session.send("Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)})
        taken = {"type": "rawKeyDown", "key": key, "code": key}
        session.send("Input.dispatchKeyEvent", {**taken, "windowsVirtualKeyCode": 229, "nativeVirtualKeyCode": 229})

    def leave():
        session.send("Input.imeSetComposition", {"text": "", "selectionStart": 0, "selectionEnd": 0})

    before = drawing.document(cifar)
    search = cifar.get_by_role("searchbox", name="Search the palette")
    search.click()
    compose("relu")
    expect(cifar.locator(".composer-palette-item").first).to_contain_text("ReLU")
    compose("relu", "Escape")
    expect(search).to_have_value("relu")
    leave()
    steps.pick(cifar, "head")
    for field in (steps.name_field(cifar), steps.control(cifar, "num_classes")):
        field.click()
        compose("7")
        expect(field).to_be_focused()
        leave()
        field.press("Escape")
    steps.box(cifar, "head").click(position={"x": 20, "y": 6})
    cifar.keyboard.press("F2")
    rename = steps.box(cifar, "head").locator("input")
    expect(rename).to_be_focused()
    compose("kopf")
    expect(rename).to_be_focused()
    leave()
    rename.press("Escape")
    expect(steps.box(cifar, "head")).to_be_focused()
    cifar.keyboard.press("Space")
    expect(drawing.search_box(cifar)).to_be_focused()
    compose("relu")
    expect(drawing.search_box(cifar)).to_be_focused()
    leave()
    cifar.keyboard.press("Escape")
    cifar.keyboard.press("Control+s")
    name = steps.dialog(cifar, "Save as").get_by_label("Name")
    expect(name).to_be_focused()
    compose("kopf")
    expect(name).to_be_focused()
    leave()
    cifar.keyboard.press("Escape")
    assert drawing.document(cifar) == before


def test_a_value_out_of_bounds_stays_in_its_field_with_the_problem_beside_it(cifar):
    steps.pick(cifar, "head")
    steps.put(cifar, "num_classes", "0")
    expect(steps.field(cifar, "num_classes")).to_contain_text("found 0, expected at least 1")
    expect(steps.control(cifar, "num_classes")).to_have_value("0")
    expect(steps.control(cifar, "num_classes")).to_have_attribute("aria-invalid", "true")
    steps.put(cifar, "num_classes", "10")
    expect(steps.problems(cifar)).to_have_text("No problems")


def test_a_parameter_from_the_wire_can_be_set_and_reset(cifar):
    steps.pick(cifar, "head")
    expect(steps.field(cifar, "in_channels")).to_contain_text("from the wire: 512")
    expect(steps.control(cifar, "in_channels")).to_have_value("")
    steps.put(cifar, "in_channels", "512")
    expect(steps.field(cifar, "in_channels")).not_to_contain_text("from the wire")
    cifar.get_by_role("button", name="Reset in_channels").click()
    expect(steps.field(cifar, "in_channels")).to_contain_text("from the wire: 512")


def test_a_changed_value_is_marked_and_its_default_leaves_no_trace(cifar):
    steps.pick(cifar, "loss")
    reset = cifar.get_by_role("button", name="Reset reduction")
    expect(reset).to_have_count(0)
    steps.control(cifar, "reduction").select_option("sum")
    expect(reset).to_be_visible()
    assert "reduction: sum" in steps.downloaded(cifar)
    reset.click()
    expect(steps.control(cifar, "reduction").locator("option:checked")).to_have_text("mean")
    steps.control(cifar, "reduction").select_option("sum")
    steps.control(cifar, "reduction").select_option("mean")
    expect(reset).to_have_count(0)
    assert "reduction" not in steps.downloaded(cifar)


def test_a_switch_and_a_list_are_set(cifar):
    steps.pick(cifar, "backbone")
    steps.control(cifar, "norm_eval").check()
    steps.put(cifar, "strides", "1, 2, 2, 1")
    expect(cifar.get_by_role("button", name="Reset strides")).to_be_visible()
    text = steps.downloaded(cifar)
    assert "norm_eval: true" in text and "strides: [1, 2, 2, 1]" in text


def test_a_value_with_several_types_switches_between_their_fields(page):
    steps.open_text(page, steps.NESTED.replace("in_channels: 4, ", ""))
    steps.pick(page, "encoder")
    page.get_by_role("button", name="Enter").click()
    steps.pick(page, "conv")
    page.get_by_label("Form of kernel_size").select_option("2 integers")
    expect(steps.control(page, "kernel_size")).to_have_value("3, 3")
    steps.put(page, "kernel_size", "3")
    expect(steps.field(page, "kernel_size").get_by_role("alert")).to_contain_text("expected 2 integers")
    expect(steps.control(page, "kernel_size")).to_have_value("3, 3")
    steps.put(page, "kernel_size", "(3, 5)")
    expect(steps.control(page, "kernel_size")).to_have_value("3, 5")
    assert "kernel_size: [3, 5]" in steps.downloaded(page)


def test_a_mapping_is_typed_as_text_and_its_syntax_errors_are_shown(cifar):
    steps.pick(cifar, "backbone")
    steps.put(cifar, "norm_cfg", "{type: GN, num_groups: ")
    expect(steps.field(cifar, "norm_cfg").get_by_role("alert")).to_contain_text("expected")
    expect(steps.control(cifar, "norm_cfg")).to_have_value("{type: BN, requires_grad: true}")
    steps.put(cifar, "norm_cfg", "{type: GN, num_groups: 8}")
    expect(steps.field(cifar, "norm_cfg").get_by_role("alert")).to_have_count(0)
    assert "norm_cfg: {type: GN, num_groups: 8}" in steps.downloaded(cifar)


def test_text_being_typed_is_applied_when_another_box_is_selected(cifar):
    steps.pick(cifar, "head")
    steps.control(cifar, "num_classes").fill("33")
    steps.pick(cifar, "neck")
    steps.pick(cifar, "head")
    expect(steps.control(cifar, "num_classes")).to_have_value("33")


def test_a_node_is_renamed_and_an_illegal_name_is_refused_beside_it(cifar):
    steps.pick(cifar, "head")
    steps.name_field(cifar).fill("train")
    steps.name_field(cifar).press("Enter")
    expect(steps.side(cifar).get_by_role("alert")).to_contain_text("name of something that every model has")
    steps.name_field(cifar).fill("classifier")
    steps.name_field(cifar).press("Enter")
    expect(steps.box(cifar, "classifier")).to_be_visible()
    expect(steps.name_field(cifar)).to_have_value("classifier")
    assert "pred: classifier.out" in steps.downloaded(cifar)


def test_the_figures_documentation_and_source_of_a_component_are_shown(cifar):
    steps.pick(cifar, "backbone")
    for title in ("Documentation", "Source"):
        cifar.get_by_role("heading", name=title).click()
    expect(cifar.locator(".composer-source pre")).to_contain_text("class ResNet_CIFAR")
    expect(cifar.locator(".composer-doc")).to_contain_text("arXiv:1512.03385")
    facts = cifar.locator(".composer-facts")
    for row in ("Parameters11.2 M", "Trainable11.2 M", "Activation32.0 KiB"):
        expect(facts.filter(has_text=row)).to_be_attached()


def test_a_long_list_is_searched_by_name_and_what_is_chosen_is_set(page):
    steps.open_text(page, TIMM)
    steps.pick(page, "backbone")
    steps.field(page, "model_name").get_by_role("button", name="Search model_name").click()
    listed = page.get_by_role("dialog", name="Search model_name")
    expect(listed).to_contain_text("1371 of 1371: type to find the others")
    listed.get_by_role("combobox").fill("convnext tiny")
    choice = listed.get_by_role("option").first
    expect(choice).to_contain_text("convnext_tiny")
    expect(choice).to_contain_text("28.6 M, 85.2 %, 384 px, apache-2.0")
    expect(listed).to_contain_text("in12k_ft_in1k_384: 85.15 %, apache-2.0")
    listed.get_by_role("combobox").press("Enter")
    expect(listed).to_have_count(0)
    expect(steps.control(page, "model_name")).to_have_value("convnext_tiny")
    assert drawing.document(page)["nodes"]["backbone"]["params"] == {"model_name": "convnext_tiny"}


def test_a_list_closes_without_a_choice(page):
    steps.open_text(page, TIMM)
    steps.pick(page, "backbone")
    button = steps.field(page, "model_name").get_by_role("button", name="Search model_name")
    for leave in (lambda: page.keyboard.press("Escape"), lambda: steps.name_field(page).click()):
        button.click()
        expect(page.get_by_role("dialog", name="Search model_name")).to_be_visible()
        leave()
        expect(page.get_by_role("dialog", name="Search model_name")).to_have_count(0)
    assert drawing.document(page)["nodes"]["backbone"]["params"] == {"model_name": "resnet18"}


@pytest.mark.skipif(importable("timm"), reason="timm is installed")
def test_a_part_whose_package_is_missing_is_a_placeholder_and_says_what_to_install(page):
    steps.open_text(page, TIMM)
    expect(steps.box(page, "backbone")).to_contain_text("not installed")
    steps.pick(page, "backbone")
    expect(steps.side(page)).to_contain_text("install it: pip install 'graph-composer[timm]'")
    expect(steps.control(page, "model_name")).to_have_value("resnet18")
