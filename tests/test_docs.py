"""What README, CONTRIBUTING and docs/ say is true: their examples run, their links lead somewhere."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import typer
from PIL import Image

import composer
from composer import Catalog
from composer.cli.app import app
from tests.doc_pages import Block, Reader, blocks, run

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]

WIDTH = 120
BLOCK = re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
ANSWER = re.compile(r"(\S+)  (.+) ([\d.]+)")

OPENMMLAB = """\
model = dict(
    type="ImageClassifier",
    backbone=dict(type="ResNet", depth=18, num_stages=4, out_indices=(3,), style="pytorch"),
    neck=dict(type="GlobalAveragePooling"),
    head=dict(type="LinearClsHead", num_classes=1000, in_channels=512, loss=dict(type="CrossEntropyLoss")),
)
"""
CONVNEXT = """\
model = dict(
    type="ImageClassifier",
    backbone=dict(type="ConvNeXt", arch="tiny", drop_path_rate=0.1),
    head=dict(
        type="LinearClsHead",
        num_classes=1000,
        in_channels=768,
        loss=dict(type="LabelSmoothLoss", label_smooth_val=0.1),
    ),
)
"""
IMAGES = """\
data_preprocessor = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)
test_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="ResizeEdge", scale=256, edge="short"),
    dict(type="CenterCrop", crop_size=224),
    dict(type="PackInputs"),
]
test_dataloader = dict(dataset=dict(type="ImageNet", pipeline=test_pipeline))
"""
# The settings of images, schedule and runtime that mmpretrain 1.2 has for it in configs/_base_.
TRAINING = """
data_preprocessor["num_classes"] = 1000
model["head"].update(topk=(1, 5))
model["head"]["loss"].update(loss_weight=1.0)
train_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="RandomResizedCrop", scale=224),
    dict(type="RandomFlip", prob=0.5, direction="horizontal"),
    dict(type="PackInputs"),
]
train_dataloader = dict(
    batch_size=32,
    num_workers=5,
    dataset=dict(type="ImageNet", data_root="data/imagenet", split="train", pipeline=train_pipeline),
    sampler=dict(type="DefaultSampler", shuffle=True),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=5,
    dataset=dict(type="ImageNet", data_root="data/imagenet", split="val", pipeline=test_pipeline),
    sampler=dict(type="DefaultSampler", shuffle=False),
)
test_dataloader = val_dataloader
val_evaluator = test_evaluator = dict(type="Accuracy", topk=(1, 5))
optim_wrapper = dict(optimizer=dict(type="SGD", lr=0.1, momentum=0.9, weight_decay=0.0001))
param_scheduler = dict(type="MultiStepLR", by_epoch=True, milestones=[30, 60, 90], gamma=0.1)
train_cfg = dict(by_epoch=True, max_epochs=100, val_interval=1)
val_cfg = test_cfg = dict()
auto_scale_lr = dict(base_batch_size=256)
default_scope = "mmpretrain"
default_hooks = dict(
    timer=dict(type="IterTimerHook"),
    logger=dict(type="LoggerHook", interval=100),
    param_scheduler=dict(type="ParamSchedulerHook"),
    checkpoint=dict(type="CheckpointHook", interval=1),
    sampler_seed=dict(type="DistSamplerSeedHook"),
    visualization=dict(type="VisualizationHook", enable=False),
)
env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method="fork", opencv_num_threads=0),
    dist_cfg=dict(backend="nccl"),
)
visualizer = dict(type="UniversalVisualizer", vis_backends=[dict(type="LocalVisBackend")])
log_level = "INFO"
load_from, resume = None, False
randomness = dict(seed=None, deterministic=False)
"""


def write_files_of_openmmlab() -> None:
    """Files under the names that docs/openmmlab.md uses; the weights are random."""
    for name, text in {
        "configs/resnet/resnet18_8xb32_in1k.py": OPENMMLAB + IMAGES + TRAINING,
        "configs/convnext/convnext-tiny_32xb128_in1k.py": CONVNEXT + IMAGES,
        "mine.py": OPENMMLAB.replace("depth=18", "depth=18, depht=18")
        + IMAGES.replace('type="ImageNet"', 'type="CustomDataset", classes=[f"class {n}" for n in range(1000)]'),
    }.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
    state = composer.load("saved_graphs/classification/resnet18.yaml").state_dict()
    backbone = {name: tensor for name, tensor in state.items() if name.startswith("backbone.")}
    torch.save({"state_dict": state, "meta": {"epoch": 100}}, "resnet18_8xb32_in1k_20210831-fbbb1da6.pth")
    torch.save({"state_dict": state}, "resnet18.pth")
    torch.save({"state_dict": backbone}, "backbone_only.pth")
    Image.new("RGB", (300, 280)).save("cat.png")


def write_images() -> None:
    """Folders of images under the names that the pages on training use, and a recipe of two steps."""
    cifar = composer.read("saved_graphs/classification/resnet18_cifar.yaml").classes
    for folder, classes in {"my_images": ("cat", "dog", "fox"), "cifar": cifar}.items():
        for number, name in enumerate(classes):
            path = Path(folder) / name
            path.mkdir(parents=True)
            for image in range(4):
                Image.new("RGB", (40, 32), (20 * number, 60 * image, 90)).save(path / f"{image}.png")
    recipe = "graph: saved_graphs/classification/resnet18_cifar.yaml\ndata: {train: {path: cifar}}\nsteps: 2\n"
    Path("recipe.yaml").write_text(f"{recipe}batches: {{batch: 8, workers: 0}}\n")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what a reader has in the repository, to write in."""
    for name in ("saved_graphs", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_of_a_page_are_true(name: str, folder: Path) -> None:
    torch.manual_seed(0)
    if name == "docs/openmmlab.md":
        write_files_of_openmmlab()
    if name in ("docs/commands.md", "docs/training.md"):
        write_images()
    reader = Reader()
    for block in blocks(ROOT / name):
        reader.read(block)


def test_examples_that_are_wrong_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    graph = "schema: 1\nname: one\ninputs:\n  x: {type: FeatureMap, shape: [B, 3, 8, 8]}\n"
    graph += "nodes:\n  a: {type: ReLU, inputs: {input: x}}\noutputs:\n  tensor: {out: a.out}\n"
    reader = Reader()
    reader.read(Block(tmp_path, 1, "yaml graph", graph))
    reader.read(Block(tmp_path, 1, "console", "$ composer check one.yaml\none.yaml: ok\n"))
    for mark, text in {
        "python": "assert 1 == 2",
        "yaml graph": graph.replace("ReLU", "RELU6x"),
        "yaml part": "nodes: {a: {type: Rel}}",
        "yaml refused cycle": "nodes: {a: {type: ReLU, inputs: {input: x}}}",
        "console": "$ composer check one.yaml\none.yaml: 1 problem\n",
        "yaml": "a: 1",
        "yaml grpah": graph,
    }.items():
        with pytest.raises(AssertionError):
            reader.read(Block(tmp_path, 1, mark, text))


def test_the_answers_in_the_readme_are_those_of_the_shipped_model(folder: Path) -> None:
    lines = [line for block in blocks(ROOT / "README.md") for line in block.text.splitlines()]
    (command,) = [line.removeprefix("$ ") for line in lines if line.startswith("$ composer run")]
    printed, _ = run(command)
    answers = [re.fullmatch(ANSWER, line).groups() for line in printed.splitlines()]  # type: ignore[union-attr]
    assert len(answers) == 10
    assert all(path.endswith(f"_{re.sub(r'[^a-z]', '_', name.lower())}.png") for path, name, _ in answers)
    shown = [found.groups() for line in lines if (found := re.fullmatch(ANSWER, line))]
    assert shown
    for (path, name, score), answer in zip(shown, answers, strict=False):
        assert (path, name) == answer[:2]
        assert float(score) == pytest.approx(float(answer[2]), abs=0.003)  # other machines round otherwise


def test_the_readme_counts_the_nodes_and_parameters_of_the_shipped_model() -> None:
    graph = composer.read(ROOT / "saved_graphs" / "classification" / "fashion_mnist.yaml")
    text = (ROOT / "README.md").read_text()
    assert f"{len(graph.nodes)} nodes" in text
    assert f"**{composer.infer_shapes(graph).parameters:,}** parameters" in text


@pytest.mark.parametrize("name", [*NAMES, "CHANGELOG.md", "DECISIONS.md"])
def test_links_lead_somewhere(name: str) -> None:
    page = ROOT / name
    for target in LINK.findall(page.read_text()):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path) if path else page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


