"""Every list that one searches in: its arrows, and the mouse over it."""

from playwright.sync_api import Page, expect

from tests.web.flows import drawing, steps


def walk(page: Page) -> None:
    """Go through the open list by arrows and by mouse, and leave it."""
    options = page.locator(".composer-chooser").get_by_role("option")
    expect(options.nth(1)).to_be_visible()
    for key, at in (("ArrowDown", 1), ("ArrowUp", 0), ("ArrowDown", 1)):
        page.keyboard.press(key)
        expect(options.nth(at)).to_have_attribute("aria-selected", "true")
    for at in (0, 1, 0):
        options.nth(at).hover()
        expect(options.nth(at)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")
    expect(options.last).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(page.locator(".composer-chooser")).to_have_count(0)


def test_arrows_and_the_mouse_move_through_every_list(page: Page) -> None:
    page.get_by_role("button", name="Add the first component").click()
    walk(page)
    page.mouse.dblclick(640, 100)
    walk(page)
    steps.open_shipped(page)
    steps.box(page, "neck").click()
    page.keyboard.press("c")
    walk(page)
    port = drawing.area(drawing.handle(page, "neck.out", "source"))
    drawing.let_go(page, "neck.out", port["x"] + 20, port["y"] + 220)
    walk(page)
    steps.pick_nothing(page)
    page.get_by_role("button", name="Add an output for tensor mode").click()
    walk(page)
