"""The page around the graph: parts that fail alone, dialogs over the dock, sizes, narrow windows, the keyboard."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Locator, Page, Route, expect

from tests.web.flows import drawing, steps

FAILED = "could not be drawn"


@contextmanager
def spoiled_views(page: Page) -> Iterator[dict[str, Any]]:
    """Every view that the server answers with, with something that the page does not expect: what is put in here."""
    unexpected: dict[str, Any] = {}

    def spoil(route: Route) -> None:
        answer = route.fetch()
        reply = answer.json()
        for one in [reply, *(reply.get("data") or [])]:
            result = one.get("result") if isinstance(one, dict) else None
            view = (result if "nodes" in result else result.get("view")) if isinstance(result, dict) else None
            if isinstance(view, dict):
                view.update(unexpected)
        route.fulfill(response=answer, json=reply, headers={**answer.headers, "x-routed": "yes"})

    with page.expect_response(lambda response: "x-routed" in response.headers):
        page.route("**/component_server/**", spoil)  # Chromium lets requests through for a moment; the page asks often
    yield unexpected
    page.unroute_all(behavior="wait")


REGIONS = {
    "toolbar": {"name": {"not": "a name"}},
    "palette": {"subgraphs": 5},
    "canvas": {"comments": [{"id": "1", "text": "", "colour": "grey", "box": None}]},
    "side panel": {"classes": None},
}


def test_a_part_that_fails_leaves_the_others_and_the_graph(page: Page) -> None:
    steps.open_shipped(page)
    before = drawing.document(page)
    with spoiled_views(page) as unexpected:
        for broken, part in REGIONS.items():
            steps.box(page, "head").click()
            unexpected.update(part)
            page.keyboard.press("Delete")
            failed = page.get_by_role("alert").filter(has_text=f"The {broken} {FAILED}")
            expect(failed).to_be_visible()
            unexpected.clear()
            expect(page.get_by_text(FAILED)).to_have_count(1)
            assert "head" not in drawing.document(page)["nodes"]
            failed.get_by_role("button", name="Try again").click()
            expect(failed).to_be_visible()
            page.keyboard.press("Control+z")
            expect(failed).to_have_count(0)
            expect(steps.box(page, "head")).to_be_visible()
            assert drawing.document(page) == before


def is_on_top(found: Locator) -> bool:
    """Whether a click into its middle reaches it."""
    return bool(
        found.evaluate("""(one) => {
            const { x, y, width, height } = one.getBoundingClientRect();
            return one.contains(document.elementFromPoint(x + width / 2, y + height / 2));
        }""")
    )


def test_dialogs_and_menus_lie_over_the_dock(page: Page) -> None:
    steps.open_shipped(page)
    steps.pick(page, "head")
    steps.put(page, "num_classes", "7")
    expect(steps.unsaved_mark(page)).to_be_visible()
    page.get_by_role("button", name="Run", exact=True).first.click()
    expect(page.locator("#composer-dock")).to_be_visible()
    page.get_by_role("button", name="New", exact=True).click()
    for name in ("Don't save", "Cancel", "Save"):
        assert is_on_top(steps.dialog(page, "Save your changes?").get_by_role("button", name=name, exact=True))
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Shift+s")
    for name in ("Cancel", "Save"):
        assert is_on_top(steps.dialog(page, "Save as").get_by_role("button", name=name, exact=True))
    page.keyboard.press("Escape")
    for width, height in ((1280, 720), (1440, 900)):
        page.set_viewport_size({"width": width, "height": height})
        page.keyboard.press("Control+o")
        last = page.get_by_role("region", name="Templates").get_by_role("button").last
        last.scroll_into_view_if_needed()
        assert is_on_top(last)
        page.keyboard.press("Escape")
    steps.box(page, "neck").click(button="right")
    entry = page.get_by_role("menuitem", name="Group into a subgraph")
    expect(entry).to_be_visible()
    assert is_on_top(entry)


def width_of(found: Locator) -> float:
    """How wide something is drawn."""
    return drawing.area(found)["width"]


def test_panels_and_the_dock_are_resized_and_the_sizes_are_kept(page: Page) -> None:
    steps.open_shipped(page)
    palette, side, dock = (page.locator(one) for one in (".composer-palette", ".composer-side", "#composer-dock"))
    edge = page.get_by_role("separator", name="Width of the palette")
    area = drawing.area(edge)
    page.mouse.move(area["x"] + 3, area["y"] + 200)
    page.mouse.down()
    page.mouse.move(area["x"] + 63, area["y"] + 220, steps=3)
    page.mouse.up()
    assert width_of(palette) == 288
    edge.press("ArrowRight")
    assert width_of(palette) == 304
    expect(edge).to_have_attribute("aria-valuenow", "304")
    page.get_by_role("separator", name="Width of the side panel").press("ArrowRight")
    assert width_of(side) == 316
    page.get_by_role("button", name="Dock", exact=True).click()
    page.get_by_role("separator", name="Height of the dock").press("Shift+ArrowDown")
    assert drawing.area(dock)["height"] == 256
    page.reload()
    page.wait_for_selector(".react-flow__pane", state="attached")
    expect(dock).to_be_visible()
    assert (width_of(palette), width_of(side), drawing.area(dock)["height"]) == (304, 316, 256)
    page.get_by_role("separator", name="Height of the dock").press("Home")
    page.get_by_role("separator", name="Height of the dock").press("Enter")
    assert drawing.area(dock)["height"] == 320


def test_visible_boxes_stay_in_view_when_the_dock_opens(page: Page) -> None:
    steps.open_shipped(page)
    drawing.canvas(page).focus()
    page.keyboard.press("f")
    ground = drawing.area(drawing.pane(page))
    names = drawing.names(page)
    fitted = {name: drawing.area(steps.box(page, name)) for name in names}
    spare = ground["y"] + ground["height"] - max(at["y"] + at["height"] for at in fitted.values())
    assert spare > 8
    page.mouse.move(ground["x"] + 8, ground["y"] + 8)
    page.mouse.down(button="middle")
    page.mouse.move(ground["x"] + 8, ground["y"] + 8 + spare / 2, steps=3)
    page.mouse.up(button="middle")
    before = {name: drawing.area(steps.box(page, name)) for name in names}
    assert all(before[name]["y"] > fitted[name]["y"] + 2 for name in names)
    page.get_by_role("button", name="Run", exact=True).click()
    above_dock = """(names) => {
        const top = document.querySelector("#composer-dock").getBoundingClientRect().top;
        const bottom = (name) => document.querySelector(`[data-id="${name}"]`).getBoundingClientRect().bottom;
        return top < innerHeight && names.every((name) => bottom(name) <= top);
    }"""
    page.wait_for_function(above_dock, arg=names)
    page.get_by_role("button", name="Dock", exact=True).click()
    expect(page.locator("#composer-dock")).not_to_be_visible()
    back = """(before) => Object.entries(before).every(([name, { y }]) =>
        Math.abs(document.querySelector(`[data-id="${name}"]`).getBoundingClientRect().y - y) < 2)"""
    page.wait_for_function(back, arg=before)


def choose(page: Page, name: str, *, role: Any = "menuitem") -> None:
    """Press a button of the toolbar, or what the menu has in its place."""
    bar = page.locator(".composer-toolbar")
    button = bar.get_by_role("radio" if role == "menuitemradio" else "button", name=name, exact=True)
    if not button.count():
        bar.get_by_role("button", name="More", exact=True).click()
        button = page.get_by_role(role, name=name)
    expect(button).to_be_in_viewport(ratio=1)
    button.click()


def test_nothing_of_the_toolbar_is_out_of_reach(page: Page) -> None:
    bar = page.locator(".composer-toolbar")
    for width, height in ((1440, 900), (1024, 768), (853, 480), (800, 600)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function(
            "(width) => (bar => bar.clientWidth === width && bar.scrollWidth <= width)"
            "(document.querySelector('.composer-toolbar'))",
            arg=width,
        )
        for name in ("New", "Open", "Save", "Hide the palette", "Hide the side panel", "Dock"):
            expect(bar.get_by_role("button", name=name, exact=True)).to_be_in_viewport(ratio=1)
        for name in ("Code", "Summary", "Export", "YAML"):
            choose(page, name)
            expect(page.locator('#composer-dock [role="tab"][aria-selected="true"]')).to_have_text(name)
        choose(page, "loss", role="menuitemradio")
        choose(page, "All", role="menuitemradio")
        choose(page, "Help: shortcuts")
        expect(steps.dialog(page, "Shortcuts")).to_be_visible()
        page.keyboard.press("Escape")


def test_the_canvas_has_the_keyboard_after_opening_and_saving(page: Page) -> None:
    def space_opens_the_search() -> None:
        page.keyboard.press("Space")
        expect(drawing.search_box(page)).to_be_focused()
        page.keyboard.press("Escape")
        expect(drawing.search_box(page)).to_have_count(0)

    steps.open_shipped(page)
    space_opens_the_search()
    steps.open_text(page, steps.SIAMESE)
    space_opens_the_search()
    page.get_by_role("button", name="Save", exact=True).click()
    steps.dialog(page, "Save as").get_by_label("Name").fill("keyboard")
    steps.dialog(page, "Save as").get_by_role("button", name="Save", exact=True).click()
    expect(steps.title_of(page)).to_contain_text("keyboard.yaml")
    space_opens_the_search()
    page.reload()
    page.wait_for_selector(".react-flow__pane", state="attached")
    page.locator(".composer-start, .composer-box").first.wait_for()
    space_opens_the_search()
