"""What a person does in the flows, by the names that are on the screen."""

import re
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

CIFAR = "resnet18_cifar"

SIAMESE = """\
schema: 1
name: siamese
inputs:
  view_1: {type: Image, shape: [B, 3, 64, 64], preprocess: {resize: [64, 64]}}
  view_2: {type: Image, shape: [B, 3, 64, 64], preprocess: {resize: [64, 64]}}
nodes:
  backbone: {type: ResNet, params: {depth: 18}, inputs: {image: view_1}}
  backbone_k: {type: ResNet, params: {depth: 18}, inputs: {image: view_2}}
  pool: {type: GlobalAveragePooling, inputs: {feature: "backbone.out[-1]"}}
  pool_k: {type: GlobalAveragePooling, inputs: {feature: "backbone_k.out[-1]"}}
outputs:
  tensor: {one: pool.out, other: pool_k.out}
"""

NESTED = """\
schema: 1
name: nested
inputs:
  image: {type: Image, shape: [B, 3, 32, 32], preprocess: {resize: [32, 32]}}
nodes:
  encoder: {graph: small, inputs: {x: image}}
graphs:
  small:
    inputs:
      x: {type: Image}
    params: {width: 8}
    nodes:
      conv: {type: Conv2d, params: {in_channels: 4, out_channels: $width, kernel_size: 3}, inputs: {input: x}}
      act: {type: ReLU, inputs: {input: conv.out}}
    outputs: {y: act.out}
outputs:
  tensor: {feature: encoder.y}
"""

STRANGE = """\
schema: 1
name: strange
inputs:
  image: {type: Image, shape: [B, 3, 32, 32], preprocess: {resize: [32, 32]}}
nodes:
  backbone: {type: ResNet_CIFAR, params: {depth: 18}, inputs: {image: image}}
  neck: {type: GlobalAveragePoolin, params: {own: {deep: [1, 2.5, null]}}, inputs: {feature: "backbone.out[-1]"}}
outputs:
  tensor: {out: neck.out}
"""


def upload(page: Page, text: str, name: str = "graph.yaml") -> None:
    """Hand a file over through the toolbar."""
    file = {"name": name, "mimeType": "text/plain", "buffer": text.encode()}
    page.locator(".composer-toolbar input[type=file]").set_input_files(file)  # type: ignore[arg-type]


def open_text(page: Page, text: str) -> None:
    """Hand a graph over and wait until it is shown: opening a graph chooses a panel."""
    upload(page, text)
    (name,) = re.findall(r"^name: (.+)$", text, re.MULTILINE)
    expect(title_of(page)).to_contain_text(name)


def open_shipped(page: Page, title: str = CIFAR) -> None:
    """Open a graph that comes with composer."""
    page.get_by_role("button", name="Open", exact=True).click()
    page.get_by_role("region", name="Templates").get_by_role("button", name=f"Open {title}", exact=True).click()
    expect(title_of(page)).to_contain_text(title)


def box(page: Page, name: str) -> Locator:
    """A box on the canvas."""
    return page.locator(f'.react-flow__node[data-id="{name}"]')


def pick(page: Page, name: str) -> None:
    """Select a box, and wait for its inspector."""
    show_inspector(page)
    box(page, name).click()
    expect(name_field(page)).to_have_value(name)


def pick_nothing(page: Page) -> None:
    """Show the settings of the graph."""
    page.locator(".composer-graphname").click()
    expect(page.get_by_role("heading", name="Totals")).to_be_attached()


def show_inspector(page: Page) -> None:
    """Bring the inspector to the front."""
    page.get_by_role("tab", name="Inspector").click()


def name_field(page: Page) -> Locator:
    """The field of the selected box's name."""
    return page.locator(".composer-heading input")


def side(page: Page) -> Locator:
    """The panel on the right."""
    return page.get_by_role("complementary", name="Side panel")


def field(page: Page, name: str) -> Locator:
    """The row of a parameter."""
    return page.locator(f'[data-parameter="{name}"]')


def control(page: Page, name: str) -> Locator:
    """The control of a parameter."""
    return field(page, name).get_by_label(name, exact=True)


def put(page: Page, name: str, text: str) -> None:
    """Type a parameter's value and press Enter."""
    control(page, name).fill(text)
    control(page, name).press("Enter")


def title_of(page: Page) -> Locator:
    """The graph's name, its file and the mark of unsaved changes."""
    return page.locator(".composer-graphname")


def unsaved_mark(page: Page) -> Locator:
    """The mark of unsaved changes."""
    return page.get_by_role("img", name="unsaved changes")


def problems(page: Page) -> Locator:
    """The toolbar's count of problems."""
    return page.locator(".composer-count")


def dialog(page: Page, title: str) -> Locator:
    """An open dialog."""
    return page.get_by_role("dialog", name=title)


def save_as(page: Page, name: str) -> None:
    """Save under a name, through the dialog that Ctrl+S opens for a graph without a file."""
    page.keyboard.press("Control+s")
    dialog(page, "Save as").get_by_label("Name").fill(name)
    page.keyboard.press("Enter")
    expect(title_of(page).locator(".composer-graphname-file")).to_have_text(f"{name}.yaml")


def dismiss(page: Page) -> None:
    """Close the messages that are shown."""
    for _ in range(page.get_by_role("button", name="Dismiss").count()):
        page.get_by_role("button", name="Dismiss").first.click()
    expect(page.get_by_role("button", name="Dismiss")).to_have_count(0)


def downloaded(page: Page) -> str:
    """The YAML that Download gives."""
    page.get_by_role("button", name="More about files").click()
    with page.expect_download() as waiting:
        page.get_by_role("menuitem", name="Download YAML").click()
    return Path(waiting.value.path()).read_text("utf-8")


def holding(part: str) -> re.Pattern[str]:
    """A text in which some words stand."""
    return re.compile(re.escape(part))


def expect_true(page: Page, found: Callable[[], bool], words: str) -> None:
    """Wait until something holds that no element of the page shows."""
    end = time.monotonic() + 120
    while not found():
        assert time.monotonic() < end, words
        page.wait_for_timeout(100)


def expect_in_file(page: Page, file: Path, text: str) -> None:
    """Wait until a file that the page writes in its own time holds a text."""
    end = time.monotonic() + 60
    while not (file.is_file() and text in file.read_text("utf-8")):
        assert time.monotonic() < end, f"{file.name} has no {text!r}"
        page.wait_for_timeout(100)