def anchors(page: Path) -> set[str]:
    """What headings are called in links, as GitHub does it."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", [*NAMES, "CHANGELOG.md", "DECISIONS.md"])
def test_prose_is_wrapped_at_120_columns(name: str) -> None:
    assert wide_lines((ROOT / name).read_text()) == []


def test_wide_lines_are_found_outside_of_tables_code_images_and_addresses() -> None:
    word, address = "word " * 30, f"https://example.org/{'x' * 120}"
    allowed = f"| {word} |\n\n```sh\n{word}\n```\n\n![{word}](image.png)\n\n{address}\n"
    assert wide_lines(allowed) == []
    assert wide_lines(f"{allowed}\n- {word}\n") == [f"- {word}"]


def wide_lines(text: str) -> list[str]:
    """Lines of prose wider than ``WIDTH``; tables, code, images and single words may be wider."""
    lines = BLOCK.sub("", text).splitlines()
    prose = (line for line in lines if not line.lstrip().startswith(("|", "![")) and " " in line.strip())
    return [line for line in prose if len(line) > WIDTH]


@pytest.mark.parametrize("name", NAMES)
def test_commands_that_are_named_exist(name: str) -> None:
    known = set(typer.main.get_command(app).commands)
    assert set(re.findall(r"(?:`|\$ |^ *)composer ([a-z]+)", (ROOT / name).read_text(), flags=re.MULTILINE)) <= known


def test_every_command_is_described() -> None:
    text = (ROOT / "docs" / "commands.md").read_text()
    missing = [name for name in typer.main.get_command(app).commands if f"| `composer {name}" not in text]
    assert missing == []


def test_every_port_type_is_described() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| .* \| (?:`(\w+)` )?\|$", (ROOT / "docs" / "components.md").read_text(), re.MULTILINE
    )
    types = composer.Catalog.default().port_types.values()
    parents = {kind.name: kind.ancestors()[1].name if kind.parent is not None else "" for kind in types}
    assert dict(rows).items() >= parents.items()


def test_the_table_of_kinds_holds_every_component(request: pytest.FixtureRequest) -> None:
    """``--write-golden`` writes the names; what a kind holds is written by hand."""
    page = ROOT / "docs" / "components.md"
    row = re.compile(r"^\| `(\w+)` \| ([^|]*) \|(.*)\|$", re.MULTILINE)
    before, heading, table = page.read_text().partition("## Kinds")
    table, _, after = table.partition("\n## ")
    kinds = {kind: [item.name for item in own] for kind, own in shipped().items()}
    if request.config.getoption("--write-golden"):
        reported = {kind: text for kind, text, _ in row.findall(table)}
        lines = [f"| `{kind}` | {reported.get(kind, 'TODO')} | {', '.join(names)} |" for kind, names in kinds.items()]
        rows = "\n".join(lines)
        table = table[: row.search(table).start()] + rows + "\n"  # type: ignore[union-attr]
        page.write_text(f"{before}{heading}{table}\n## {after}")
    found = {kind: names.strip().split(", ") for kind, _, names in row.findall(table)}
    assert found == kinds, "pytest tests/test_docs.py --write-golden writes the names"
    assert "TODO" not in table, "say what the kind holds"


def shipped() -> dict[str, list[Any]]:
    """The components that come with composer, by kind."""
    mine = {
        kind: [item for item in own if item.cls.__module__.startswith("components.")]
        for kind, own in Catalog.default().by_kind.items()
    }
    return {kind: own for kind, own in mine.items() if own}
