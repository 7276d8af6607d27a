"""Opening, saving, and what keeps work from being lost on the way."""

import io
import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import Page, expect
from torch import nn

import composer
from tests.web.flows import steps
from tests.web.flows.conftest import App

CONFIG = """\
model = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet_CIFAR', depth=18, num_stages=4, out_indices=(3, ), style='pytorch'),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=512, topk=(1, 5),
              loss=dict(type='CrossEntropyLoss', loss_weight=1.0)))
"""


@pytest.fixture
def changed(page: Page) -> Page:
    """A graph with a change that is not saved."""
    steps.open_shipped(page)
    steps.pick(page, "head")
    steps.put(page, "num_classes", "7")
    expect(steps.unsaved_mark(page)).to_be_visible()
    return page


def test_a_saved_graph_loads_in_python_with_the_line_that_is_shown(changed, app):
    steps.save_as(changed, "seven")
    expect(steps.unsaved_mark(changed)).to_have_count(0)
    toast = changed.get_by_role("status").filter(has_text="Saved seven.yaml")
    expect(toast).to_contain_text("composer.load(")
    toast.get_by_role("button", name="Copy the line").click()
    expect(toast.get_by_role("button", name="Copied")).to_be_visible()
    line = changed.evaluate("navigator.clipboard.readText()")
    path = line.removeprefix('model = composer.load("').removesuffix('")')
    model = composer.load(path)
    assert model.graph.nodes["head"].params["num_classes"] == 7
    assert (app.workspace / "seven.yaml").samefile(path)


def test_a_saved_graph_is_in_the_gallery_and_saves_to_its_file_again(changed, app):
    steps.save_as(changed, "again")
    steps.dismiss(changed)
    changed.get_by_role("button", name="New", exact=True).click()
    expect(steps.title_of(changed)).to_contain_text("model")
    changed.keyboard.press("Control+o")
    gallery = steps.dialog(changed, "Open a graph")
    gallery.get_by_role("searchbox").fill("again")
    expect(gallery.locator(".composer-card img")).to_have_count(1)
    changed.keyboard.press("ArrowDown")
    changed.keyboard.press("ArrowRight")
    changed.keyboard.press("Enter")
    expect(steps.title_of(changed)).to_contain_text("again.yaml")
    steps.pick(changed, "head")
    steps.control(changed, "num_classes").fill("8")
    changed.keyboard.press("Control+s")
    expect(changed.get_by_text("Saved again.yaml")).to_be_visible()
    assert "num_classes: 8" in (app.workspace / "again.yaml").read_text("utf-8")


def test_a_name_that_leads_elsewhere_is_refused_with_the_reason(changed, app, tmp_path):
    changed.keyboard.press("Control+s")
    save = steps.dialog(changed, "Save as")
    refused = {
        "../outside": "begins with a dot",
        f"{tmp_path}/outside": "begins with a slash",
        ".hidden": "begins with a dot",
        "con": "Windows keeps for a device",
        "n" * 200: "too long: it has 200 characters",
        "what?": "which Windows forbids",
    }
    for name, reason in refused.items():
        save.get_by_label("Name").fill(name)
        changed.keyboard.press("Enter")
        expect(save.get_by_role("status")).to_contain_text(reason)
    save.get_by_role("button", name="Use what_.yaml").click()
    expect(save.get_by_label("Name")).to_have_value("what_")
    assert not [path for folder in (app.workspace.parent, tmp_path) for path in folder.glob("outside*")]


