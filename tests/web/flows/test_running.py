"""The dock: a model is run, edited as text, shown as code, counted, and exported."""

import csv
import io
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from safetensors import safe_open

import composer
from tests.web.flows.conftest import ROOT, App
from tests.web.flows.steps import box, open_shipped, open_text, problems, title_of, unsaved_mark

CLASSIFIER = "fashion_mnist"
TROUSER = "02_trouser"
WAIT = 120_000

SLOW = """\
schema: 1
name: slow
inputs:
  image: {type: Image, shape: [B, 3, 32, 32], preprocess: {resize: [32, 32]}}
nodes:
  conv: {type: Conv2d, params: {out_channels: 4, kernel_size: 3}, inputs: {input: image}}
  culprit: {type: Sleeper, inputs: {x: conv.out}}
outputs:
  tensor: {out: culprit.out}
"""


def show(page: Page, tab: str) -> Locator:
    """Open the dock on a tab."""
    page.get_by_role("group", name="Dock").get_by_role("button", name=tab, exact=True).click()
    tabs = page.locator("#composer-dock").get_by_role("tab", name=tab, exact=True)
    expect(tabs).to_have_attribute("aria-selected", "true")
    return page.locator("#composer-dock")


def choose(page: Page, group: str, name: str) -> None:
    """Choose one of a few."""
    page.locator(f"#dock-{group}").get_by_text(name, exact=True).click()


def take_image(page: Page, name: str = TROUSER) -> None:
    """Choose one of the shipped images."""
    page.locator(f'#dock-shelf img[src*="{name}"]').click()
    expect(page.locator("#dock-image img")).to_be_visible()


RUN_ENDED = """(before) => {
    const status = document.querySelector("#dock-run-status");
    return status.innerText !== before && !status.querySelector(".dock-working")
        && !document.querySelector("#dock-run-start").disabled;
}"""


def run(page: Page) -> Locator:
    """Press Run and wait for its end; gives the place for what went wrong, or how it went."""
    status = page.locator("#dock-run-status")
    before = status.evaluate("element => element.innerText")
    page.locator("#dock-run-start").click()
    page.wait_for_function(RUN_ENDED, arg=before, timeout=WAIT)
    return status


@pytest.fixture
def classifier(page: Page) -> Page:
    open_shipped(page, CLASSIFIER)
    return page


def test_the_shipped_classifier_names_a_shipped_image(classifier: Page) -> None:
    show(classifier, "Run")
    take_image(classifier)
    expect(run(classifier)).to_contain_text("Weights: fashion_mnist.safetensors, which lies beside the graph.")
    expect(classifier.locator("#dock-classes")).to_contain_text("Trouser")
    expect(classifier.locator("#dock-classes").get_by_text("90%")).to_be_visible()


def test_an_uploaded_image_is_run_too(classifier: Page) -> None:
    show(classifier, "Run")
    file = ROOT / "examples" / "fashion_mnist" / "18_bag.png"
    classifier.locator("#dock-image input[type=file]").set_input_files(str(file))
    expect(classifier.locator("#dock-image img")).to_be_visible()
    run(classifier)
    expect(classifier.locator("#dock-classes h2")).to_contain_text("Bag")


def test_a_file_that_is_no_image_is_reported(classifier: Page, tmp_path: Path) -> None:
    (tmp_path / "image.png").write_bytes(b"<script>alert(1)</script>")
    show(classifier, "Run")
    classifier.locator("#dock-image input[type=file]").set_input_files(str(tmp_path / "image.png"))
    expect(classifier.locator("#dock-image img")).to_be_attached()
    expect(run(classifier)).to_contain_text("this is not an image that can be read")


