"""The composer in the browser: how soon it is ready, how graphs of 500 to 5,000 nodes open, drag and pan.

    python -m benchmarks.browser

Real Chromium without a screen, the app in a process of its own on the same machine. Needs `pip install playwright` and
Debian's chromium.
"""

import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

from benchmarks.check import blocks
from composer import Graph, GraphBuilder, write

FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync")
WINDOW: ViewportSize = {"width": 1280, "height": 720}
ROUNDS = 5

WHEN_DRAWN = """(count) => {
    const drawn = () => window.composerCanvas.boxes() >= count
        && document.querySelector(".react-flow__node") && document.querySelector(".react-flow__edge");
    window.opened = new Promise((done) => addEventListener("click", () => {
        const start = performance.now();
        const look = () => requestAnimationFrame(drawn() ? () => done(performance.now() - start) : look);
        look();
    }, { capture: true, once: true }));
}"""
"""Resolves with the milliseconds from the next click to a frame in which boxes and wires of the graph are drawn."""

FRAMES = """async (seconds) => {
    const times = [];
    await new Promise((done) => {
        const start = performance.now();
        const tick = (now) => { times.push(now); now - start < seconds * 1000 ? requestAnimationFrame(tick) : done(); };
        requestAnimationFrame(tick);
    });
    return times.slice(1).map((time, index) => time - times[index]);
}"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(folder)
        for count in (100, 500, 1000):
            write(blocks(count), workspace / f"blocks_{count}.yaml")
        for count in (2500, 5000):
            write(chain(count), workspace / f"chain_{count}.yaml")
        with served(workspace) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
            page = browser.new_page(viewport=WINDOW)
            show("page ready after navigation", [ready(page, address) for _ in range(ROUNDS)], "ms")
            edits(page)
            page.close()
            for count in (500, 1000):
                times = []
                for _ in range(ROUNDS):
                    page = browser.new_page(viewport=WINDOW)
                    times.append(opened(page, address, f"blocks_{count}.yaml", count))
                    if len(times) < ROUNDS:
                        page.close()
                show(f"{count} nodes: click to the graph drawn", times, "ms")
                show(f"{count} nodes: frame while a node is dragged", dragging(page), "ms")
                show(f"{count} nodes: frame while the canvas is panned", panning(page), "ms")
                page.close()
            for count in (2500, 5000):
                times = []
                for _ in range(3):
                    page = browser.new_page(viewport=WINDOW)
                    times.append(opened(page, address, f"chain_{count}.yaml", count))
                    page.close()
                show(f"{count} nodes in a row without a layout: click to the graph drawn", times, "ms")
            browser.close()


@contextmanager
def served(workspace: Path) -> Iterator[str]:
    """The app, until it is no longer needed."""
    command = [sys.executable, "app.py", "--port", "0", "--workspace", str(workspace)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]) as process:
        assert process.stdout is not None
        found = next(match for line in process.stdout if (match := re.search(r"http://[\w.:]+", line)))
        try:
            yield found[0]
        finally:
            process.terminate()


def chain(count: int) -> Graph:
    """So many layers one after the other."""
    build = GraphBuilder(f"chain_{count}")
    here = build.input("image", "Image", ["B", 3, 32, 32])
    for at in range(count):
        here = build.node(f"act{at}", "ReLU")(input=here).out
    build.output("tensor", features=here)
    return build.graph()


def ready(page: Page, address: str) -> float:
    """Milliseconds until the canvas and the palette can be used."""
    start = time.perf_counter()
    page.goto(address)
    page.wait_for_selector(".react-flow__pane")
    page.wait_for_selector("text=Backbones")
    return (time.perf_counter() - start) * 1000


def opened(page: Page, address: str, name: str, count: int) -> float:
    """Milliseconds from the click on a graph in the gallery to its last node."""
    page.goto(address)
    page.wait_for_selector(".react-flow__pane")
    page.keyboard.press("Control+o")
    card = page.get_by_text(name).first
    card.wait_for()
    page.evaluate(WHEN_DRAWN, count)
    card.click()
    return float(page.evaluate("() => window.opened"))


def dragging(page: Page) -> list[float]:
    """Times between frames while a node follows the mouse."""
    box = page.locator(".react-flow__node").first.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + 6
    page.mouse.move(x, y)
    page.mouse.down()
    return _frames(page, lambda step: page.mouse.move(x + 3 * (step % 60), y + 2 * (step % 40)))


def panning(page: Page) -> list[float]:
    """Times between frames while the wheel moves the canvas."""
    page.mouse.up()
    page.mouse.move(700, 650)
    return _frames(page, lambda step: page.mouse.wheel(12 if step % 80 < 40 else -12, 6))


def _frames(page: Page, move) -> list[float]:  # type: ignore[no-untyped-def]
    page.evaluate(f"() => {{ window.frames_seen = ({FRAMES})(3); }}")
    end = time.perf_counter() + 3
    step = 0
    while time.perf_counter() < end:
        move(step)
        step += 1
    return [float(one) for one in page.evaluate("() => window.frames_seen")]


def edits(page: Page) -> None:
    """One edit of a graph of 100 nodes: the whole way, and the server's share."""
    page.keyboard.press("Control+o")
    page.get_by_text("blocks_100.yaml").first.click()
    page.wait_for_selector(".react-flow__node")
    script = """async (value) => {
        const start = performance.now();
        const path = ["nodes", "conv3", "params", "dilation"];
        await window.composerCanvas.edit([{op: "set", edits: [{path, set: value}]}]);
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        return performance.now() - start;
    }"""
    times = [float(page.evaluate(script, 1 + step % 3)) for step in range(60)]
    show("100 nodes: an edit until its sizes and problems are drawn", times, "ms")


def show(what: str, values: list[float], unit: str) -> None:
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    print(f"{what:58}{statistics.median(values):8.1f} {unit} median{p95:9.1f} {unit} p95  ({len(values)})", flush=True)


if __name__ == "__main__":
    main()
