"""Wiring without a mouse: 'connect to ...' in the inspector."""

from playwright.sync_api import Page, expect

from tests.web.flows import steps


def reach(page: Page, name: str) -> None:
    """Go to a button by Tab alone."""
    button = page.get_by_role("button", name=name, exact=True)
    for _ in range(120):
        if button.evaluate("(button) => button === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{name} is not reached by Tab")


def test_a_wire_is_taken_away_and_put_back_by_keyboard_alone(page):
    steps.open_shipped(page)
    steps.pick(page, "head")
    steps.name_field(page).focus()
    reach(page, "Disconnect neck.out from head.feature")
    page.keyboard.press("Enter")
    expect(steps.problems(page)).not_to_have_text("No problems")
    steps.name_field(page).focus()
    reach(page, "Connect head.feature to ...")
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox", name="Connect head.feature")).to_be_focused()
    page.keyboard.type("neck")
    expect(page.get_by_role("option", name="neck.out")).to_be_visible()
    page.keyboard.press("Enter")
    expect(steps.problems(page)).to_have_text("No problems")
    expect(page.get_by_role("button", name="Connect head.feature to ...")).to_be_focused()


def test_only_ends_that_fit_are_offered(page):
    steps.open_shipped(page)
    steps.pick(page, "head")
    page.get_by_role("button", name="Connect head.feature to ...").click()
    ends = page.locator('.composer-chooser [role="option"]')
    expect(ends.filter(has_text="neck.out")).to_have_count(1)
    expect(ends.filter(has_text="label")).to_have_count(0)
    expect(page.locator(".composer-chooser")).to_contain_text("do not fit")
    page.keyboard.press("Escape")
    expect(page.locator(".composer-chooser")).to_have_count(0)


def test_an_output_is_wired_from_the_node_it_leaves(page):
    steps.open_shipped(page)
    steps.pick(page, "neck")
    page.get_by_role("button", name="Connect neck.out to ...").click()
    page.keyboard.type("outputs.tensor")
    expect(page.get_by_role("option", name="outputs.tensor.+")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("group", name="port out, Embedding")).to_contain_text("outputs.tensor.")
    assert "neck.out" in steps.downloaded(page).partition("outputs:")[2]


def test_the_modes_of_a_wire_are_changed_in_its_inspector(page):
    steps.open_shipped(page)
    steps.pick(page, "head")
    page.get_by_title("Show the wire neck.out to head.feature").click()
    expect(steps.side(page)).to_contain_text("B 512")
    steps.side(page).get_by_role("checkbox", name="loss").uncheck()
    expect(steps.problems(page)).not_to_have_text("No problems")
    steps.side(page).get_by_role("checkbox", name="loss").check()
    expect(steps.problems(page)).to_have_text("No problems")
