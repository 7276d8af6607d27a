"""The values of every node: on the canvas, in the inspector, in the table, against another pass, and of a training."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from composer.graph.file import dumps
from composer.training.engine import train
from tests.training.colours import RECIPE, colours, prepared
from tests.web.flows.conftest import App
from tests.web.flows.steps import box, open_shipped, open_text, pick, side
from tests.web.flows.test_running import CLASSIFIER, choose, run, show, take_image

SPOILER = '''\
"""Parts that spoil what they get."""

from typing import Annotated

import torch
from torch import Tensor, nn

from composer.ports import FeatureMap

__all__ = ["Spoiler"]


class Spoiler(nn.Module):
    """Puts NaN and infinite numbers into a feature map."""

    def forward(self, x: Annotated[FeatureMap, "B C H W"]) -> Annotated[FeatureMap, "B C H W"]:
        x = x.clone()
        x[:, 0, :2] = torch.nan
        x[:, 1, 0, 0] = torch.inf
        return x
'''

SPOILED = """\
schema: 1
name: spoiled
inputs:
  image: {type: Image, shape: [B, 3, 16, 16], preprocess: {resize: [16, 16]}}
nodes:
  conv: {type: Conv2d, params: {out_channels: 4, kernel_size: 3}, inputs: {input: image}}
  sub: {graph: small, inputs: {x: conv.out}}
graphs:
  small:
    inputs: {x: {type: FeatureMap}}
    nodes:
      act: {type: ReLU, inputs: {input: x}}
      spoiler: {type: Spoiler, inputs: {x: act.out}}
    outputs: {y: spoiler.out}
outputs:
  tensor: {out: sub.y}