def test_files_of_any_name_are_saved_renamed_deleted_and_brought_back(changed: Page, app: App) -> None:
    changed.keyboard.press("Control+s")
    save = steps.dialog(changed, "Save as")
    expect(save.get_by_label("Name")).to_have_value("resnet18_cifar")
    save.get_by_label("Name").fill("my first model")
    changed.keyboard.press("Enter")
    expect(steps.title_of(changed)).to_contain_text("my first model.yaml")
    changed.keyboard.press("Control+Shift+s")
    expect(save.get_by_label("Name")).to_have_value("my first model 2")
    save.get_by_label("Name").fill("模型 ümlaut")
    changed.keyboard.press("Enter")
    expect(steps.title_of(changed)).to_contain_text("模型 ümlaut.yaml")

    changed.keyboard.press("Control+o")
    mine = steps.dialog(changed, "Open a graph").get_by_role("region", name="Your files")
    card = mine.locator(".composer-card")
    card.filter(has_text="模型 ümlaut.yaml").focus()
    changed.keyboard.press("F2")
    name = mine.get_by_label("New name of 模型 ümlaut.yaml")
    expect(name).to_be_focused()
    name.fill("my first model")
    changed.keyboard.press("Enter")
    expect(mine.get_by_role("alert")).to_contain_text("there is a file 'my first model.yaml' already")
    name.fill("узлы")
    changed.keyboard.press("Enter")
    expect(card.filter(has_text="узлы.yaml")).to_be_focused()
    expect(steps.title_of(changed)).to_contain_text("узлы.yaml")

    changed.keyboard.press("Delete")
    changed.keyboard.press("Escape")  # it asks, and this is no
    expect(card.filter(has_text="узлы.yaml")).to_be_focused()
    changed.keyboard.press("Delete")
    mine.get_by_role("button", name="Delete", exact=True).click()
    expect(mine.get_by_role("button", name="Undo")).to_be_focused()
    expect(steps.unsaved_mark(changed)).to_be_visible()
    assert not (app.workspace / "узлы.yaml").exists()
    changed.keyboard.press("Enter")
    expect(card.filter(has_text="узлы.yaml")).to_be_visible()
    expect(steps.unsaved_mark(changed)).to_have_count(0)
    expect(steps.title_of(changed)).to_contain_text("узлы.yaml")
    for name in ("узлы", "my first model"):
        (app.workspace / f"{name}.yaml").unlink()


def test_an_unreadable_upload_is_reported_with_what_it_is(page: Page) -> None:
    chooser = page.locator(".composer-toolbar input[type=file]")
    refused = {
        b"a: " + b"x" * (20 * 2**20): "too large: 20,971,523 bytes (20 MB); a graph file has at most 2,097,152 bytes",
        "name: ü".encode("latin-1"): "0xfc is not UTF-8 (as Latin-1 it is 'ü')",
        "name: ü".encode("utf-16"): "the file is UTF-16: save it as UTF-8",
        b"\x89PNG\r\n\x1a\n" + bytes(500): "this is a PNG image",
    }
    for content, reason in refused.items():
        chooser.set_input_files({"name": "graph.yaml", "mimeType": "text/plain", "buffer": content})
        failed = steps.dialog(page, "graph.yaml can't be read")
        expect(failed).to_contain_text(reason)
        failed.get_by_role("button", name="Close").last.click()
    chooser.set_input_files({"name": "c.py", "mimeType": "text/plain", "buffer": b"#" * 300_000})
    expect(steps.dialog(page, "c.py can't be read")).to_contain_text("a config has at most 262,144 bytes")


def test_saving_over_another_graph_says_what_is_replaced(changed, app):
    (app.workspace / "there.yaml").write_text(steps.SIAMESE, "utf-8")
    changed.keyboard.press("Control+Shift+s")
    save = steps.dialog(changed, "Save as")
    save.get_by_label("Name").fill("there")
    expect(save.get_by_role("status")).to_contain_text("There is a graph siamese (4 nodes) in this file")
    save.get_by_role("button", name="Replace").click()
    expect(steps.title_of(changed)).to_contain_text("there.yaml")
    assert "name: resnet18_cifar" in (app.workspace / "there.yaml").read_text("utf-8")


@pytest.mark.parametrize("answer", ["Overwrite", "Save as ...", "Cancel"])
def test_a_file_that_changed_on_disk_is_overwritten_only_after_a_question(changed, app, answer):
    steps.save_as(changed, "shared")
    path = app.workspace / "shared.yaml"
    path.write_text(steps.SIAMESE, "utf-8")
    steps.pick(changed, "head")
    steps.put(changed, "num_classes", "9")
    changed.keyboard.press("Control+s")
    asked = steps.dialog(changed, "The file changed underneath")
    asked.get_by_role("button", name=answer).click()
    if answer == "Save as ...":
        steps.dialog(changed, "Save as").get_by_label("Name").fill("mine")
        changed.keyboard.press("Enter")
        expect(steps.title_of(changed)).to_contain_text("mine.yaml")
        assert "num_classes: 9" in (app.workspace / "mine.yaml").read_text("utf-8")
    if answer == "Overwrite":
        expect(steps.unsaved_mark(changed)).to_have_count(0)
        assert "num_classes: 9" in path.read_text("utf-8")
    else:
        assert path.read_text("utf-8") == steps.SIAMESE
    if answer == "Cancel":
        expect(steps.unsaved_mark(changed)).to_be_visible()
    path.unlink()


