"""The bar on top: modes, history, theme, help, the dock, and what it says when the server is away."""

from playwright.sync_api import expect

from tests.web.flows import steps


def test_the_theme_goes_from_the_systems_to_light_to_dark_and_is_kept(page, app):
    page.emulate_media(color_scheme="dark")
    body = page.locator("body")
    expect(body).to_contain_class("dark")
    page.get_by_role("button", name="Theme: system").click()
    expect(body).not_to_contain_class("dark")
    page.get_by_role("button", name="Theme: light").click()
    expect(body).to_contain_class("dark")
    page.emulate_media(color_scheme="light")
    page.reload()
    expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
    expect(body).to_contain_class("dark")
    surface = page.locator(".composer-toolbar").evaluate("(bar) => getComputedStyle(bar).backgroundColor")
    assert max(int(part) for part in surface.removeprefix("rgb(").removesuffix(")").split(",")) < 60


def test_undo_says_what_it_takes_back(page):
    steps.open_shipped(page)
    expect(page.get_by_role("button", name="Undo: nothing")).to_be_disabled()
    steps.pick(page, "head")
    steps.put(page, "num_classes", "7")
    page.get_by_role("button", name="Undo: set head.num_classes").click()
    expect(steps.control(page, "num_classes")).to_have_value("10")
    expect(steps.unsaved_mark(page)).to_have_count(0)
    page.get_by_role("button", name="Redo: set head.num_classes").click()
    expect(steps.control(page, "num_classes")).to_have_value("7")


def test_the_mode_lens_says_what_a_mode_needs(page):
    steps.open_shipped(page)
    loss = page.get_by_role("radio", name="loss")
    expect(loss).to_have_attribute("title", "loss mode runs 6 boxes, needs image, label; 1.11 GFLOPs")
    loss.click()
    expect(loss).to_be_checked()


def test_the_shortcuts_are_listed_and_the_focus_comes_back(page):
    page.get_by_role("button", name="Help: shortcuts").click()
    listed = steps.dialog(page, "Shortcuts")
    expect(listed).to_contain_text("Group into a subgraph")
    expect(listed).to_contain_text("Ctrl+S")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Help: shortcuts")).to_be_focused()


def test_the_dock_opens_on_the_tab_that_was_asked_for(page):
    steps.open_shipped(page)
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#composer-dock")).to_be_visible()
    page.get_by_role("button", name="Code", exact=True).click()
    expect(page.locator('#composer-dock [role="tab"][aria-selected="true"]')).to_have_text("Code")
    page.get_by_role("button", name="Dock", exact=True).click()
    expect(page.locator("#composer-dock")).not_to_be_visible()


def test_a_tab_that_is_asked_for_before_it_is_drawn_is_shown_once_it_is(page):
    """The bar is there some moments before Gradio has drawn the tabs: here they are taken off the page for a while."""
    page.wait_for_selector('#composer-dock [role="tab"]', state="attached")
    page.evaluate("""() => {
        const dock = document.querySelector("#composer-dock");
        const [drawn, buttons] = [[...dock.childNodes], document.querySelector(".composer-toolbar")];
        dock.replaceChildren();
        const draw = () => setTimeout(() => dock.replaceChildren(...drawn), 200);
        buttons.addEventListener("click", ({ target }) => target.textContent === "Train" && draw());
    }""")
    page.get_by_role("button", name="Code", exact=True).click()
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator('#composer-dock [data-tab-id][aria-selected="true"]')).to_have_text("Train")
    expect(page.get_by_role("tablist", name="Training")).to_be_visible()
    page.reload()
    expect(page.get_by_role("tablist", name="Training")).to_be_visible()


def test_a_server_that_is_away_is_reported_and_the_change_can_be_made_once_it_is_back(page):
    steps.open_shipped(page)
    steps.pick(page, "head")
    with page.expect_event("requestfailed"):  # Chromium lets requests through for a moment; the page asks by itself
        page.route("**/component_server/**", lambda route: route.abort())
    steps.put(page, "num_classes", "7")
    banner = page.get_by_text("The server does not answer: your work is kept in this browser.")
    expect(banner).to_be_visible()
    expect(steps.control(page, "num_classes")).to_have_value("7")
    page.unroute("**/component_server/**")
    page.get_by_role("button", name="Try again").click()
    expect(banner).to_have_count(0)
    steps.control(page, "num_classes").press("Enter")
    expect(page.get_by_role("group", name="port out, Logits")).to_contain_text("B 7")