"""


@pytest.fixture
def classifier(page: Page) -> Page:
    open_shipped(page, CLASSIFIER)
    show(page, "Run")
    take_image(page)
    run(page)
    expect(table(page)).to_be_visible()
    return page


def table(page: Page) -> Locator:
    """The table of values beside the answers of Run."""
    return page.locator("#composer-values table")


def nodes(page: Page) -> list[str]:
    return page.locator("#composer-values tbody .composer-values-name").all_inner_texts()


def bar(page: Page) -> Locator:
    """What colours the nodes, over the canvas."""
    return page.get_by_role("region", name="Values on the canvas")


def colour_by(page: Page, words: str) -> None:
    bar(page).get_by_label("Colour nodes by").select_option(words)


def test_every_node_has_its_numbers_in_the_table_and_on_the_canvas(classifier: Page) -> None:
    assert nodes(classifier)[:3] == ["image", "stem_conv", "stem_norm"]
    expect(table(classifier).get_by_role("row", name="stem_conv")).to_contain_text("0.5844")
    expect(box(classifier, "stem_conv").locator(".composer-value")).to_have_count(0)
    colour_by(classifier, "Spread")
    expect(box(classifier, "stem_conv").locator(".composer-value")).to_have_text("0.5844")
    expect(box(classifier, "stem_conv").locator(".composer-box-valued")).to_be_attached()
    expect(bar(classifier).get_by_role("img")).to_have_attribute("aria-label", re.compile("^Colours from 0"))
    colour_by(classifier, "Show nothing")
    expect(classifier.locator(".composer-value")).to_have_count(0)


@pytest.mark.parametrize("mode", ["tensor", "loss"])
def test_other_modes_have_values_too(classifier: Page, mode: str) -> None:
    choose(classifier, "run-mode", mode)
    run(classifier)
    expect(bar(classifier)).to_contain_text(f"Pass 2 ({mode})")
    assert ("criterion" in nodes(classifier)) == (mode == "loss")


def test_the_map_of_the_selected_node_is_in_the_inspector_and_a_channel_is_chosen(classifier: Page) -> None:
    pick(classifier, "stem_conv")
    image = side(classifier).locator(".composer-values-map img")
    expect(image).to_have_attribute(
        "alt",
        "32 channels of 28 × 28, each from its least (dark) to its greatest value; first sample. "
        "Pink is NaN or infinite.",
    )
    assert image.evaluate("image => image.naturalWidth") > 300
    expect(side(classifier)).to_contain_text("1 × 32 × 28 × 28")
    expect(side(classifier).get_by_role("img", name="Histogram from")).to_be_visible()
    side(classifier).get_by_label("Channel", exact=True).fill("5")
    expect(image).to_have_attribute("alt", re.compile(r"^Channel 5, 28 × 28, from "))
    side(classifier).get_by_role("button", name="All channels").click()
    expect(image).to_have_attribute("alt", re.compile(r"^32 channels"))
    image.click(position={"x": 4, "y": 4})
    expect(image).to_have_attribute("alt", re.compile(r"^Channel 0, "))


def test_a_vector_is_drawn_as_bars_and_a_node_that_did_not_run_says_so(classifier: Page) -> None:
    table(classifier).get_by_role("button", name="flat", exact=True).click()
    expect(side(classifier).get_by_role("img", name="128 values as bars")).to_be_visible()
    classifier.locator(".composer-zoombar").get_by_text("Fit", exact=True).click()
    pick(classifier, "criterion")
    expect(side(classifier)).to_contain_text("criterion was not run in this pass (predict mode).")


def test_the_table_is_sorted_searched_and_followed_by_the_keyboard(classifier: Page) -> None:
    heads = table(classifier).get_by_role("columnheader")
    heads.get_by_role("button", name="Spread").press("Enter")
    expect(heads.nth(3)).to_have_attribute("aria-sort", "descending")
    assert nodes(classifier)[0] == "classifier"
    classifier.get_by_label("Search nodes").fill("norm2")
    assert all("norm2" in name for name in nodes(classifier))
    row = table(classifier).get_by_role("button").filter(has_text="block1_norm2")
    row.press("Enter")
    expect(row).to_have_attribute("aria-current", "true")
    classifier.wait_for_function("window.composerCanvas.currentSelection() === 'block1_norm2'")


def test_two_passes_are_compared_by_their_difference(classifier: Page) -> None:
    run(classifier)
    classifier.get_by_label("Compare with pass 1").check()
    panel = classifier.locator("#composer-values")
    expect(panel).to_contain_text("No port gave another number, to the bit")
    take_image(classifier, "18_bag")
    run(classifier)
    expect(panel).to_contain_text("31 of 31 ports gave other numbers: pass 3")
    expect(classifier.get_by_label("Compare with pass 2")).to_be_checked()
    sizes = [float(text) for text in panel.locator("tbody td:nth-child(2)").all_inner_texts()]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > 0
    colour_by(classifier, "Change of mean")
    expect(bar(classifier)).to_contain_text("Pass 3 (predict) less pass 2 (predict)")
    expect(box(classifier, "stem_norm").locator(".composer-value")).to_be_visible()
    pick(classifier, "stem_norm")
    expect(side(classifier)).to_contain_text("(before ")


def test_a_pass_as_in_training_differs_from_the_first_normalisation_on(classifier: Page) -> None:
    classifier.locator("#dock-run-training input").check()
    run(classifier)
    classifier.get_by_label("Compare with pass 1").check()
    panel = classifier.locator("#composer-values")
    expect(panel).to_contain_text("29 of 31 ports gave other numbers")
    same = panel.locator("tr.is-same .composer-values-name")
    expect(same).to_have_text(["image", "stem_conv"])


def test_a_graph_that_was_changed_since_says_so(classifier: Page) -> None:
    expect(bar(classifier)).not_to_contain_text("changed since")
    box(classifier, "stem_norm").click()
    classifier.keyboard.press("Delete")
    expect(bar(classifier)).to_contain_text("The graph was changed since.")
    colour_by(classifier, "Mean")
    table(classifier).get_by_role("button", name="stem_norm", exact=True).click()
    expect(classifier.get_by_text("stem_norm is not in the graph that is open.")).to_be_visible()


def test_nan_is_unmistakable_and_leads_to_the_first_node_that_gave_it(page: Page, app: App) -> None:
    (app.components / "spoiler.py").write_text(SPOILER)
    open_text(page, SPOILED)
    show(page, "Run")
    run(page)
    expect(bar(page).get_by_role("button", name="2 nodes with NaN")).to_be_visible()
    expect(box(page, "sub").locator(".composer-box-nan")).to_be_attached()
    expect(box(page, "sub").locator(".composer-value")).to_have_text("NaN 56, inf 2")
    expect(box(page, "conv").locator(".composer-box-nan")).to_have_count(0)
    bar(page).get_by_role("button", name="2 nodes with NaN").click()
    expect(box(page, "spoiler").locator(".composer-box-nan")).to_be_visible()
    expect(side(page).get_by_role("alert")).to_contain_text("56 of 1,568 are NaN. 2 of 1,568 are infinite.")
    expect(page.locator("#composer-values tr.is-bad")).to_have_count(2)


def test_the_nodes_of_a_training_are_on_the_canvas_and_another_graph_says_so(page: Page, app: App) -> None:
    graph = prepared()
    recipe = RECIPE.model_copy(update={"steps": 4})
    train(recipe, graph=graph, source=colours(), out=app.workspace / "runs" / "watched", device="cpu")
    open_shipped(page, CLASSIFIER)
    show(page, "Train")
    page.get_by_role("tab", name="Runs").click()
    page.locator("#composer-train").get_by_text("watched").first.click()
    expect(bar(page)).to_contain_text("Step 1 of watched")
    expect(bar(page)).to_contain_text("The graph on the canvas is not that of the run: it lacks")
    open_text(page, dumps(graph))
    expect(bar(page)).not_to_contain_text("not that of the run", timeout=30_000)
    colour_by(page, "Gradient norm")
    name = next(iter(graph.nodes))
    expect(box(page, name).locator(".composer-value")).to_be_visible()
    pick(page, name)
    expect(side(page)).to_contain_text("Gradient norm")
