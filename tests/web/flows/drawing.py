"""What a person does on the canvas: boxes, ports and wires."""

import json
from typing import Any

from playwright.sync_api import FloatRect, Locator, Page, expect

from tests.web.flows.steps import box

__all__ = [
    "add",
    "add_at",
    "area",
    "canvas",
    "chosen",
    "document",
    "drag_wire",
    "edge",
    "handle",
    "idle",
    "label",
    "let_go",
    "menu",
    "names",
    "overlaps",
    "pane",
    "position",
    "search_box",
    "text",
    "wire",
]


def canvas(page: Page) -> Locator:
    """The canvas."""
    return page.get_by_role("main", name="canvas")


def pane(page: Page) -> Locator:
    """Its ground."""
    return page.locator(".react-flow__pane")


def idle(page: Page) -> None:
    """Wait until every change that was asked for is in the document and drawn."""
    page.evaluate("""async () => {
        await window.composerCanvas.idle();
        for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
    }""")


def text(page: Page) -> str:
    """The document that is open, once it is up to date."""
    idle(page)
    return str(page.evaluate("window.composerCanvas.currentDocument()"))


def document(page: Page) -> Any:
    """The document that is open, once it is up to date, read as JSON."""
    return json.loads(text(page))


def area(found: Locator) -> FloatRect:
    """Where something is on the screen, once it stands still: a view may still be moving."""
    found.evaluate("""async (element) => {
        const place = () => Object.values(element.getBoundingClientRect().toJSON()).join();
        for (let before = ""; before !== place(); ) {
            before = place();
            for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
        }
    }""")
    place = found.bounding_box()
    assert place
    return place


def names(page: Page) -> list[str]:
    """The boxes on the canvas, by name."""
    idle(page)
    return sorted(page.locator(".react-flow__node").evaluate_all("all => all.map((one) => one.dataset.id)"))


def add(page: Page, name: str) -> None:
    """Add a part by typing its name in the palette."""
    search = page.get_by_role("searchbox", name="Search the palette")
    search.fill(name)
    search.press("Enter")


def add_at(page: Page, name: str, x: float, y: float) -> None:
    """Drag a part from the palette to a place on the canvas."""
    page.get_by_role("searchbox", name="Search the palette").fill(name)
    item = page.locator(".composer-palette-item").first
    item.drag_to(pane(page), target_position={"x": x, "y": y}, force=True)


def handle(page: Page, end: str, side: str) -> Locator:
    """A port's handle: ``neck.feature``, ``backbone.out[2]``."""
    return page.locator(f'.react-flow__handle.{side}[data-handleid="{end}"]')


def drag_wire(page: Page, source: str, target: str) -> None:
    """Drag a wire from an output port over an input port, and wait until the ports that fit are known."""
    x, y = _middle(handle(page, source, "source"))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 12, y + 6, steps=2)
    expect(page.locator(".composer-port-fits").first).to_be_attached()
    page.mouse.move(*_middle(handle(page, target, "target")), steps=3)


def wire(page: Page, source: str, target: str) -> None:
    """Wire an output port to an input port by the mouse."""
    before = page.locator(".react-flow__edge").count()
    drag_wire(page, source, target)
    page.mouse.up()
    expect(page.locator(".react-flow__edge")).to_have_count(before + 1)


def let_go(page: Page, source: str, x: float, y: float) -> None:
    """Drag a wire from an output port and drop it on the ground."""
    page.mouse.move(*_middle(handle(page, source, "source")))
    page.mouse.down()
    page.mouse.move(x, y, steps=4)
    page.mouse.up()


def edge(page: Page, source: str, target: str) -> Locator:
    """A wire, by its source and its end."""
    return page.locator(f'.react-flow__edge[aria-label^="wire from {source} to {target}"]')


def label(page: Page, source: str, target: str) -> Locator:
    """What is written on a wire."""
    return edge(page, source, target).locator(".composer-wire-label")


def search_box(page: Page) -> Locator:
    """The search that is open over the canvas."""
    return page.locator(".composer-chooser").get_by_role("combobox")


def chosen(page: Page) -> Locator:
    """What Enter would take in the search."""
    return page.locator(".composer-chooser").get_by_role("option", selected=True)


def menu(page: Page, entry: str) -> None:
    """Choose an entry of the open menu."""
    page.get_by_role("menuitem", name=entry).click()


def position(page: Page, name: str) -> tuple[float, float]:
    """Where a box is drawn, in pixels of the canvas."""
    idle(page)
    style = box(page, name).evaluate("one => one.style.transform")
    x, y = style.removeprefix("translate(").removesuffix(")").split(",")
    return float(x.strip().removesuffix("px")), float(y.strip().removesuffix("px"))


def overlaps(page: Page) -> list[list[str]]:
    """Pairs of boxes on the canvas that lie over each other."""
    idle(page)
    script = """(all) => {
        const at = all.map((one) => [one.dataset.id, one.getBoundingClientRect()]);
        const beside = (a, b) => a.right < b.left + 1 || b.right < a.left + 1;
        const apart = (a, b) => beside(a, b) || a.bottom < b.top + 1 || b.bottom < a.top + 1;
        const pairs = at.flatMap((one, here) => at.slice(here + 1).map((two) => [one, two]));
        return pairs.filter(([[, a], [, b]]) => !apart(a, b)).map(([[one], [two]]) => [one, two]);
    }"""
    found: list[list[str]] = page.locator(".react-flow__node-box").evaluate_all(script)
    return found


def _middle(found: Locator) -> tuple[float, float]:
    place = area(found)
    return place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