def test_loss_mode_shows_its_losses_and_says_which_label_it_took(classifier: Page) -> None:
    show(classifier, "Run")
    take_image(classifier)
    choose(classifier, "run-mode", "loss")
    expect(run(classifier)).to_contain_text("(random, seed 0)")
    expect(classifier.locator("#dock-rows")).to_contain_text("loss")
    first = float(classifier.locator("#dock-rows td").last.inner_text())
    classifier.locator("#dock-run-label input").click()
    classifier.get_by_role("option", name="Trouser").click()
    expect(run(classifier)).to_contain_text("label: Trouser.")
    assert float(classifier.locator("#dock-rows td").last.inner_text()) < first


def test_a_run_with_random_weights_says_that_the_model_learned_nothing(classifier: Page) -> None:
    show(classifier, "Run")
    take_image(classifier)
    choose(classifier, "run-weights", "Random")
    expect(run(classifier)).to_contain_text("a model that learned nothing")


def test_weights_that_do_not_fit_are_reported_node_by_node(classifier: Page, tmp_path: Path) -> None:
    open_shipped(classifier, "resnet18_cifar")
    show(classifier, "Run")
    choose(classifier, "run-weights", "Upload")
    file = ROOT / "saved_graphs" / "classification" / "fashion_mnist.safetensors"
    classifier.locator("#dock-run-upload input[type=file]").set_input_files(str(file))
    expect(classifier.locator("#dock-run-upload")).to_contain_text("fashion_mnist")
    expect(run(classifier)).to_contain_text("the weights do not fit the graph", timeout=WAIT)


def test_a_run_names_the_node_it_is_in_and_stops(page: Page, app: App) -> None:
    shutil.copy(ROOT / "tests" / "web" / "unruly_components.py", app.components / "unruly_components.py")
    open_text(page, SLOW)
    expect(problems(page)).to_contain_text("No problems")
    show(page, "Run")
    page.locator("#dock-run-start").click()
    expect(page.locator("#dock-run-status")).to_contain_text("culprit (Sleeper) (2 of 2)", timeout=WAIT)
    page.locator("#dock-run-stop").click()
    expect(page.locator("#dock-run-status")).to_contain_text("stopped in culprit (Sleeper)")
    expect(page.locator("#dock-run-start")).to_be_enabled()


