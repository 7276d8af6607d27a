"""The app as a person has it: `app.py` in a process of its own, and Chromium."""

import os
import queue
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).parents[3]
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SECONDS_TO_START = 240


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Flows run after the fast tests, and say so where there is no browser."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.slow)
            if not Path(CHROMIUM).exists():
                item.add_marker(pytest.mark.skip(reason="there is no chromium: apt-get install chromium"))


@dataclass(frozen=True)
class App:
    """A running app.

    Args:
        address: Where it answers.
        workspace: Its folder of graphs.
        components: Its folder of a person's own components.
        process: Its process.
    """

    address: str
    workspace: Path
    components: Path
    process: subprocess.Popen[str]


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app, for all flows of a session: it keeps nothing of who uses it, so that they do not meet."""
    workspace, components = tmp_path_factory.mktemp("graphs"), tmp_path_factory.mktemp("components")
    command = [sys.executable, "app.py", "--port", "0", "--workspace", str(workspace), "--catalog", str(components)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    lines: queue.Queue[str] = queue.Queue()
    said: list[str] = []

    def listen() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            lines.put(line)

    threading.Thread(target=listen, daemon=True).start()
    try:
        address = _address(lines, said)
        yield App(address, workspace, components, process)
    finally:
        process.terminate()
        process.wait(20)


def _address(lines: "queue.Queue[str]", said: list[str]) -> str:
    while True:
        try:
            line = lines.get(timeout=SECONDS_TO_START)
        except queue.Empty:
            pytest.fail(f"the app did not start:\n{''.join(said)}")
        if found := re.search(r"http://[\w.:]+", line):
            return found[0]


@pytest.fixture(scope="session")
def browser(pytestconfig: pytest.Config) -> Iterator[Browser]:
    """Chromium."""
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        pytestconfig.option.chromium = browser.version
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, app: App) -> Iterator[Page]:
    """A fresh page with an empty graph. Afterwards: no error in the console, and nothing was asked of another host."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, accept_downloads=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=app.address)
    context.set_default_timeout(60_000)
    wrong: list[str] = []
    context.on("request", lambda request: _note_strangers(request.url, app.address, wrong))
    context.on("weberror", lambda error: wrong.append(f"error in the page: {error.error}"))
    page = context.new_page()
    page.goto(app.address)
    page.wait_for_selector(".react-flow__pane", state="attached")
    yield page
    context.close()
    assert not wrong


def _note_strangers(url: str, address: str, wrong: list[str]) -> None:
    if not url.startswith((address, "data:", "blob:", "about:")):
        wrong.append(f"another host was asked: {url}")
