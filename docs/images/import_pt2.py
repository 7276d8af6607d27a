"""Takes the image of an imported program: python docs/images/import_pt2.py mobilenet_v3_small.pt2; with chromium."""

import sys
import tempfile

from page import IMAGES, opened
from playwright.sync_api import Page


def image(page: Page, program: str) -> None:
    """Upload the program and wait for its graph and the report."""
    page.locator(".composer-toolbar input[type=file]").set_input_files(program)
    page.get_by_role("region", name="Notes on what was read").wait_for(timeout=120_000)
    page.wait_for_timeout(7000)
    page.screenshot(path=IMAGES / "import-pt2.png")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as workspace, opened(workspace, 1280, 720) as shown:
        image(shown, sys.argv[1])
