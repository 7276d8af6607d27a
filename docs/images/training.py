"""Takes the image of the Train tab that the docs show: python docs/images/training.py WORKSPACE, with playwright.

WORKSPACE is a folder with two runs in ``runs``; the docs show 3,000 images of Fashion-MNIST, by AdamW and by SGD.
"""

import sys

from page import IMAGES, open_classifier, opened
from playwright.sync_api import Page


def image(page: Page) -> None:
    """Open the shipped classifier, and lay the curves of one run over those of the other."""
    open_classifier(page)
    page.locator(".react-flow__node").first.wait_for()
    page.get_by_role("group", name="Dock").get_by_role("button", name="Train", exact=True).click()
    page.get_by_label("Compare with").select_option(index=1)
    page.get_by_role("slider").first.fill("0.8")
    page.wait_for_timeout(3000)
    page.screenshot(path=IMAGES / "training.png")


if __name__ == "__main__":
    with opened(sys.argv[1]) as shown:
        image(shown)
