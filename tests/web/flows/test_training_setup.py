"""Before a training: data, what does not fit, the recipe as form and text, and the check; by mouse and by keyboard."""

import io
import re
import zipfile
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from tests.web.flows.conftest import App
from tests.web.flows.steps import box, expect_in_file, field, holding, open_text, pick, save_as

SMALL = """\
schema: 1
name: little
inputs:
  image: {type: Image, shape: [B, 3, 16, 16], preprocess: {resize: [16, 16], mean: [127.5, 127.5, 127.5],
    std: [60, 60, 60]}}
data_samples:
  label: {type: Label, shape: [B]}
nodes:
  conv: {type: Conv2d, params: {out_channels: 4, kernel_size: 3}, inputs: {input: image}}
  pool: {type: GlobalAveragePooling, inputs: {feature: conv.out}}
  head: {type: LinearClsHead, params: {num_classes: 5}, inputs: {feature: pool.out}}
  loss: {type: CrossEntropyLoss, inputs: {pred: head.out, target: label}}
outputs:
  loss: {loss: loss.out}
"""

FITTING = SMALL.replace("num_classes: 5", "num_classes: 2")


def image(number: int, seed: int = 0) -> bytes:
    draw = np.random.default_rng(seed)
    pixels = draw.integers(0, 60, (20, 20, 3)) + np.array([90 * number, 120, 180 - 90 * number])
    content = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(content, "PNG")
    return content.getvalue()


