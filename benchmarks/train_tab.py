"""The Train tab in the browser: how soon it shows a run, how live its curves are, and what looking costs a training.

    python -m benchmarks.train_tab [open] [log] [live] [ending] [watched]

Real Chromium without a screen, the app and the trainings in processes of their own on the same machine, which the
pages share with what they look at. Needs `pip install playwright` and Debian's chromium.
"""

import json
import math
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from benchmarks.browser import FLAGS, WINDOW, served, show
from composer.graph.file import read
from composer.graph.file.document import to_document
from composer.training.recipe import loads_recipe
from composer.training.runs.folder import EVENTS, RunFolder
from composer.training.runs.history import History
from composer.training.runs.status import read_status

ROOT = Path(__file__).parents[1]
GRAPH = ROOT / "saved_graphs" / "classification" / "fashion_mnist.yaml"
RECIPE = """\
graph: graph.yaml
data: {{train: {{path: images}}}}
steps: {steps}
batches: {{batch: 8, workers: 0}}
evaluation: {{every: 1000 steps}}
checkpoints: {{every: 1000 steps}}
seed: 3
"""
PARTS = ("open", "log", "live", "ending", "watched")
ROUNDS = 3
RUNS = 20
"""Runs in the table when the tab is opened."""
STEPS = 600
"""Steps of a training that is watched, or not."""
PAIRS = 6
"""Trainings that are watched."""

OPENED = """() => {
    const drawn = () => document.querySelector(".train-run .train-plot path");
    window.opened = new Promise((done) => addEventListener("click", () => {
        const start = performance.now();
        const look = () => requestAnimationFrame(drawn() ? () => done(performance.now() - start) : look);
        look();
    }, { capture: true, once: true }));
}"""
"""Resolves with the milliseconds from the next click to a frame in which a curve is drawn."""

SEEN = """() => {
    window.seen = {};
    const look = () => {
        const step = /step ([\\d,]+) of/.exec(document.querySelector(".train-progress")?.textContent ?? "")?.[1];
        if (step) window.seen[step.replaceAll(",", "")] ??= Date.now() / 1000;
        window.looking = requestAnimationFrame(look);
    };
    look();
}"""
"""Notes when each step was first shown."""


