"""A person's own components: the open page follows their files."""

from playwright.sync_api import Page, expect

from tests.web.flows.conftest import App
from tests.web.flows.steps import open_text, problems

SQUASH = '''\
from typing import Annotated

from torch import nn

from composer.ports import FeatureMap

__all__ = ["Squash"]


class Squash(nn.Module):
    """Keeps numbers within bounds."""

    def forward(self, x: Annotated[FeatureMap, "B C H W"]) -> Annotated[FeatureMap, "B C H W"]:
        return x.tanh()
'''

SQUASHED = """\
schema: 1
name: squashed
inputs:
  image: {type: Image, shape: [B, 3, 32, 32], preprocess: {resize: [32, 32]}}
nodes:
  conv: {type: Conv2d, params: {out_channels: 4, kernel_size: 3}, inputs: {input: image}}
  squash: {type: Squash, inputs: {x: conv.out}}
outputs:
  tensor: {out: squash.out}
"""


def test_the_open_page_follows_the_files_of_components(page: Page, app: App) -> None:
    open_text(page, SQUASHED)
    expect(problems(page)).to_contain_text("1 problem")
    file = app.components / "squash.py"
    try:
        file.write_text(SQUASH)
        expect(problems(page)).to_contain_text("No problems")
        page.get_by_role("searchbox", name="Search the palette").fill("Squash")
        expect(page.locator(".composer-palette-item").first).to_contain_text("Squash")
        file.write_text("class <b>Squash:")
        expect(page.get_by_role("status").filter(has_text="squash.py")).to_contain_text("components stay as they were")
        expect(problems(page)).to_contain_text("No problems")
        page.get_by_role("tab", name="Problems").click()
        expect(page.get_by_role("region", name="Components that could not be read")).to_contain_text("squash.py")
    finally:
        file.unlink()
    expect(problems(page)).to_contain_text("1 problem")
