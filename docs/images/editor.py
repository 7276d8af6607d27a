"""Takes the image of the editor that the README shows: python docs/images/editor.py, with playwright and chromium."""

import tempfile

from page import IMAGES, open_classifier, opened
from playwright.sync_api import Page


def image(page: Page) -> None:
    """Open the shipped classifier, run it on a shirt, and look at what a layer puts out."""
    open_classifier(page)
    page.locator(".react-flow__node").filter(has_text="block1_conv1").first.click(position={"x": 20, "y": 8})
    page.get_by_role("group", name="Dock").get_by_role("button", name="Run", exact=True).click()
    page.locator('#dock-shelf img[src*="02_trouser"]').click()
    page.wait_for_selector("#dock-image img")
    page.locator("#composer-dock").get_by_role("button", name="Run", exact=True).click()
    page.locator("#composer-dock").get_by_text("parameters · cpu").wait_for()
    page.get_by_label("Colour nodes by").select_option("Mean")
    page.wait_for_selector(".composer-values-map img")
    page.wait_for_timeout(7000)
    page.screenshot(path=IMAGES / "editor.png")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as workspace, opened(workspace) as shown:
        image(shown)