@pytest.mark.parametrize("answer", ["Cancel", "Don't save", "Save"])
def test_unsaved_work_is_discarded_only_after_a_question(changed, app, answer):
    changed.get_by_role("button", name="New", exact=True).click()
    steps.dialog(changed, "Save your changes?").get_by_role("button", name=answer, exact=True).click()
    if answer == "Save":
        steps.dialog(changed, "Save as").get_by_label("Name").fill("kept")
        changed.keyboard.press("Enter")
    expect(steps.title_of(changed)).to_contain_text("resnet18_cifar" if answer == "Cancel" else "model")
    assert (app.workspace / "kept.yaml").exists() == (answer == "Save")
    (app.workspace / "kept.yaml").unlink(missing_ok=True)


def test_a_config_of_openmmlab_becomes_a_graph_with_notes(page):
    steps.upload(page, CONFIG + "default_scope = 'mmpretrain'\n", "resnet18_8xb16_cifar10.py")
    expect(steps.title_of(page)).to_contain_text("ImageClassifier")
    for name in ("backbone", "neck", "head"):
        expect(page.locator(".react-flow__node").filter(has_text=name).first).to_be_visible()
    expect(steps.unsaved_mark(page)).to_be_visible()
    assert "type: ResNet_CIFAR" in steps.downloaded(page)


def test_a_config_that_would_do_something_is_not_run(page, tmp_path):
    mark = tmp_path / "ran"
    steps.upload(page, f"open({str(mark)!r}, 'w')\n{CONFIG}", "evil.py")
    expect(page.get_by_role("dialog").or_(steps.box(page, "backbone")).first).to_be_visible()
    assert not mark.exists()


def test_a_file_that_cannot_be_read_is_reported_with_its_line_and_keeps_the_graph(changed):
    steps.upload(changed, "schema: 1\nnodes: {a: {type: ReLU}, a: {type: ReLU}}\n", "twice.yaml")
    steps.dialog(changed, "Save your changes?").get_by_role("button", name="Don't save").click()
    failed = steps.dialog(changed, "twice.yaml can't be read")
    expect(failed).to_contain_text("line 2")
    failed.get_by_role("button", name="Close").last.click()
    expect(steps.box(changed, "head")).to_be_visible()
    expect(steps.unsaved_mark(changed)).to_be_visible()


def test_a_placeholder_is_explained_and_kept_as_it_was(page):
    steps.open_text(page, steps.STRANGE)
    steps.pick(page, "neck")
    expect(steps.side(page)).to_contain_text("Placeholder.")
    expect(steps.side(page)).to_contain_text("did you mean 'GlobalAveragePooling'")
    expect(page.get_by_label("Parameters", exact=True)).to_have_text("own: {deep: [1, 2.5, null]}")
    steps.pick(page, "backbone")
    steps.put(page, "stem_channels", "32")
    text = steps.downloaded(page)
    line = next(line for line in steps.STRANGE.splitlines() if "GlobalAveragePoolin," in line)
    assert line in text and "stem_channels: 32" in text


def test_text_being_typed_is_kept_when_new_is_cancelled(page: Page) -> None:
    steps.open_shipped(page)
    steps.pick(page, "head")
    steps.control(page, "num_classes").fill("7")
    page.get_by_role("button", name="New", exact=True).click()
    steps.dialog(page, "Save your changes?").get_by_role("button", name="Cancel").click()
    expect(steps.control(page, "num_classes")).to_have_value("7")


