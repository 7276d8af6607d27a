"""Every change is kept in the browser: a tab goes on after a reload, and what a closed one left is offered."""

import time

import pytest
from playwright.sync_api import Error, Page, expect

from tests.web.flows import steps

KEPT = """async ([text, unsaved]) => {
    const opened = await new Promise((resolve) => {
        const request = indexedDB.open("composer", 1);
        request.onsuccess = () => resolve(request.result);
    });
    const all = await new Promise((resolve) => {
        const request = opened.transaction("drafts").objectStore("drafts").getAll();
        request.onsuccess = () => resolve(request.result);
    });
    opened.close();
    return all.some((draft) => draft.document.includes(text) && draft.unsaved === unsaved);
}"""


def wait_until_kept(page: Page, text: str, *, unsaved: bool = True) -> None:
    """Wait until a draft with a text is in the browser's storage, as one that its file does not hold or does."""
    end = time.monotonic() + 60
    while not page.evaluate(KEPT, [text, unsaved]):  # wait_for_function takes the promise itself for a yes
        assert time.monotonic() < end, f"no draft with {text!r}"
        page.wait_for_timeout(50)


@pytest.fixture
def changed(page: Page) -> Page:
    """A graph with a change that is not saved, and is kept in the browser."""
    steps.open_shipped(page)
    steps.pick(page, "head")
    steps.put(page, "num_classes", "77")
    wait_until_kept(page, '"num_classes":77')
    return page


def another(page: Page, address: str) -> Page:
    """A new tab of the same browser."""
    other = page.context.new_page()
    other.goto(address)
    other.wait_for_selector(".react-flow__pane", state="attached")
    return other


def test_a_reload_goes_on_with_what_was_open(changed, app):
    steps.pick(changed, "neck")
    changed.keyboard.press("F2")
    changed.keyboard.type("pool")
    changed.keyboard.press("Enter")
    steps.box(changed, "pool").click()
    changed.keyboard.press("-")
    wait_until_kept(changed, '"pool"')
    sight = changed.locator(".react-flow__viewport").get_attribute("style")
    changed.reload()
    expect(steps.box(changed, "pool")).to_be_attached()
    expect(changed.locator(".react-flow__viewport")).to_have_attribute("style", sight or "")
    expect(changed.get_by_role("dialog")).to_have_count(0)
    expect(steps.unsaved_mark(changed)).to_be_visible()
    changed.keyboard.press("Control+z")
    expect(steps.box(changed, "neck")).to_be_attached()
    changed.keyboard.press("Control+Shift+z")
    expect(steps.box(changed, "pool")).to_be_attached()

    other = another(changed, app.address)  # beside it, a tab begins anew and goes on with its own
    expect(other.get_by_text("Build a model")).to_be_visible()
    steps.open_text(other, steps.SIAMESE)
    wait_until_kept(other, "siamese")
    for page, name in ((other, "backbone_k"), (changed, "pool")):
        page.reload()
        expect(steps.box(page, name)).to_be_attached()
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_crashed_tab_and_a_browser_that_starts_again_go_on(changed, app):
    with pytest.raises(Error):
        changed.goto("chrome://crash")
    page = another(changed, app.address)
    steps.pick(page, "head")
    expect(steps.control(page, "num_classes")).to_have_value("77")
    expect(steps.unsaved_mark(page)).to_be_visible()
    steps.save_as(page, "whole")
    wait_until_kept(page, '"num_classes":77', unsaved=False)
    (app.workspace / "whole.yaml").write_text(steps.SIAMESE, "utf-8")  # somebody else changes the file
    page.close()
    page = another(changed, app.address)
    expect(steps.box(page, "backbone_k")).to_be_attached()
    expect(steps.unsaved_mark(page)).to_have_count(0)


def test_work_of_a_closed_tab_is_offered_once_and_still_knows_its_file(changed, app):
    steps.save_as(changed, "half")
    steps.dismiss(changed)
    steps.pick(changed, "head")
    steps.put(changed, "num_classes", "78")
    wait_until_kept(changed, '"num_classes":78')
    page = another(changed, app.address)
    expect(page.get_by_text("Build a model")).to_be_visible()  # the tab still lives: nothing is offered
    expect(page.get_by_role("dialog")).to_have_count(0)
    changed.close()
    page.reload()
    steps.dialog(page, "Unsaved work was kept").get_by_role("button", name="Later").click()
    page.reload()
    expect(page.get_by_text("Build a model")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Control+o")
    page.get_by_role("button", name="Unsaved work (1)").click()
    page.get_by_role("button", name="Restore resnet18_cifar").click()
    expect(steps.title_of(page)).to_contain_text("half.yaml")
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved half.yaml")).to_be_visible()
    assert "num_classes: 78" in (app.workspace / "half.yaml").read_text("utf-8")


def test_discarded_work_is_not_offered_again(changed, app):
    page = another(changed, app.address)
    changed.close()
    page.reload()
    page.get_by_role("button", name="Throw resnet18_cifar away").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Control+o")
    expect(page.get_by_role("button", name="Upload a file")).to_be_visible()
    expect(page.get_by_role("button", name="Unsaved work")).to_have_count(0)


def test_a_browser_that_cannot_keep_work_says_so_once(browser, app):
    context = browser.new_context()
    context.add_init_script("IDBFactory.prototype.open = () => { throw new Error('no room') }")
    page = context.new_page()
    page.goto(app.address)
    steps.open_shipped(page)
    steps.pick(page, "head")
    toast = page.get_by_text("This browser can't keep unsaved work (no room): save often.")
    steps.put(page, "num_classes", "5")
    expect(toast).to_have_count(1)
    steps.put(page, "num_classes", "6")
    expect(page.get_by_role("group", name="port out, Logits")).to_contain_text("B 6")
    expect(toast).to_have_count(1)
    asked: list[str] = []
    page.on("dialog", lambda question: (asked.append(question.type), question.accept()))
    with page.expect_event("close"):
        page.close(run_before_unload=True)
    assert asked == ["beforeunload"]
    context.close()
