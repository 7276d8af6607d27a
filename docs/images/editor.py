"""Takes the image of the editor that the README shows: python docs/images/editor.py, with playwright and chromium."""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[2]
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu"]


def image(page: Page, address: str) -> None:
    """Open the shipped classifier, run it on a shirt, and look at what a layer puts out."""
    page.goto(address)
    page.wait_for_selector(".react-flow__pane")
    page.keyboard.press("Control+o")
    page.get_by_text("classification/fashion_mnist.yaml").click()
    page.locator(".react-flow__node").filter(has_text="block1_conv1").first.click(position={"x": 20, "y": 8})
    page.get_by_role("group", name="Dock").get_by_role("button", name="Run", exact=True).click()
    page.locator('#dock-shelf img[src*="02_trouser"]').click()
    page.wait_for_selector("#dock-picture img")
    page.locator("#composer-dock").get_by_role("button", name="Run", exact=True).click()
    page.locator("#composer-dock").get_by_text("parameters · cpu").wait_for()
    page.wait_for_timeout(3000)
    page.screenshot(path=ROOT / "docs" / "images" / "editor.png")


def main() -> None:
    """Start the app, take the image, and stop it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "app.py", "--port", "0", "--workspace", folder]
        with (
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as app,
            sync_playwright() as playwright,
        ):
            assert app.stdout is not None
            address = next(found[0] for line in app.stdout if (found := re.search(r"http://[\w.:]+", line)))
            try:
                browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
                image(browser.new_page(viewport={"width": 1500, "height": 940}), address)
            finally:
                app.terminate()


if __name__ == "__main__":
    main()
