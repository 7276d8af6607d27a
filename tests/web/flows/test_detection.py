"""A detector in the browser: the boxes that it draws on an image."""

from playwright.sync_api import Page, expect

from tests.web.flows.steps import open_shipped
from tests.web.flows.test_running import run, show, take_image


def test_the_shipped_detector_draws_the_digits_of_a_shipped_image(page: Page) -> None:
    open_shipped(page, "digits")
    show(page, "Run")
    take_image(page, "01_4851")
    expect(run(page)).to_contain_text("Weights: digits.safetensors, which lies beside the graph.")
    regions = page.locator("#dock-regions")
    drawn, legend = regions.locator("img.mask"), regions.locator(".legend-item")
    expect(legend.first).to_be_visible()
    labels = legend.all_inner_texts()
    expect(drawn).to_have_count(len(labels))
    expect(page.locator("#dock-rows tbody tr")).to_have_count(len(labels))
    scores = [float(label.split()[1]) for label in labels]
    assert scores == sorted(scores, reverse=True)
    assert sorted(label.split()[0] for label in labels[:4]) == ["1", "4", "5", "8"]
