"""What is said of the graph as a whole: shown while nothing is selected."""

import pytest
from playwright.sync_api import Page, expect

from tests.web.flows import steps


@pytest.fixture
def cifar(page: Page) -> Page:
    steps.open_shipped(page)
    steps.pick_nothing(page)
    return page


def test_name_description_and_classes_are_changed(cifar):
    steps.put(cifar, "name", "pets")
    steps.control(cifar, "about").fill("Two kinds of pets.")
    steps.control(cifar, "classes").fill("cat, dog")
    steps.control(cifar, "classes").press("Enter")
    expect(steps.title_of(cifar)).to_contain_text("pets")
    expect(cifar.locator("summary", has_text="Graph")).to_contain_text("2 classes")
    text = steps.downloaded(cifar)
    assert "name: pets\nabout: Two kinds of pets.\nclasses: [cat, dog]\n" in text


def test_an_output_is_added_renamed_wired_anew_and_removed(cifar):
    outputs = cifar.get_by_role("group", name="Outputs of tensor mode")
    outputs.get_by_role("button", name="Add an output for tensor mode").click()
    cifar.get_by_role("combobox", name="Add an output").fill("neck")
    expect(cifar.get_by_role("listbox").get_by_role("option").first).to_contain_text("neck")
    cifar.keyboard.press("Enter")
    expect(outputs.get_by_role("textbox")).to_have_count(2)
    name = outputs.get_by_role("textbox").nth(1)
    name.fill("embedding")
    name.press("Enter")
    outputs.get_by_role("button", name="Connect output embedding to ...").click()
    cifar.get_by_role("combobox", name="Connect output embedding").fill("head.out")
    expect(cifar.get_by_role("listbox").get_by_role("option").first).to_contain_text("head.out")
    cifar.keyboard.press("Enter")
    expect(outputs.locator(".composer-output").nth(1)).to_contain_text("head.out")
    outputs.get_by_role("button", name="Remove output logits").click()
    expect(outputs.get_by_role("textbox")).to_have_count(1)
    assert "tensor: {embedding: head.out}" in steps.downloaded(cifar)


def test_enter_before_the_list_is_there_takes_what_was_typed_whole(cifar):
    """The server's answer is held back, so that the list is still looked for when Enter is pressed."""
    cifar.evaluate("""() => {
        const ask = window.fetch;
        window.fetch = async (...asked) => {
            if (String(asked[1]?.body).includes("composer_fits")) await new Promise((go) => setTimeout(go, 1000));
            return ask(...asked);
        };
    }""")
    outputs = cifar.get_by_role("group", name="Outputs of tensor mode")
    field, add = (
        cifar.get_by_role("combobox", name="Add an output"),
        outputs.get_by_role("button", name="Add an output"),
    )
    for typed in ("neck", "head.out"):
        add.click()
        expect(cifar.get_by_text("Looking for what fits ...")).to_be_visible()
        field.fill(typed)
        cifar.keyboard.press("Enter")
        if typed == "neck":  # several ends begin so: the list is shown
            expect(cifar.get_by_role("listbox").get_by_role("option").first).to_contain_text("neck")
            cifar.keyboard.press("Escape")
    expect(outputs.locator(".composer-output").nth(1)).to_contain_text("head.out")


def test_inputs_are_added_declared_and_removed(cifar):
    cifar.get_by_role("button", name="Add a data sample").click()
    expect(steps.side(cifar).locator(".composer-heading")).to_contain_text("data sample")
    steps.put(cifar, "shape", "B, 5")
    steps.name_field(cifar).fill("weight")
    steps.name_field(cifar).press("Enter")
    expect(steps.box(cifar, "weight")).to_be_visible()
    assert "weight: {type: Label, shape: [B, 5]}" in steps.downloaded(cifar)
    steps.pick_nothing(cifar)
    cifar.get_by_role("button", name="Remove weight").click()
    expect(steps.box(cifar, "weight")).to_have_count(0)


def test_the_preparation_of_images_is_a_form(cifar):
    steps.pick(cifar, "image")
    expect(steps.control(cifar, "resize")).to_have_value("32, 32")
    steps.control(cifar, "channels").select_option("bgr")
    steps.put(cifar, "mean", "1, 2")
    expect(steps.field(cifar, "mean").get_by_role("alert")).to_contain_text("expected a list of 3 numbers")
    steps.put(cifar, "mean", "1, 2, 3")
    expect(steps.field(cifar, "mean").get_by_role("alert")).to_have_count(0)
    text = steps.downloaded(cifar)
    assert "channels: bgr" in text and "mean: [1.0, 2.0, 3.0]" in text
    cifar.get_by_role("switch", name="Prepare images").uncheck()
    expect(steps.field(cifar, "resize")).to_have_count(0)
    assert "preprocess" not in steps.downloaded(cifar)


def test_the_totals_are_those_of_the_graph(cifar):
    facts = steps.side(cifar).locator(".composer-facts")
    expect(facts).to_contain_text("Parameters11.2 M")
    expect(facts).to_contain_text("FLOPs, tensor1.11 G")


def test_a_subgraph_is_renamed_from_outside_and_inside_and_stays_while_it_is_called(page):
    steps.open_text(page, steps.NESTED)
    steps.pick_nothing(page)
    name = page.get_by_role("textbox", name="Name of the subgraph small")
    name.fill("stage")
    name.press("Enter")
    expect(page.get_by_role("textbox", name="Name of the subgraph stage")).to_be_visible()
    text = steps.downloaded(page)
    assert "graph: stage" in text and "small" not in text
    page.get_by_role("button", name="Remove the subgraph stage").click()
    expect(page.get_by_text("calls 'stage': remove it first")).to_be_visible()
    steps.pick(page, "encoder")
    steps.box(page, "encoder").press("Enter")
    expect(page.get_by_text("Esc leaves")).to_be_visible()
    inside = page.get_by_role("textbox", name="Name of the subgraph stage")
    inside.fill("trunk")
    inside.press("Enter")
    expect(page.get_by_role("textbox", name="Name of the subgraph trunk")).to_be_visible()
    assert "graph: trunk" in steps.downloaded(page)