def packed(*entries: tuple[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name, data in entries:
            file.writestr(name, data)
    return content.getvalue()


@pytest.fixture(scope="module", autouse=True)
def animals(app: App) -> None:
    """A folder of images of two classes, one of them damaged."""
    for number, name in enumerate(("ant", "bee")):
        folder = app.workspace / "animals" / name
        folder.mkdir(parents=True, exist_ok=True)
        for index in range(10):
            (folder / f"{index}.png").write_bytes(image(number, index))
    (app.workspace / "animals" / "bee" / "broken.png").write_bytes(b"nothing")


def train_tab(page: Page) -> Locator:
    page.evaluate("composerDock.open('Train')")
    new = page.get_by_role("tab", name="New training")
    expect(new).to_be_visible()
    new.click()
    return page.locator("#composer-train")


def choose_animals(page: Page) -> Locator:
    """Choose the data, and wait until it was looked at and its images are there."""
    tab = train_tab(page)
    tab.get_by_role("button", name="Choose a folder").click()
    tab.get_by_role("button", name="Use animals").click()
    expect(tab.locator(".setup-facts")).to_contain_text("2 classes")
    expect(tab.locator(".setup-sample").first).to_be_visible()
    return tab


def yaml_of(tab: Locator) -> Locator:
    return tab.get_by_label("Recipe as YAML")


def test_data_is_chosen_by_keyboard_and_shown_with_counts_bad_files_and_images(page: Page) -> None:
    open_text(page, FITTING)
    tab = train_tab(page)
    expect(tab.get_by_role("button", name="Start training")).to_be_disabled()
    begin = tab.get_by_role("button", name="Choose a folder")
    begin.focus()
    page.keyboard.press("Enter")
    expect(tab.locator("[data-entry]").first).to_be_focused()
    entry = tab.locator("[data-entry]", has=page.get_by_text("animals", exact=True))
    expect(entry).to_be_visible()
    page.keyboard.press("End")
    for _ in range(20):
        if entry.evaluate("one => one === document.activeElement"):
            break
        page.keyboard.press("ArrowUp")
    expect(entry).to_be_focused()
    page.keyboard.press("Enter")
    use = tab.get_by_role("button", name="Use this folder")
    expect(use).to_be_visible()
    use.focus()
    page.keyboard.press("Enter")
    expect(tab.locator(".setup-facts")).to_contain_text("2 classes")
    expect(tab.locator(".setup-chart")).to_contain_text("bee")
    expect(tab.locator(".setup-sample").first).to_be_visible()
    bad = tab.locator(".setup-fault")
    expect(bad).to_contain_text("1 cannot be read")
    bad.locator("summary").click()
    expect(bad).to_contain_text("bee/broken.png")
    tab.get_by_role("button", name="Skip them").click()
    expect(yaml_of(tab)).to_have_value(holding("bad: skip"))
    expect(tab.get_by_role("button", name="Start training")).to_be_enabled()


def test_an_epoch_later_the_images_are_others(page: Page) -> None:
    open_text(page, FITTING)
    tab = choose_animals(page)
    first = tab.locator(".setup-sample image").first
    before = first.evaluate("one => one.getAttribute('href')")
    tab.get_by_role("button", name="The next epoch").click()
    expect(tab.get_by_text("epoch 2")).to_be_visible()
    expect(first).not_to_have_attribute("href", before)
    tab.get_by_role("button", name="The epoch before").click()
    expect(first).to_have_attribute("href", before)


def test_a_button_fixes_a_graph_of_other_classes_and_undo_restores_it(page: Page) -> None:
    open_text(page, SMALL)
    tab = choose_animals(page)
    problem = tab.get_by_role("list", name="Problems of the graph")
    expect(problem).to_contain_text("the data has 2 classes")
    page.get_by_role("tab", name="Problems").click()
    expect(page.get_by_role("region", name="Graph and data")).to_contain_text("head.num_classes is 5")
    problem.get_by_role("button", name="Fix: set classes").click()
    expect(problem).to_have_count(0)
    expect(page.get_by_role("region", name="Graph and data")).to_have_count(0)
    expect(box(page, "head")).to_contain_text("num_classes 2")
    page.get_by_role("button", name="Undo").click()
    expect(problem).to_contain_text("the data has 2 classes")


def test_form_and_yaml_stay_in_step_and_survive_a_reload(page: Page, app: App) -> None:
    open_text(page, FITTING)
    save_as(page, "kept recipe")
    tab = choose_animals(page)
    tab.get_by_label("epochs", exact=True).fill("7")
    page.keyboard.press("Enter")
    expect(yaml_of(tab)).to_have_value(holding("epochs: 7"))
    text = yaml_of(tab).input_value()
    yaml_of(tab).fill(text.replace("epochs: 7", "epochs: 9\nseed: 4"))
    expect(tab.get_by_label("epochs", exact=True)).to_have_value("9")
    expect(tab.get_by_label("seed", exact=True)).to_have_value("4")
    yaml_of(tab).fill(text.replace("epochs: 7", "epochs: 9\nseed: many"))
    expect(tab.get_by_role("list", name="Problems of the recipe")).to_contain_text("seed")
    expect(tab.get_by_role("button", name="Start training")).to_be_disabled()
    yaml_of(tab).fill(text.replace("epochs: 7", "epochs: 9\nseed: 5"))
    expect(tab.get_by_role("list", name="Problems of the recipe")).to_have_count(0)
    expect(tab.locator(".setup-file")).to_have_text("kept recipe.recipe.yaml")
    page.reload()
    page.wait_for_selector(".react-flow__pane", state="attached")
    tab = train_tab(page)
    expect(yaml_of(tab)).to_have_value(holding("seed: 5"))
    expect(tab.get_by_label("epochs", exact=True)).to_have_value("9")
    expect_in_file(page, app.workspace / "kept recipe.recipe.yaml", "seed: 5")
    key = "composer.recipe.workspace/kept recipe.yaml"
    typed = {"text": text.replace("epochs: 7", "epochs: 11"), "base": "", "version": "of another file"}
    page.goto(f"{app.address}/config")  # the page is left, so that it writes nothing any more
    page.evaluate("([key, typed]) => localStorage.setItem(key, JSON.stringify(typed))", [key, typed])
    page.goto(app.address)  # typed here, and meanwhile somebody else wrote the file: both are kept
    page.wait_for_selector(".react-flow__pane", state="attached")
    tab = train_tab(page)
    expect(yaml_of(tab)).to_have_value(holding("epochs: 11"))
    expect(tab.get_by_role("alert").filter(has_text="changed since it was read here")).to_be_visible()
    expect_in_file(page, app.workspace / "kept recipe.recipe.yaml", "seed: 5")
    tab.get_by_role("button", name="Keep mine").click()
    expect_in_file(page, app.workspace / "kept recipe.recipe.yaml", "epochs: 11")


def test_the_recipe_of_a_graph_without_a_file_outlives_a_reload_and_goes_along_when_it_is_saved(
    page: Page, app: App
) -> None:
    open_text(page, FITTING)
    tab = choose_animals(page)
    tab.get_by_label("epochs", exact=True).fill("3")
    page.keyboard.press("Enter")
    expect(yaml_of(tab)).to_have_value(holding("epochs: 3"))
    page.reload()
    page.wait_for_selector(".react-flow__pane", state="attached")
    tab = train_tab(page)
    expect(yaml_of(tab)).to_have_value(holding("epochs: 3"))
    save_as(page, "saved later")
    expect(tab.locator(".setup-file")).to_have_text("saved later.recipe.yaml")
    expect_in_file(page, app.workspace / "saved later.recipe.yaml", "epochs: 3")


def test_a_hostile_zip_is_refused_by_name_and_a_good_one_becomes_the_data(page: Page, app: App) -> None:
    open_text(page, FITTING)
    tab = train_tab(page)
    chooser = tab.get_by_label("Zip file of images")
    evil = packed(("../evil.png", image(0)), ("a/b.png", image(0)))
    chooser.set_input_files({"name": "pets.zip", "mimeType": "application/zip", "buffer": evil})
    expect(tab.get_by_role("list", name="Problems of the data")).to_contain_text("'../evil.png'")
    assert not (app.workspace / "evil.png").exists()
    good = packed(*((f"uploaded/{name}/{index}.png", image(0, index)) for name in "xy" for index in range(5)))
    chooser.set_input_files({"name": "pets.zip", "mimeType": "application/zip", "buffer": good})
    expect(tab.locator(".setup-chosen")).to_contain_text("data/uploaded")
    expect(tab.locator(".setup-facts")).to_contain_text("2 classes")
    assert not list((app.workspace / "data").glob(".unpacking*"))


def test_the_policy_of_a_node_is_set_in_its_inspector_and_verified_by_the_check(page: Page) -> None:
    open_text(page, FITTING)
    tab = choose_animals(page)
    tab.locator(".setup-fault summary").click()
    tab.get_by_role("button", name="Skip them").click()
    pick(page, "conv")
    page.locator("#composer-side-body summary", has_text=re.compile("^Training")).click()
    field(page, "freeze").get_by_role("combobox").select_option("always")
    expect(yaml_of(tab)).to_have_value(holding("conv: {freeze: true}"))
    tab.get_by_role("button", name="Check", exact=True).click()
    expect(tab.locator(".setup-tiles")).to_contain_text("Largest batch", timeout=120_000)
    expect(box(page, "conv")).to_contain_text("frozen, as asked")
    expect(box(page, "head")).to_contain_text("gradient")
    expect(page.locator("#composer-side-body")).to_contain_text("After one step: stayed, as asked")
    tab.get_by_label("epochs", exact=True).fill("2")
    page.keyboard.press("Enter")
    expect(tab.get_by_text("Graph or recipe changed since this check.")).to_be_visible()
    expect(box(page, "conv")).not_to_contain_text("frozen, as asked")


@pytest.fixture(params=["light", "dark"])
def small_page(request: pytest.FixtureRequest, browser: Browser, app: App) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 720}, color_scheme=request.param)
    page = context.new_page()
    page.goto(app.address)
    page.wait_for_selector(".react-flow__pane", state="attached")
    yield page
    context.close()