def main() -> None:
    wanted = [part for part in PARTS if part in sys.argv[1:]] or list(PARTS)
    print(f"load of the last minute before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        for part in wanted:
            with workspace() as folder:
                {"open": opening, "log": long_log, "live": live, "ending": ending, "watched": watched}[part](
                    browser, folder
                )
        browser.close()
    print(f"load of the last minute after: {os.getloadavg()[0]:.1f}", flush=True)


@contextmanager
def workspace() -> Iterator[Path]:
    """A workspace with a few images of three classes."""
    with tempfile.TemporaryDirectory() as name:
        random = np.random.default_rng(0)
        for label in range(3):
            (Path(name) / "images" / str(label)).mkdir(parents=True)
            for place in range(40):
                pixels = random.integers(60 * label, 60 * label + 120, (28, 28), dtype=np.uint8)
                Image.fromarray(pixels).save(Path(name) / "images" / str(label) / f"{place}.png")
        yield Path(name)


# --- how soon ---


def opening(browser: Browser, folder: Path) -> None:
    """From the click on Train to the first curve, with twenty runs in the table."""
    for number in range(RUNS):
        made(folder, f"run-{number}", 1000)
    with served(folder) as address:
        opened(browser, address)
        times, busy = zip(*(opened(browser, address) for _ in range(ROUNDS)), strict=True)
    show(f"Train tab with {RUNS} runs: click to the first curve", list(times), "ms")
    show(f"Train tab with {RUNS} runs: of it the page's own work", list(busy), "ms")


def long_log(browser: Browser, folder: Path) -> None:
    """The same with one run, of a thousand events and of a million; a server sees the log for the first time."""
    medians = []
    for count in (1_000, 1_000_000):
        run = made(folder / str(count), "run", count)
        times = []
        for _ in range(ROUNDS):
            with served(folder / str(count)) as address:
                opened(browser, address, click=False)
                times.append(opened(browser, address)[0])
        show(f"a log of {count:,} events ({size(run)}): click to the first curve", times, "ms")
        medians.append(statistics.median(times))
    print(f"a million beside a thousand: ratio {medians[1] / medians[0]:.2f}", flush=True)
    (run.path / "curves.json").unlink()
    start = time.perf_counter()
    History(RunFolder(run.path)).refresh()
    show("a million events without curves.json: read once", [(time.perf_counter() - start) * 1000], "ms")


def opened(browser: Browser, address: str, *, click: bool = True) -> tuple[float, float]:
    """Milliseconds from the click on Train to a frame with a curve, and those that the page's thread worked of them.

    Args:
        browser: The browser.
        address: Of the app.
        click: Whether Train is clicked; a page without is drawn before, so that the server has imported what it needs.
    """
    page = browser.new_page(viewport=WINDOW)
    page.goto(address)
    page.wait_for_selector(".react-flow__pane")
    page.wait_for_selector("text=Backbones")
    found = 0.0, 0.0
    if click:
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.evaluate(OPENED)
        before = worked(session)
        page.locator(".composer-toolbar").get_by_role("button", name="Train", exact=True).click()
        found = float(page.evaluate("() => window.opened")), (worked(session) - before) * 1000
    page.close()
    return found


def worked(session: CDPSession) -> float:
    """Seconds of a processor that the page's thread took."""
    measured = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    return float(measured["TaskDuration"])


def made(folder: Path, name: str, events: int) -> RunFolder:
    """A finished run with so many events, as one leaves it that wrote a checkpoint every so often."""
    recipe = loads_recipe(RECIPE.format(steps=events))
    run = RunFolder.create(folder / "runs" / name, recipe, read(GRAPH))
    run.events.append("start", 0, steps=events, epoch=0)
    history = History(run)
    now = time.time() - events / 50
    stretch = max(events // 100, 1)
    with open(run.path / EVENTS, "ab") as log:
        for step in range(1, events + 1):
            loss = 2.3 * math.exp(-3 * step / events)
            log.write(
                f'{{"step": {step}, "time": {now + step / 50:.3f}, "kind": "step", "epoch": {step / 100}, '
                f'"loss": {loss:.9f}, "lr": 0.001, "rate": 412.345678, "waited": 0.0123}}\n'.encode()
            )
            if step % stretch == 0:
                log.flush()
                while not history.refresh(0.25):
                    pass
                history.keep()
    run.events.close()
    run.status.write("finished", step=events, steps=events)
    run.close()
    return run


def size(run: RunFolder) -> str:
    return f"{(run.path / EVENTS).stat().st_size / 2**20:.1f} MiB"


# --- how live ---


def live(browser: Browser, folder: Path) -> None:
    """From the time that a step's event bears to a frame that shows the step."""
    with served(folder) as address:
        page = browser.new_page(viewport=WINDOW)
        name = started(page, address, 100_000)
        watch(page, name)
        page.evaluate(SEEN)
        page.wait_for_timeout(20_000)
        seen: dict[str, float] = page.evaluate("() => (cancelAnimationFrame(window.looking), window.seen)")
        stop(page, name)
    log = {event.step: event.time for event in RunFolder(folder / "runs" / name).read_events("step")}
    late = [(at - log[int(step)]) * 1000 for step, at in seen.items() if int(step) in log]
    show("a step's event in the log until the page shows it", late[1:], "ms")


def ending(browser: Browser, folder: Path) -> None:
    """From the click to the word "stopped", for a run that saves and one that is killed."""
    times: dict[str, list[float]] = {"Stop": [], "Kill now": []}
    with served(folder) as address:
        for kind in ["Stop", "Kill now"] * 2:
            page = browser.new_page(viewport=WINDOW)
            name = started(page, address, 100_000)
            watch(page, name)
            page.wait_for_timeout(2000)
            start = time.perf_counter()
            stop(page, name, kill=kind != "Stop")
            times[kind].append((time.perf_counter() - start) * 1000)
            page.close()
    for kind, found in times.items():
        show(f"{kind}: click to 'stopped'", found, "ms")


class Step(NamedTuple):
    """What a step of a training took, in milliseconds."""

    clock: float
    training: float
    """Of a processor, in the process of the training."""
    server: float
    """Of a processor, in the server and its helpers."""


def watched(browser: Browser, folder: Path) -> None:
    """The same training with four pages that watch it and with none, in turn."""
    found: dict[int, list[Step]] = {0: [], 4: []}
    with served(folder) as address:
        for pages in [0, 4, 4, 0] * (PAIRS // 2):
            step = trained(browser, folder, address, pages)
            found[pages].append(step)
            print(
                f"{pages} pages: {step.clock:.2f} ms a step, of a processor {step.training:.2f} ms in the training, "
                f"{step.server:.3f} ms in the server",
                flush=True,
            )
    pairs = list(zip(found[4], found[0], strict=True))
    for what, ratios in (
        ("time", [four.clock / none.clock for four, none in pairs]),
        ("time of a processor in the training", [four.training / none.training for four, none in pairs]),
        (
            "the server's share of the machine more",
            [(four.server / four.clock - none.server / none.clock) / (os.cpu_count() or 1) for four, none in pairs],
        ),
    ):
        print(
            f"a step with 4 pages beside none, {what}: {statistics.median(ratios):.3f} "
            f"({min(ratios):.3f} to {max(ratios):.3f})",
            flush=True,
        )


def trained(browser: Browser, folder: Path, address: str, pages: int) -> Step:
    """What a step takes, from a third of the training on."""
    page = browser.new_page(viewport=WINDOW)
    name = started(page, address, STEPS)
    page.close()
    watching = [browser.new_page(viewport=WINDOW) for _ in range(pages)]
    for one in watching:
        one.goto(address)
        one.wait_for_selector(".react-flow__pane")
        watch(one, name)
    beside = browser.new_page()  # keeps the messages of the others flowing while this process waits
    status_file = folder / "runs" / name / "status.json"
    seen: list[tuple[int, Step]] = []
    while (status := read_status(status_file)) is None or status.state != "finished":
        if status is not None and status.step >= STEPS // 3 and (used := of_processor(status.pid)) is not None:
            server = sum(of_processor(pid) or 0.0 for pid in family(status.pid))
            seen.append((status.step, Step(time.perf_counter(), used, server)))
        if status is not None and status.state in ("failed", "died"):
            raise RuntimeError(status.message)
        beside.wait_for_timeout(50)
    for one in [*watching, beside]:
        one.close()
    (step, first), (last, end) = seen[0], seen[-1]
    return Step(*((after - before) * 1000 / (last - step) for after, before in zip(end, first, strict=True)))


def family(training: int) -> list[int]:
    """The server and what it started, without a training."""
    found = [pid for pid in children(os.getpid()) if b"app.py" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    for pid in found:
        found += [child for child in children(pid) if child != training]
    return found


def children(pid: int) -> list[int]:
    """The processes that a process started; none once it is gone."""
    found: list[int] = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, file.read_text().split())
    return found


def of_processor(pid: int) -> float | None:
    """Seconds of a processor that a process used; None once it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- what a person does ---


def started(page: Page, address: str, steps: int) -> str:
    """Start a training of the shipped classifier as the page does; gives the name of the run."""
    page.goto(address)
    page.wait_for_selector(".react-flow__pane")
    config = page.request.get(f"{address}/config").json()
    canvas = next(one["id"] for one in config["components"] if one["props"].get("elem_id") == "composer-canvas")
    recipe = RECIPE.format(steps=steps)
    asked = {"document": json.dumps(to_document(read(GRAPH))), "recipe": recipe, "name": ""}
    body = {"component_id": canvas, "fn_name": "composer_train_start", "data": asked, "session_hash": "benchmark"}
    answer: Any = page.request.post(f"{address}/gradio_api/component_server/", data=body).json()
    if not answer["ok"]:
        raise RuntimeError(str(answer))
    return str(answer["result"]["name"])


def watch(page: Page, name: str) -> None:
    """Look at a run until its curves move."""
    page.locator(".composer-toolbar").get_by_role("button", name="Train", exact=True).click()
    page.get_by_role("tablist", name="Training").get_by_role("tab", name="Runs").click()
    page.get_by_role("table", name="Runs").get_by_role("button", name=name, exact=True).click()
    page.locator(".train-run .train-plot path").first.wait_for(state="attached", timeout=120_000)


def stop(page: Page, name: str, *, kill: bool = False) -> None:
    """Stop the run that is looked at, until the page says that it ended."""
    run = page.get_by_role("region", name=f"Run {name}")
    run.get_by_role("button", name="Stop", exact=True).click()
    if kill:
        run.get_by_role("button", name="Kill now").click()
    run.locator(".train-head .train-state", has_text="stopped").wait_for()


if __name__ == "__main__":
    main()
