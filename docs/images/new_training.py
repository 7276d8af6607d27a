"""Takes the image of the new training: python docs/images/new_training.py FASHION_MNIST; with chromium."""

import shutil
import sys
import tempfile
from pathlib import Path

from page import IMAGES, open_classifier, opened
from playwright.sync_api import Page


def image(page: Page) -> None:
    """Open the shipped classifier, choose its data, and look at what comes before a training."""
    open_classifier(page)
    page.get_by_role("group", name="Dock").get_by_role("button", name="Train", exact=True).click()
    page.get_by_role("button", name="Choose a folder").click()
    page.get_by_role("button", name="Use fashion").click()
    page.wait_for_selector(".setup-sample image", timeout=120_000)
    page.get_by_label("epochs", exact=True).fill("12")
    page.keyboard.press("Enter")
    page.wait_for_timeout(7000)
    page.screenshot(path=IMAGES / "new_training.png")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as workspace:
        shutil.copytree(sys.argv[1], Path(workspace) / "fashion")
        with opened(workspace) as shown:
            image(shown)
