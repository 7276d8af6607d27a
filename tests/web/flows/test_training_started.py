"""Trainings set up in an empty workspace, ended by a full disk, and started by a user who signed in."""

import io
import json
import resource
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from tests.web.flows import steps
from tests.web.flows.conftest import ROOT, App, serving, visiting
from tests.web.flows.test_training import GRAPH, RECIPE, open_tab, run_of, start, state

USER, PASSWORD = "ada", "correct-horse-battery"


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A workspace and a folder of components, both empty."""
    found = tmp_path / "graphs", tmp_path / "components"
    for folder in found:
        folder.mkdir()
    return found


@pytest.fixture
def empty(folders: tuple[Path, Path]) -> Iterator[App]:
    with serving(*folders) as app:
        yield app


def images() -> dict[str, bytes]:
    """Images of three classes by their paths: noise around a shipped image of each."""
    found = {}
    random = np.random.default_rng(0)
    for path in sorted((ROOT / "examples" / "fashion_mnist").glob("*.png"))[:3]:
        plain = np.asarray(Image.open(path).convert("L").resize((28, 28)), np.float64)
        for place in range(12):
            content = io.BytesIO()
            noisy = np.clip(plain + random.normal(0, 60, plain.shape), 0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(content, "PNG")
            found[f"{path.stem[3:]}/{place}.png"] = content.getvalue()
    return found


def zipped() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name, image in images().items():
            file.writestr(name, image)
    return content.getvalue()


def click(button: Locator) -> None:
    button.click()


def press_enter(button: Locator) -> None:
    expect(button).to_be_enabled()
    button.focus()
    button.page.keyboard.press("Enter")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("use", [click, press_enter], ids=["mouse", "keyboard"])
def test_a_training_is_set_up_in_an_empty_workspace_and_trains(
    browser: Browser, empty: App, use: Callable[[Locator], None]
) -> None:
    with visiting(browser, empty) as page:
        steps.open_shipped(page, GRAPH)
        use(page.locator(".composer-toolbar").get_by_role("button", name="Train", exact=True))
        tab = page.locator("#composer-train")
        expect(tab.get_by_role("tab", name="New training")).to_have_attribute("aria-selected", "true")
        expect(tab.get_by_role("button", name="Start training")).to_be_disabled()
        if use is click:
            archive = {"name": "clothes.zip", "mimeType": "application/zip", "buffer": zipped()}
            tab.locator("input[type=file]").set_input_files(archive)  # type: ignore[arg-type]
        else:  # no key chooses a file in a dialog of the system: the folder is there
            for name, content in images().items():
                (empty.workspace / "clothes" / name).parent.mkdir(parents=True, exist_ok=True)
                (empty.workspace / "clothes" / name).write_bytes(content)
            use(tab.get_by_role("button", name="Choose a folder"))
            use(tab.get_by_role("button", name="Use clothes"))
        expect(tab.locator(".setup-facts")).to_contain_text("3 classes")
        problem = tab.get_by_role("list", name="Problems of the graph")
        use(problem.get_by_role("button", name="Fix: set classes"))
        expect(problem).to_have_count(0)
        length = tab.get_by_label("steps", exact=True)
        length.fill("6")
        length.press("Enter")
        expect(tab.get_by_label("Recipe as YAML")).to_have_value(steps.holding("steps: 6"))
        use(tab.get_by_role("button", name="Start training"))
        table = tab.get_by_role("table", name="Runs")
        expect(table.get_by_role("row", name=GRAPH)).to_have_count(1)
        run = tab.get_by_role("region", name="Run ")
        expect(state(run)).to_have_text("finished", timeout=240_000)
        expect(run.locator(".train-progress")).to_contain_text("step 6 of 6")
        expect(run.get_by_role("button", name="Use in Run")).to_be_visible()


@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform != "linux", reason="another process gets its limit by prlimit, which is Linux's")
def test_a_full_disk_is_reported_with_the_end_of_the_output_and_the_last_checkpoint(
    browser: Browser, empty: App, folders: tuple[Path, Path]
) -> None:
    for name, content in images().items():
        (empty.workspace / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        (empty.workspace / "images" / name).write_bytes(content)
    with visiting(browser, empty) as page:
        steps.open_shipped(page, GRAPH)
        name = start(page, empty.address, RECIPE.replace("every: 100 steps", "every: 20 steps"))
        open_tab(page)
        run = run_of(page, name)
        expect(state(run)).to_have_text("running", timeout=240_000)
        folder = empty.workspace / "runs" / name
        steps.expect_true(page, lambda: any((folder / "checkpoints").glob("step-*")), "no checkpoint was written")
        pid = json.loads((folder / "status.json").read_text())["pid"]
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (200_000, 200_000))  # less than a checkpoint, more than the log
        expect(state(run)).to_have_text("failed", timeout=120_000)
        trouble = run.get_by_role("alert")
        expect(trouble).to_contain_text("It failed.")
        expect(trouble).to_contain_text("File too large")
        expect(run.get_by_role("button", name="Resume")).to_be_visible()
        kept = run.get_by_role("button", name="Resume").get_attribute("title")
        assert kept is not None and kept.startswith("Go on exactly from step-")
        assert (folder / "checkpoints" / kept.removeprefix("Go on exactly from ")).is_dir()
        run.get_by_role("button", name="Resume").click()
        expect(state(run)).to_have_text("running", timeout=240_000)
        run.get_by_role("button", name="Stop", exact=True).click()
        expect(state(run)).to_have_text("stopped", timeout=120_000)


@pytest.mark.timeout(600)
def test_a_training_is_started_watched_and_stopped_by_one_who_signed_in(
    browser: Browser, folders: tuple[Path, Path]
) -> None:
    for name, content in images().items():
        (folders[0] / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        (folders[0] / "images" / name).write_bytes(content)
    with serving(*folders, "--auth", f"{USER}:{PASSWORD}") as app:
        stranger, context = browser.new_context(), browser.new_context(viewport={"width": 1280, "height": 720})
        body = {"component_id": 1, "fn_name": "composer_train_runs", "data": {}, "session_hash": "x"}
        refused = stranger.request.post(f"{app.address}/gradio_api/component_server/", data=body)
        assert refused.status == 401
        page = context.new_page()
        sign_in(page, app.address)
        steps.open_shipped(page, GRAPH)
        name = start(page, app.address)
        open_tab(page)
        run = run_of(page, name)
        expect(state(run)).to_have_text("running", timeout=240_000)
        expect(run.get_by_role("img", name="Losses: loss")).to_be_visible()
        run.get_by_role("button", name="Stop", exact=True).click()
        expect(state(run)).to_have_text("stopped", timeout=120_000)
        stranger.close()
        context.close()


def sign_in(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_label("username").fill(USER)
    page.get_by_label("password").fill(PASSWORD)
    page.get_by_role("button", name="Login").click()
    page.wait_for_selector(".react-flow__pane", state="attached")