def test_saving_takes_over_a_name_that_is_being_typed_on_the_canvas(page: Page, app: App) -> None:
    steps.open_text(page, steps.SIAMESE)
    expect(steps.title_of(page)).to_contain_text("siamese")
    steps.save_as(page, "typed")
    steps.box(page, "pool").click()
    page.keyboard.press("F2")
    page.keyboard.type("mean")
    page.keyboard.press("Control+s")
    expect(steps.box(page, "mean")).to_be_attached()
    expect(steps.unsaved_mark(page)).to_have_count(0)
    assert "mean" in composer.read(app.workspace / "typed.yaml").nodes


def program() -> bytes:
    """A ``.pt2`` file that is larger than what goes in one request of the page."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(8, 4096), nn.ReLU(), nn.Linear(4096, 1024),
    )  # fmt: skip
    file = io.BytesIO()
    torch.export.save(torch.export.export(net.eval(), (torch.randn(2, 3, 32, 32),)), file)
    return file.getvalue()


def test_a_pt2_file_opens_as_a_graph_that_runs_and_is_saved_with_its_weights(page: Page, app: App) -> None:
    content = program()
    assert len(content) > 16 * 2**20
    chooser = page.locator(".composer-toolbar input[type=file]")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "my net.pt2").write_bytes(content)
        chooser.set_input_files(str(Path(folder) / "my net.pt2"))
        expect(steps.title_of(page)).to_contain_text("my_net")
    expect(page.get_by_role("dialog")).to_have_count(0)
    notes = page.get_by_role("region", name="Notes on what was read")
    expect(notes).to_contain_text("outputs differ by at most")
    expect(steps.unsaved_mark(page)).to_be_visible()
    page.reload()  # what was not saved is there again, and so are its weights
    page.wait_for_selector(".react-flow__pane", state="attached")
    expect(steps.title_of(page)).to_contain_text("my_net")
    page.evaluate("composerDock.open('Run')")
    expect(page.locator("#dock-run-weights").get_by_label("Imported")).to_be_checked()
    page.locator("#dock-run-start").click()
    expect(page.locator("#dock-run-status")).to_contain_text("net.safetensors, which came with the imported file.")
    steps.save_as(page, "imported net")
    toast = page.get_by_role("status").filter(has_text="Saved imported net.yaml")
    expect(toast).to_contain_text('imported net.safetensors")')
    toast.get_by_role("button", name="Copy the line").click()
    expect(toast.get_by_role("button", name="Copied")).to_be_visible()
    names: dict[str, Any] = {"composer": composer}
    exec(page.evaluate("navigator.clipboard.readText()"), names)  # noqa: S102 - the line is for this
    image = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        expected = composer.from_pt2(content).model(image)["out"]
        torch.testing.assert_close(names["model"].eval()(image)["out"], expected)


def test_an_invalid_pt2_file_is_refused_and_reading_one_can_be_stopped(changed: Page, app: App) -> None:
    chooser = changed.locator(".composer-toolbar input[type=file]")
    pickled = io.BytesIO()
    torch.save(nn.Linear(2, 2).state_dict(), pickled)
    file: Any = {"name": "net.pt2", "mimeType": "application/octet-stream", "buffer": pickled.getvalue()}
    chooser.set_input_files(file)
    steps.dialog(changed, "Save your changes?").get_by_role("button", name="Don't save").click()
    failed = steps.dialog(changed, "net.pt2 can't be read")
    expect(failed).to_contain_text("this is a pickle of torch.save and no .pt2 file")
    failed.get_by_role("button", name="Close").last.click()
    expect(steps.box(changed, "head")).to_be_visible()
    expect(steps.unsaved_mark(changed)).to_be_visible()
    changed.route("**/gradio_api/upload", lambda route: None)  # an upload that does not end
    chooser.set_input_files(file)
    steps.dialog(changed, "Save your changes?").get_by_role("button", name="Don't save").click()
    reading = steps.dialog(changed, "Reading net.pt2")
    expect(reading).to_contain_text("Uploading")
    reading.get_by_role("button", name="Stop").click()
    expect(changed.get_by_role("status").filter(has_text="net.pt2 was not read")).to_be_visible()
    expect(changed.get_by_role("dialog")).to_have_count(0)
    expect(steps.box(changed, "head")).to_be_visible()