def type_yaml(page: Page, text: str) -> None:
    """Replace the whole text of the YAML tab."""
    page.locator("#dock-yaml .cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)


def test_yaml_is_edited_and_applied_as_one_step(classifier: Page) -> None:
    text = (ROOT / "saved_graphs" / "classification" / "fashion_mnist.yaml").read_text()
    show(classifier, "YAML")
    expect(classifier.locator("#dock-yaml .cm-content")).to_contain_text("name: fashion_mnist")
    type_yaml(
        classifier,
        text.replace("name: fashion_mnist", "name: mine").replace("answer:", "verdict:").replace("answer.", "verdict."),
    )
    classifier.locator("#dock-yaml-apply").click()
    expect(classifier.locator("#dock-yaml-message")).to_contain_text("one step of undo")
    expect(title_of(classifier)).to_contain_text("mine")
    expect(box(classifier, "verdict")).to_be_attached()
    expect(unsaved_mark(classifier)).to_be_visible()
    classifier.locator(".composer-graphname").click()
    classifier.keyboard.press("Control+z")
    expect(title_of(classifier)).to_contain_text("fashion_mnist")
    expect(classifier.locator("#dock-yaml .cm-content")).to_contain_text("name: fashion_mnist")


def test_typed_yaml_is_kept_when_the_canvas_changes(classifier: Page) -> None:
    show(classifier, "YAML")
    text = classifier.locator("#dock-yaml .cm-content")
    expect(text).to_contain_text("name: fashion_mnist")
    type_yaml(classifier, "name: half done")
    box(classifier, "stem_norm").click()
    classifier.keyboard.press("Delete")
    expect(classifier.locator("#dock-yaml-message")).to_contain_text("changed on the canvas after you began to type")
    expect(text).to_have_text("name: half done")
    classifier.locator("#dock-yaml-revert").click()
    expect(text).to_contain_text("name: fashion_mnist")


def test_an_error_in_yaml_is_reported_at_its_line(classifier: Page) -> None:
    text = (ROOT / "saved_graphs" / "classification" / "fashion_mnist.yaml").read_text()
    show(classifier, "YAML")
    expect(classifier.locator("#dock-yaml .cm-content")).to_contain_text("name: fashion_mnist")
    type_yaml(classifier, text.replace("  stem_norm: {type", "  stem_norm: [type"))
    classifier.locator("#dock-yaml-apply").click()
    message = classifier.locator("#dock-yaml-message")
    expect(message).to_contain_text("line 14")
    expect(message).to_contain_text("stem_norm: [type: BatchNorm2d")
    expect(title_of(classifier)).to_contain_text("fashion_mnist")
    classifier.locator("#dock-yaml-revert").click()
    expect(message).to_contain_text("No problems")


def test_the_code_is_what_runs_in_each_mode(classifier: Page) -> None:
    model = composer.load(ROOT / "saved_graphs" / "classification" / "fashion_mnist.yaml")
    show(classifier, "Code")
    for mode in ("tensor", "loss", "predict"):
        choose(classifier, "code-mode", mode)
        shown = classifier.locator("#dock-code .cm-content")
        expect(shown).to_contain_text(f"def forward_{mode}(")
        with classifier.expect_download() as waiting:
            classifier.locator("#dock-code").get_by_role("button", name="Download").click()
        assert Path(waiting.value.path()).read_text().rstrip("\n") == model.code[mode].rstrip("\n")


def test_the_summary_counts_and_is_downloaded(classifier: Page) -> None:
    show(classifier, "Summary")
    expect(classifier.locator("#dock-summary tfoot")).to_contain_text("186,730")
    expect(classifier.locator("#dock-bars")).to_contain_text("down2_conv")
    with classifier.expect_download() as waiting:
        classifier.locator("#dock-csv").click()
    assert waiting.value.suggested_filename == "fashion_mnist_summary.csv"
    rows = list(csv.reader(io.StringIO(Path(waiting.value.path()).read_text())))
    assert rows[-1][3] == "186730"


def exported(page: Page, kind: str, count: int = 1) -> list[Path]:
    """Export, and download what was written."""
    choose(page, "export-to", kind)
    page.locator("#dock-export-start").click()
    expect(page.locator("#dock-export-status")).to_contain_text("Wrote", timeout=WAIT)
    found = []
    for place in range(count):
        with page.expect_download() as waiting:
            page.locator(f"#dock-export-file-{place}").click()
        path = Path(waiting.value.path())
        found.append(path.rename(path.with_name(f"{path.name}-{waiting.value.suggested_filename}")))
    return found


def test_a_graph_is_exported_with_its_weights_and_as_python(classifier: Page) -> None:
    show(classifier, "Export")
    graph, weights = exported(classifier, "YAML + weights", 2)
    assert composer.read(graph).name == "fashion_mnist"
    with safe_open(weights, "pt") as file:
        assert "classifier.weight" in file.keys()  # noqa: SIM118 - it is no mapping
    [source] = exported(classifier, "Python file")
    expect(classifier.locator("#dock-export-status")).to_contain_text("the largest difference is 0")
    compile(source.read_text(), source.name, "exec")


def test_an_impossible_export_shows_the_reason(classifier: Page) -> None:
    show(classifier, "Export")
    choose(classifier, "export-to", "OpenMMLab config")
    classifier.locator("#dock-export-start").click()
    expect(classifier.locator("#dock-export-status .dock-problems")).to_be_visible(timeout=WAIT)


def test_an_empty_graph_says_what_it_lacks_when_it_is_run(page: Page) -> None:
    show(page, "Run")
    expect(run(page)).to_contain_text("nothing comes out of this graph: wire what it shall give into the outputs")
    expect(page.get_by_text("not in the list of choices")).to_have_count(0)


def test_text_that_was_typed_and_not_applied_is_asked_for_before_the_page_closes(classifier: Page) -> None:
    asked: list[str] = []
    classifier.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    show(classifier, "YAML")
    text = classifier.locator("#dock-yaml .cm-content")
    expect(text).to_contain_text("name: fashion_mnist")
    type_yaml(classifier, "name: half done")
    classifier.wait_for_function("window.composerDock.typed")
    with classifier.expect_event("dialog"):
        classifier.close(run_before_unload=True)
    assert asked == ["beforeunload"]
    classifier.locator("#dock-yaml-revert").click()
    classifier.wait_for_function("!window.composerDock.typed")


def test_a_wrong_graph_is_reported_in_each_tab(classifier: Page) -> None:
    open_text(classifier, SLOW.replace("Sleeper", "Flaten"))
    expect(title_of(classifier)).to_contain_text("slow")
    show(classifier, "Code")
    expect(classifier.locator("#dock-code-message")).to_contain_text("no code while the graph has problems")
    show(classifier, "Run")
    expect(run(classifier)).to_contain_text("there is no type 'Flaten'")
    show(classifier, "Summary")
    expect(classifier.locator("#dock-bars")).to_contain_text("The graph has 1 problem")


def test_a_text_that_is_larger_than_any_graph_is_refused_with_its_size(page: Page) -> None:
    show(page, "YAML")
    text = page.locator("#dock-yaml .cm-content")
    expect(text).to_contain_text("name:")
    text.click()
    page.keyboard.press("Control+a")
    page.evaluate("navigator.clipboard.writeText('a: ' + ('x'.repeat(90) + '\\nb: ').repeat(190000))")
    page.keyboard.press("Control+v")
    page.locator("#dock-yaml-apply").click()
    message = page.locator("#dock-yaml-message")
    expect(message).to_contain_text("too large: 17,860,003 bytes (17 MB); a graph file has at most 2,097,152 bytes")
    page.locator("#dock-yaml-revert").click()
    expect(text).to_contain_text("name:")


@pytest.mark.parametrize("way", ["chosen", "dropped"])
def test_an_upload_that_is_too_large_is_refused_with_its_size_and_the_limit(classifier: Page, way: str) -> None:
    dock = show(classifier, "Run")
    classifier.evaluate("window.gradio_config.max_file_size = 1000")
    if way == "chosen":
        file = {"name": "large.png", "mimeType": "image/png", "buffer": b"x" * 3000}
        dock.locator("#dock-image input[type=file]").set_input_files(file)  # type: ignore[arg-type]
    else:
        classifier.evaluate("""() => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File(["x".repeat(3000)], "large.png", {type: "image/png"}));
            const target = document.querySelector("#dock-image button");
            target.dispatchEvent(new DragEvent("drop", {bubbles: true, cancelable: true, dataTransfer}));
        }""")
    expected = "large.png is too large: 3,000 bytes (2.93 KiB); an upload has at most 1,000 bytes (1000 B)."
    expect(classifier.get_by_text(expected)).to_be_visible()
    expect(dock.locator("#dock-image img")).to_have_count(0)


def test_a_reload_shows_the_dock_as_it_was(page: Page) -> None:
    dock = show(page, "Run")
    dock.get_by_role("tab", name="Summary", exact=True).click()
    expect(dock.get_by_text("The graph has no nodes yet")).to_be_visible()
    page.reload()
    tab = page.locator("#composer-dock").get_by_role("tab", name="Summary", exact=True)
    expect(tab).to_have_attribute("aria-selected", "true")
    expect(tab).to_be_visible()
    page.get_by_role("button", name="Dock", exact=True).click()
    page.reload()
    page.wait_for_selector(".react-flow__pane", state="attached")
    expect(page.get_by_role("button", name="Dock", exact=True)).to_have_attribute("aria-expanded", "false")
    expect(tab).not_to_be_visible()
