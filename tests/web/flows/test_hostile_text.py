"""Nothing that a person types or a file holds becomes markup or code."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.web.flows import steps

STRINGS = (
    '<img src=x onerror="window.hacked=1">',
    '"><script>window.hacked=1</script>',
    "</textarea></style><svg onload=window.hacked=1>",
    "javascript:window.hacked=1",
    "{{constructor.constructor('window.hacked=1')()}} ${window.hacked=1}",
    "&lt;b&gt; \u202egnp.exe \u200b \U0001f608",
    "__proto__",
)
HOSTILE = STRINGS[0]


@pytest.fixture
def watched(page: Page) -> Iterator[Page]:
    """The page; afterwards nothing of the strings has become part of it."""
    yield page
    assert page.evaluate("window.hacked === undefined && ({}).hacked === undefined")
    assert page.locator("img[src=x], svg[onload], script:text('hacked')").count() == 0


def hostile_file(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    return f"""\
schema: 1
name: {quoted}
about: {quoted}
classes: [{quoted}]
inputs:
  image: {{type: Image, shape: [B, 3, 32, 32]}}
nodes:
  backbone: {{type: ResNet_CIFAR, params: {{depth: {quoted}, {quoted}: {quoted}}}, inputs: {{image: image}}}}
  neck: {{type: {quoted}, params: {{own: {quoted}}}, inputs: {{feature: "backbone.out[-1]"}}}}
outputs:
  tensor: {{out: neck.out}}
metadata:
  canvas: {{comments: {{"": [{{id: one, text: {quoted}, box: [0, -200, 300, 100], colour: {quoted}}}]}}}}
"""


@pytest.mark.parametrize("text", STRINGS)
def test_strings_in_a_file_are_shown_as_text(watched, text):
    steps.upload(watched, hostile_file(text), f"{text[:20].replace('/', '')}.yaml")
    expect(steps.title_of(watched)).to_contain_text(text.strip())
    steps.problems(watched).click()
    expect(steps.side(watched)).to_contain_text("unknown-type")
    steps.pick(watched, "backbone")
    steps.pick(watched, "neck")
    expect(watched.get_by_label("Parameters", exact=True)).to_contain_text("own:")
    steps.pick_nothing(watched)
    expect(steps.control(watched, "about")).to_have_value(text)


def test_strings_typed_into_every_field_stay_text(watched):
    steps.open_shipped(watched)
    steps.pick_nothing(watched)
    for name, shown in (("name", HOSTILE), ("about", HOSTILE), ("classes", json.dumps(HOSTILE))):
        steps.control(watched, name).fill(HOSTILE)
        steps.control(watched, name).blur()
        expect(steps.control(watched, name)).to_have_value(shown)  # as the graph has it: an entry of a list in quotes
    expect(steps.title_of(watched)).to_contain_text(HOSTILE)
    steps.pick(watched, "head")
    for field in (steps.name_field(watched), steps.control(watched, "num_classes"), steps.control(watched, "init_cfg")):
        field.fill(HOSTILE)
        field.press("Enter")
        expect(field).to_have_attribute("aria-invalid", "true")
    expect(steps.side(watched).get_by_role("alert").filter(has_text=HOSTILE).first).to_be_visible()
    watched.get_by_role("button", name="Connect head.feature to ...").click()
    watched.keyboard.type(HOSTILE)
    expect(watched.locator(".composer-chooser")).to_contain_text("No end of this name fits.")


def test_a_hostile_graph_in_the_gallery_is_shown_as_image_and_text(watched, app):
    (app.workspace / "hostile.yaml").write_text(hostile_file(HOSTILE), "utf-8")
    watched.get_by_role("button", name="Open", exact=True).click()
    card = watched.locator(".composer-card", has_text="hostile.yaml")
    expect(card.locator("img")).to_have_attribute("src", re.compile("^data:image/svg"))
    expect(card).to_contain_text(HOSTILE)
    expect(card.locator("b")).to_have_count(1)
    (app.workspace / "hostile.yaml").unlink()


@pytest.mark.parametrize("text", STRINGS)
def test_a_hostile_file_that_cannot_be_read_is_reported_as_text(watched, text):
    steps.upload(watched, f"schema: 1\nnodes: {json.dumps(text)}\n", "<b>bold<.yaml")
    failed = watched.get_by_role("dialog")
    expect(failed).to_contain_text("can't be read")
    expect(failed.locator("h2 b, li i")).to_have_count(0)
