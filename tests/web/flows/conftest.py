"""The app as a person has it: `app.py` in a process of its own, and Chromium."""

import os
import queue
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def serving(workspace: Path, components: Path, *options: str) -> Iterator[App]:
    """The app in a process of its own, until the end of the block.

    Args:
        workspace: Its folder of graphs.
        components: Its folder of a person's own components.
        options: Further options of the command.
    """
    command = [sys.executable, "app.py", "--port", "0", "--workspace", str(workspace), "--catalog", str(components)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [*command, *options], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
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
        yield App(_address(lines, said, process), workspace, components, process)
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The app, for all flows of a session: it keeps nothing of who uses it, so that they do not meet."""
    with serving(tmp_path_factory.mktemp("graphs"), tmp_path_factory.mktemp("components")) as app:
        yield app


def _address(lines: "queue.Queue[str]", said: list[str], process: "subprocess.Popen[str]") -> str:
    for _ in range(SECONDS_TO_START):
        try:
            line = lines.get(timeout=1)
        except queue.Empty:
            if process.poll() is None:
                continue
            break
        if found := re.search(r"http://[\w.:]+", line):
            return found[0]
    pytest.fail(f"the app did not start:\n{''.join(said)}")


@pytest.fixture(scope="session")
def browser(pytestconfig: pytest.Config) -> Iterator[Browser]:
    """Chromium."""
    expect.set_options(timeout=120_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        pytestconfig.option.chromium = browser.version
        yield browser
        browser.close()


@contextmanager
def visiting(browser: Browser, app: App) -> Iterator[Page]:
    """A fresh page with an empty graph. Afterwards: no error in it, and nothing was asked of another host."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, accept_downloads=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=app.address)
    context.set_default_timeout(120_000)
    wrong: list[str] = []
    context.on("request", lambda request: _note_strangers(request.url, app.address, wrong))
    context.on("weberror", lambda error: wrong.append(f"error in the page: {error.error}"))
    page = context.new_page()
    page.goto(app.address)
    page.wait_for_selector(".react-flow__pane", state="attached")
    yield page
    context.close()
    assert not wrong


@pytest.fixture
def page(browser: Browser, app: App) -> Iterator[Page]:
    """A fresh page with an empty graph. Afterwards: no error in the console, and nothing was asked of another host."""
    with visiting(browser, app) as page:
        yield page


def _note_strangers(url: str, address: str, wrong: list[str]) -> None:
    if not url.startswith((address, "data:", "blob:", "about:")):
        wrong.append(f"another host was asked: {url}")
