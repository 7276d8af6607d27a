"""The app in a browser, for the scripts that take the images of the docs; with playwright and chromium."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

__all__ = ["IMAGES", "open_classifier", "opened"]

IMAGES = Path(__file__).parent
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu"]


@contextmanager
def opened(workspace: str, width: int = 1500, height: int = 940) -> Iterator[Page]:
    """The page of an app that runs on a workspace; the app ends with the block."""
    command = [sys.executable, "app.py", "--port", "0", "--workspace", workspace]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=IMAGES.parents[1]) as app,
        sync_playwright() as playwright,
    ):
        assert app.stdout is not None
        address = next(found[0] for line in app.stdout if (found := re.search(r"http://[\w.:]+", line)))
        try:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
            page = browser.new_page(viewport={"width": width, "height": height})
            page.goto(address)
            page.wait_for_selector(".react-flow__pane", state="attached")
            yield page
        finally:
            app.terminate()


def open_classifier(page: Page) -> None:
    """Open the shipped classifier."""
    page.keyboard.press("Control+o")
    page.get_by_text("classification/fashion_mnist.yaml").click()
