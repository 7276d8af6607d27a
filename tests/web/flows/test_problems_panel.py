"""Problems: listed, selected on the canvas, and fixed."""

from playwright.sync_api import expect

from tests.web.flows import steps


def test_a_wrong_size_is_explained_and_repaired_by_its_button(page):
    steps.open_shipped(page)
    steps.pick(page, "head")
    steps.put(page, "in_channels", "100")
    expect(steps.problems(page)).to_have_text("1 problem")
    steps.problems(page).click()
    expect(steps.side(page)).to_contain_text("got 512 from neck.out (B 512), head.feature expects 100")
    fix = page.get_by_role("button", name="Fix: set head.params.in_channels to 512")
    page.get_by_role("separator", name="Width of the side panel").press("Home")
    assert fix.evaluate("(fix) => fix.scrollWidth <= fix.clientWidth && fix.scrollHeight <= fix.clientHeight")
    fix.click()
    expect(steps.side(page)).to_contain_text("No problems")
    page.keyboard.press("Control+z")
    expect(steps.problems(page)).to_have_text("1 problem")


def test_a_click_on_a_problem_enters_the_subgraph_and_shows_the_node(page):
    steps.open_text(page, steps.NESTED)
    steps.problems(page).click()
    page.get_by_role("button", name="Go to it").first.click()
    expect(steps.name_field(page)).to_have_value("conv")
    expect(steps.box(page, "conv")).to_be_in_viewport()
    expect(page.get_by_role("tab", name="Inspector")).to_have_attribute("aria-selected", "true")


def test_the_fix_beside_the_field_repairs_too(page):
    steps.open_text(page, steps.NESTED)
    steps.problems(page).click()
    page.get_by_role("button", name="Go to it").first.click()
    steps.side(page).get_by_role("button", name="Fix:").first.click()
    expect(steps.problems(page)).to_have_text("No problems")


def test_errors_come_before_warnings_with_their_line_in_the_file(page):
    unused = "  image: {type: Image, shape: [B, 3, 32, 32], preprocess: {resize: [32, 32]}}\n"
    steps.open_text(page, steps.STRANGE.replace(unused, unused + "  more: {type: Image}\n"))
    steps.problems(page).click()
    groups = steps.side(page).get_by_role("region")
    expect(groups).to_have_count(2)
    expect(groups.nth(0)).to_contain_text("unknown-type, line")
    expect(groups.nth(1)).to_contain_text("unused-input, line")


def test_an_empty_graph_and_what_nobody_has_wired_are_no_problems(page):
    steps.problems(page).click()
    expect(steps.side(page)).to_contain_text("Nothing drawn yet")
    expect(steps.side(page).get_by_role("region")).to_have_count(0)
    tab = page.get_by_role("tab", name="Problems")
    expect(tab).to_have_text("Problems")
    page.locator(".composer-palette").get_by_role("button", name="Image").first.dblclick()
    steps.problems(page).click()
    expect(steps.side(page).get_by_role("region", name="Not wired yet")).to_contain_text("nothing reads this input")
    expect(tab).to_have_text("Problems")


def test_an_image_input_without_preprocess_is_reported_and_mended(page):
    steps.open_text(
        page, steps.NESTED.replace(", preprocess: {resize: [32, 32]}", "").replace("channels: 4", "channels: 3")
    )
    expect(steps.problems(page)).to_have_text("1 notice")
    steps.problems(page).click()
    note = steps.side(page).get_by_role("region", name="To know before a run")
    expect(note).to_contain_text("does not say how an image becomes a tensor")
    note.get_by_role("button", name="Fix:").click()
    expect(steps.problems(page)).to_have_text("No problems")