def test_everything_has_room_in_a_small_window(small_page: Page) -> None:
    open_text(small_page, SMALL)
    tab = choose_animals(small_page)
    for part in (".setup", ".setup-step.is-data", ".setup-step.is-recipe", ".setup-step.is-check"):
        wide = tab.locator(part).evaluate("one => one.scrollWidth - one.clientWidth")
        assert wide <= 0, part
    expect(tab.get_by_role("button", name="Start training")).to_be_in_viewport(ratio=1)
    ink, ground = tab.locator(".setup").evaluate(
        "one => [getComputedStyle(one).color, getComputedStyle(one.closest('.train')).backgroundColor]"
    )
    assert ink != ground


def test_steps_of_augmentation_are_added_set_moved_and_removed_by_keyboard(page: Page) -> None:
    open_text(page, FITTING)
    tab = choose_animals(page)
    rows = tab.get_by_role("list", name="Steps of image")
    expect(rows.get_by_role("listitem").first).to_be_visible()
    count = rows.get_by_role("listitem").count()
    add = tab.get_by_label("Add a step to image")
    add.focus()
    page.keyboard.press("ArrowDown")
    expect(add).not_to_have_value("")
    page.keyboard.press("Escape")
    expect(add).to_have_value("")
    page.keyboard.type("solar")
    expect(add).to_have_value("solarize")
    expect(rows.get_by_role("listitem")).to_have_count(count)  # until Enter nothing is added
    page.keyboard.press("Enter")
    own = rows.get_by_label(f"Step {count + 1} of image", exact=True)
    expect(own).to_have_value("solarize")
    expect(own).to_be_focused()
    expect(yaml_of(tab)).to_have_value(holding("solarize"))
    fields = rows.get_by_role("group", name=f"Parameters of solarize, step {count + 1} of image")
    fields.get_by_label("p", exact=True).fill("0.7")
    page.keyboard.press("Enter")
    expect(yaml_of(tab)).to_have_value(holding("solarize: {p: 0.7}"))
    fields.get_by_label("p", exact=True).fill("7")
    page.keyboard.press("Enter")
    expect(fields).to_contain_text("expected at most 1")
    page.keyboard.press("Escape")
    up = rows.get_by_role("button", name=f"Move solarize, step {count + 1} of image up")
    up.focus()
    page.keyboard.press("Enter")
    expect(rows.get_by_label(f"Step {count} of image", exact=True)).to_have_value("solarize")
    expect(rows.get_by_label(f"Step {count + 1} of image", exact=True)).not_to_have_value("solarize")
    page.keyboard.press("Alt+ArrowDown")
    expect(rows.get_by_label(f"Step {count + 1} of image", exact=True)).to_have_value("solarize")
    rows.get_by_role("button", name=f"Remove solarize, step {count + 1} of image").focus()
    page.keyboard.press("Enter")
    expect(rows.get_by_role("listitem")).to_have_count(count)
    expect(yaml_of(tab)).not_to_have_value(holding("augment"))  # it is what the task has, which goes without saying
    expect(tab.get_by_label("augmentation", exact=True)).to_have_value("usual")


def test_the_form_keeps_the_comments_of_the_yaml(page: Page) -> None:
    open_text(page, FITTING)
    tab = choose_animals(page)
    text = yaml_of(tab).input_value()
    yaml_of(tab).fill(f"# tried on Monday\n{text}epochs: 4  # enough\n")
    expect(tab.get_by_label("epochs", exact=True)).to_have_value("4")
    tab.get_by_label("epochs", exact=True).fill("6")
    page.keyboard.press("Enter")
    expect(yaml_of(tab)).to_have_value(holding("epochs: 6  # enough"))
    expect(yaml_of(tab)).to_have_value(re.compile("^# tried on Monday\n"))
