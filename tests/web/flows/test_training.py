"""Training in the browser: a run goes on whatever happens to pages and servers, and every page can look at it."""

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect
from safetensors.torch import load_file

from composer.graph.file import read
from composer.training import checkpoints
from composer.training.recipe import loads_recipe
from composer.training.runs.folder import RunFolder
from tests.web.flows import drawing, steps
from tests.web.flows.conftest import ROOT, App, serving, visiting

GRAPH = "fashion_mnist"
SHIPPED = ROOT / "saved_graphs" / "classification" / f"{GRAPH}.yaml"
RECIPE = """\
data: {train: {path: images}}
steps: 50000
batches: {batch: 8, workers: 0}
evaluation: {every: 100 steps}
checkpoints: {every: 100 steps, keep: 500}
seed: 3
"""
"""Longer than any test lasts: they stop it."""
HOSTILE = '<img src=x onerror="document.title=1">'


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with nothing but images of three classes: noise around a shipped image of each."""
    folder = tmp_path_factory.mktemp("workspace")
    random = np.random.default_rng(0)
    for path in sorted((ROOT / "examples" / "fashion_mnist").glob("*.png"))[:3]:
        plain = np.asarray(Image.open(path).convert("L").resize((28, 28)), np.float64)
        (folder / "images" / path.stem[3:]).mkdir(parents=True)
        for place in range(20):
            noisy = np.clip(plain + random.normal(0, 60, plain.shape), 0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(folder / "images" / path.stem[3:] / f"{place}.png")
    return folder


@pytest.fixture(scope="module")
def server(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with serving(workspace, tmp_path_factory.mktemp("components"), "--runs-at-once", "2") as app:
        yield app


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[App]:
    """A server of an empty workspace."""
    for name in ("graphs", "components"):
        (tmp_path / name).mkdir()
    with serving(tmp_path / "graphs", tmp_path / "components") as app:
        yield app


@pytest.fixture(scope="module")
def trained(workspace: Path) -> str:
    """The name of a run of a few steps, beside which ``same`` is its copy."""
    runs = workspace / "runs"
    command = [sys.executable, "-m", "composer", "train", str(SHIPPED), "--data", str(workspace / "images"), "--fix"]
    short = ["--steps", "6", "--workers", "0", "--out", str(runs / "trained")]
    subprocess.run([*command, *short], cwd=ROOT, check=True, capture_output=True)
    shutil.copytree(runs / "trained", runs / "same")
    return "trained"


@pytest.fixture
def tab(browser: Browser, server: App) -> Iterator[Page]:
    """A page with the Train tab open."""
    with visiting(browser, server) as page:
        open_tab(page)
        yield page


def open_tab(page: Page) -> None:
    page.locator(".composer-toolbar").get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_role("tablist", name="Training")).to_be_visible()


def open_runs(page: Page) -> None:
    page.get_by_role("tablist", name="Training").get_by_role("tab", name="Runs").click()


def start(page: Page, address: str, recipe: str = RECIPE, name: str = "") -> str:
    """Start a training of what is open, as the form does; gives the name of the run."""
    config = page.request.get(f"{address}/config").json()
    canvas = next(one["id"] for one in config["components"] if one["props"].get("elem_id") == "composer-canvas")
    asked = {"document": drawing.text(page), "recipe": recipe, "name": name}
    body = {"component_id": canvas, "fn_name": "composer_train_start", "data": asked, "session_hash": "flow"}
    answer = page.request.post(f"{address}/gradio_api/component_server/", data=body).json()
    assert answer["ok"], answer
    return str(answer["result"]["name"])


def table(page: Page) -> Locator:
    return page.get_by_role("table", name="Runs")


def run_of(page: Page, name: str) -> Locator:
    """What is shown of a run that is chosen in the table."""
    open_runs(page)
    table(page).get_by_role("button", name=name, exact=True).click()
    return page.get_by_role("region", name=f"Run {name}")


def state(run: Locator) -> Locator:
    return run.locator(".train-head .train-state")


def status(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "status.json").read_text()) if (folder / "status.json").is_file() else {}


def reached(page: Page, step: int) -> None:
    """Wait until the run that is shown has made so many steps."""
    made = r"/step ([\d,]+) of/.exec(document.querySelector('.train-progress')?.textContent)?.[1].replaceAll(',', '')"
    page.wait_for_function(f"step => Number({made}) >= step", arg=step, timeout=180_000)


def made(workspace: Path, name: str, losses: list[float], **values: float) -> RunFolder:
    """A run that is there without a training."""
    recipe = loads_recipe(f"graph: graph.yaml\n{RECIPE}")
    run = RunFolder.create(workspace / "runs" / name, recipe, read(SHIPPED))
    run.events.append("start", 0, steps=len(losses), epoch=0)
    for step, loss in enumerate(losses, 1):
        run.events.append("step", step, loss=loss, lr=0.1)
    run.events.append("evaluation", len(losses), **{"accuracy": 0.5, **values})
    run.status.write("finished", step=len(losses), steps=len(losses))
    run.close()
    return run


@pytest.mark.timeout(900)  # two servers and three processes that train start
def test_a_training_outlives_page_and_server_and_learns_as_one_that_was_never_interrupted(
    browser: Browser, workspace: Path, tmp_path: Path
) -> None:
    with serving(workspace, tmp_path, "--runs-at-once", "2") as app, visiting(browser, app) as page:
        steps.open_shipped(page, GRAPH)
        whole, broken = (start(page, app.address, name=name) for name in ("whole", "broken"))
        open_tab(page)
        run = run_of(page, broken)
        expect(state(run)).to_have_text("running", timeout=180_000)
        expect(run.get_by_role("img", name="Losses: loss")).to_be_visible()
    folder = workspace / "runs" / broken
    seen = status(folder)["step"]
    with serving(workspace, tmp_path, "--runs-at-once", "2") as app, visiting(browser, app) as page:
        open_tab(page)
        run = run_of(page, broken)
        expect(state(run)).to_have_text("running")
        reached(page, seen + 1)
        with visiting(browser, app) as second:
            open_tab(second)
            run_of(second, broken).get_by_role("button", name="Stop").click()
            expect(state(run)).to_have_text("stopped")
        stopped = status(folder)
        assert stopped["state"] == "stopped" and seen < stopped["step"] < stopped["steps"]
        run.get_by_role("button", name="Resume").click()
        expect(state(run)).to_have_text("running", timeout=180_000)
        later = (stopped["step"] // 100 + 2) * 100
        for name in (whole, broken):
            run = run_of(page, name)
            reached(page, later + 1)
            run.get_by_role("button", name="Stop").click()
            expect(state(run)).to_have_text("stopped")
    written = (workspace / "runs" / name / "checkpoints" / f"step-{later:08d}" for name in (whole, broken))
    one, other = (checkpoints.load(path) for path in written)
    assert one["model"].keys() == other["model"].keys()
    assert all(torch.equal(one["model"][key], other["model"][key]) for key in one["model"])


def test_two_runs_are_compared_and_the_best_weights_are_used(tab: Page, trained: str) -> None:
    run = run_of(tab, trained)
    run.get_by_label("Compare with").select_option("same")
    expect(run.locator(".train-plot .is-other .train-line").first).to_be_attached()
    run.get_by_role("tab", name="Differences").click()
    expect(run).to_contain_text("Both recipes say the same.")
    expect(run).to_contain_text("Both graphs mean the same.")
    run.get_by_role("tab", name="Images").click()
    expect(run.get_by_role("img").first).to_be_visible()
    assert run.get_by_role("img").count() == 6  # a tenth of the images is held back
    run.get_by_role("tab", name="Evaluation").click()
    expect(run.get_by_text("Confusion matrix")).to_be_visible()
    expect(run.locator(".train-looked img").first).to_be_visible()
    run.get_by_role("button", name="Use in Run").click()
    expect(steps.title_of(tab)).to_contain_text(GRAPH)
    expect(tab.locator("#dock-run-weights").get_by_label("Trained")).to_be_checked()
    tab.locator("#dock-run-start").click()
    expect(tab.locator("#dock-run-status")).to_contain_text("best.safetensors")


def test_a_trained_model_is_exported(tab: Page, trained: str) -> None:
    run_of(tab, trained).get_by_role("button", name="Export").click()
    dialog = tab.get_by_role("dialog", name="Export the trained model")
    with tab.expect_download() as download:
        dialog.get_by_role("link", name="best.safetensors").click()
    assert "conv" in " ".join(load_file(download.value.path()))
    dialog.get_by_role("button", name="Python file").click()
    link = dialog.get_by_role("link", name="trained.py")
    expect(link).to_be_visible()
    with tab.expect_download() as download:
        link.click()
    assert "class " in download.value.path().read_text()


def test_nan_losses_are_reported_and_marked(tab: Page, workspace: Path) -> None:
    made(workspace, "nan", [3.0, 2.0, math.nan, math.inf, 1.0], val_loss=math.nan)
    run = run_of(tab, "nan")
    expect(run.get_by_text("loss was NaN or infinite 2 times, first at step 3")).to_be_visible()
    expect(run.locator(".train-broken")).not_to_have_count(0)
    expect(run.get_by_role("img", name="Losses: loss 1, val_loss NaN")).to_be_visible()


def test_a_run_that_died_shows_the_end_of_its_output(tab: Page, workspace: Path) -> None:
    folder = made(workspace, "dead", [2.0, 1.0]).path
    found = json.loads((folder / "status.json").read_text())
    (folder / "status.json").write_text(json.dumps({**found, "state": "running", "pid": 2**22 + 9}))
    (folder / "output.log").write_text("Killed by the night watch\n")
    run = run_of(tab, "dead")
    expect(run.get_by_role("alert")).to_contain_text("It died.")
    expect(run.get_by_role("alert")).to_contain_text("Killed by the night watch")
    expect(run).to_contain_text("no checkpoint was written")
    expect(run.get_by_role("button", name="Resume")).to_have_count(0)


def test_names_and_log_text_of_a_run_are_never_markup(tab: Page, workspace: Path) -> None:
    run = made(workspace, "hostile", [1.0])
    (run.path / "output.log").write_text(f"{HOSTILE}\n")
    rows = [{"name": HOSTILE, "precision": 1, "recall": 1, "count": 2}] * 2
    odd = {"step": 1, "Accuracy": {"classes": rows, "confusion": [[1, 1], [0, 2]], "wrong": [{"index": 0}]}}
    (run.path / "evaluation.json").write_text(json.dumps(odd))
    text = (run.path / "graph.yaml").read_text().replace("name: fashion_mnist", f"name: '{HOSTILE}'", 1)
    (run.path / "graph.yaml").write_text(text)
    with open(run.path / "events.jsonl", "ab") as log:
        log.write(json.dumps({"step": 2, "time": 1e9, "kind": "step", HOSTILE: 3}).encode() + b"\n")
    shown = run_of(tab, "hostile")
    for part in ("Curves", "Evaluation", "Output"):
        shown.get_by_role("tab", name=part).click()
        expect(shown.get_by_text(HOSTILE).first).to_be_attached()
    assert tab.locator("img[src=x]").count() == 0 and tab.title() == "composer"


def test_a_detector_shows_its_curves_and_what_it_missed_and_found_wrongly(tab: Page, workspace: Path) -> None:
    run = made(workspace, "detector", [1.0])
    curve = [max(0.0, 1 - at / 60) for at in range(101)]
    classes = [{"name": name, "ap": 0.5, "ap50": 0.6, "recall_precision": curve} for name in ("cat", HOSTILE)]
    objects = [
        {"box": [0.1, 0.1, 0.4, 0.5], "name": "cat", "score": None, "fault": "missed"},
        {"box": [0.5, 0.2, 0.9, 0.9], "name": HOSTILE, "score": 0.75, "fault": "false"},
    ]
    row = {"index": 3, "name": "three.png", "missed": 1, "false": 1, "score": 0.75, "objects": objects}
    faults = {"score": 0.4, "missed": [row], "false": [{**row, "index": 4, "name": "four.png"}]}
    details = {"box": {"classes": classes, "recall_precision": curve}, "faults": faults}
    (run.path / "evaluation.json").write_text(json.dumps({"step": 1, "BoxPrecision": details}))
    (run.path / "looked_at").mkdir()
    Image.new("RGB", (60, 40), "gray").save(run.path / "looked_at" / "3.jpg")
    shown = run_of(tab, "detector")
    shown.get_by_role("tab", name="Evaluation").click()
    curves = shown.get_by_role("img", name="Precision over recall")
    expect(curves.locator("path")).to_have_count(3)
    shown.get_by_role("button", name="cat", exact=True).click()
    expect(shown.get_by_role("button", name="cat", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(shown.get_by_role("heading", name="Missed objects, at score 0.4 and above")).to_be_visible()
    image = shown.get_by_role("button", name="three.png: 1 missed, 1 false")
    expect(image.locator("rect.is-missed")).to_have_count(1)
    expect(image.locator("rect.is-false")).to_have_count(1)
    image.focus()
    tab.keyboard.press("Enter")
    expect(image).to_have_attribute("aria-pressed", "true")
    expect(image.locator("small.is-false")).to_have_text(f"{HOSTILE} 0.75")
    expect(shown.get_by_role("button", name="four.png: 1 missed, 1 false")).to_contain_text("no image")
    assert tab.locator("img[src=x]").count() == 0


def test_values_of_curves_are_read_by_keyboard(tab: Page, workspace: Path) -> None:
    made(workspace, "keys", [4.0, 3.0, 2.0])
    run = run_of(tab, "keys")
    sides = tab.get_by_role("tablist", name="Training")
    sides.get_by_role("tab", name="Runs").focus()
    tab.keyboard.press("ArrowLeft")
    expect(sides.get_by_role("tab", name="New training")).to_be_focused()
    expect(sides.get_by_role("tab", name="New training")).to_have_attribute("aria-selected", "true")
    tab.keyboard.press("ArrowRight")
    plot = run.get_by_role("img", name="Losses: loss 2")
    plot.focus()
    tab.keyboard.press("ArrowLeft")
    tab.keyboard.press("ArrowLeft")
    expect(run.get_by_role("figure", name="Losses")).to_contain_text("at step 2")
    expect(run.get_by_role("figure", name="Losses").locator("output").first).to_have_text("3")
    tab.keyboard.press("Escape")
    expect(run.get_by_role("figure", name="Losses")).not_to_contain_text("at step")


def test_the_table_of_runs_is_sorted_and_walked_by_keyboard(browser: Browser, fresh: App) -> None:
    for name, loss, accuracy in (("ten", 1.0, 0.1), ("two", 2.0, 0.9), ("none", 3.0, math.nan)):
        made(fresh.workspace, name, [loss], accuracy=accuracy)
    with visiting(browser, fresh) as page:
        open_tab(page)
        open_runs(page)
        runs = table(page)
        names = runs.locator("tbody th[scope=row]")
        expect(names).to_have_text(["none", "two", "ten"])
        expect(runs.get_by_role("columnheader", name="Started")).to_have_attribute("aria-sort", "descending")
        runs.get_by_role("button", name="Best").focus()
        page.keyboard.press("Enter")
        expect(runs.get_by_role("columnheader", name="Best")).to_have_attribute("aria-sort", "descending")
        expect(names).to_have_text(["two", "ten", "none"])
        page.keyboard.press("Enter")
        expect(runs.get_by_role("columnheader", name="Best")).to_have_attribute("aria-sort", "ascending")
        expect(names).to_have_text(["ten", "two", "none"])
        expect(runs.locator("th[aria-sort]")).to_have_count(1)
        runs.get_by_role("button", name="ten", exact=True).focus()
        page.keyboard.press("ArrowDown")
        expect(runs.get_by_role("button", name="two", exact=True)).to_be_focused()
        page.keyboard.press("Enter")
        run = page.get_by_role("region", name="Run two")
        expect(run.get_by_role("img", name="Losses: loss 2")).to_be_visible()
        page.keyboard.press("End")
        expect(runs.get_by_role("button", name="none", exact=True)).to_be_focused()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Space")
        expect(run.get_by_label("Compare with")).to_have_value("none")
        expect(run.locator(".train-plot .is-other").first).to_be_attached()
        page.keyboard.press("Space")
        expect(run.get_by_label("Compare with")).to_have_value("")


def test_an_empty_table_of_runs_says_how_to_begin(browser: Browser, fresh: App) -> None:
    with visiting(browser, fresh) as page:
        open_tab(page)
        open_runs(page)
        expect(page.get_by_text("Nothing was trained yet.")).to_be_visible()
        page.get_by_role("button", name="Start a training").click()
        sides = page.get_by_role("tablist", name="Training")
        expect(sides.get_by_role("tab", name="New training")).to_have_attribute("aria-selected", "true")


def test_a_run_is_deleted_after_a_question(tab: Page, workspace: Path) -> None:
    made(workspace, "old", [1.0])
    run = run_of(tab, "old")
    run.get_by_role("button", name="Delete this run").click()
    question = tab.get_by_role("dialog", name="Delete this run?")
    question.get_by_role("button", name="Keep it").click()
    assert (workspace / "runs" / "old").is_dir()
    run.get_by_role("button", name="Delete this run").click()
    question.get_by_role("button", name="Delete", exact=True).click()
    expect(table(tab).get_by_role("button", name="old", exact=True)).to_have_count(0)
    assert not (workspace / "runs" / "old").exists()


def test_all_of_a_run_is_in_reach_in_a_small_window(tab: Page, workspace: Path) -> None:
    name = "a name that is as long as names of runs may be, which is a hundred letters at the most"
    made(workspace, name, [1.0])
    run = run_of(tab, name)
    cut = table(tab).get_by_role("button", name=name, exact=True)
    assert cut.get_attribute("title") == name
    assert cut.evaluate("element => element.scrollWidth > element.clientWidth")
    for button in run.locator(".train-head button").all():
        place = drawing.area(button)
        assert place["x"] >= 0 and place["x"] + place["width"] <= 1280
    body = tab.locator(".train-body")
    assert body.evaluate("element => element.scrollWidth <= element.clientWidth")
