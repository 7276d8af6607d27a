"""Fixes: each keeps what the file means or states what it changes."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

import composer
from composer import Catalog, Graph, GraphError, Problem
from composer.graph.file import loads
from composer.openmmlab import import_config
from composer.problems import Fix, is_typo
from composer.problems.codes import CODES
from composer.rules import check
from tests.problem_examples import CHANGES, GRAPH
from tests.sample_components import CATALOG
from tests.test_rules import GRAPHS, TABLE

BROKEN = {
    **{f"{case.id}": (GRAPHS[str(case.values[0])], *map(str, case.values[1:3]), CATALOG) for case in TABLE},
    "page steps": (GRAPH, "resize: [64, 64]", "rezise: [64, 64]", Catalog.default()),
    **{f"page {code}": (GRAPH, *change, Catalog.default()) for code, change in CHANGES.items()},
}
SIZE = "shape-mismatch"  # a parameter repeats what the wire says: the wire is right
SUBGRAPHS = ("unknown-type", "unknown-subgraph")  # the name is that of the other
ONE_SCHEMA = "bad-schema"  # there is no other
ANY_SIZE = "bad-shape"  # -1 is how other libraries write any size


def problems_of(text: str, catalog: Catalog) -> list[Problem]:
    """Everything that is found in a graph file, also where it cannot be read."""
    try:
        graph = loads(text, "g.yaml")
    except GraphError as error:
        return list(error.problems)
    return [*check(graph, catalog), *composer.infer_shapes(graph, catalog).problems]


def applied(document: Any, fix: Fix) -> Any:
    """A document after the edits of a fix, which are followed without composer."""
    document = yaml.safe_load(yaml.safe_dump(document))
    for edit in fix.edits:
        *outer, last = edit.path
        inside = document
        for key in outer:
            inside = inside.setdefault(key, {}) if isinstance(inside, dict) else inside[int(key)]
        keys = {str(key): key for key in inside} if isinstance(inside, dict) else {last: int(last)}
        if edit.remove:
            del inside[keys[last]]
        else:
            inside[keys.get(last, last)] = edit.value
    return document


def leaves(value: Any) -> Iterator[Any]:
    """All that is written: names and values."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    else:
        yield value


def means(code: str, old: Any, new: Any) -> bool:
    """Whether what takes the place of something says the same."""
    if isinstance(old, bool) or isinstance(new, bool):
        return str(old).casefold() in {str(new).casefold(), {True: "yes", False: "no"}.get(new, "")}
    if isinstance(old, int | float) and isinstance(new, int | float):
        return old == new or code == SIZE
    same_source = str(old).partition(".")[0].partition("[")[0] == str(new).partition(".")[0].partition("[")[0]
    same_name = {old, new} == {"type", "graph"} and code in SUBGRAPHS
    meant = is_typo(str(old), str(new)) or same_source or same_name
    return str(old) == str(new) or meant or (code == ANY_SIZE and old == -1) or code == ONE_SCHEMA


def kept(code: str, lost: list[Any], gained: list[Any]) -> bool:
    """Whether all that went has come back in other words."""
    return all(any(means(code, old, new) for new in gained) for old in lost)


def repairs() -> Iterator[Any]:
    for name, (text, old, new, catalog) in BROKEN.items():
        broken = text.replace(old, new, 1 if name.startswith("page") else -1)
        found = {problem.code: problem for problem in problems_of(broken, catalog) if problem.fix and problem.fix.edits}
        for code, problem in found.items():
            yield pytest.param(broken, catalog, problem, id=f"{name}: {code}")


REPAIRS = list(repairs())


@pytest.mark.parametrize(("text", "catalog", "problem"), REPAIRS)
def test_a_fix_keeps_the_meaning_or_states_what_it_changes(text: str, catalog: Catalog, problem: Problem) -> None:
    assert problem.fix is not None
    document = yaml.safe_load(text)
    mended = applied(document, problem.fix)
    before, after = Counter(map(repr, leaves(document))), Counter(map(repr, leaves(mended)))
    lost, gained = ([eval(item) for item in one - other] for one, other in ((before, after), (after, before)))  # noqa: S307
    if problem.fix.changes:
        assert str(problem).splitlines()[-1] == f"    or: {problem.fix.message} ({problem.fix.changes})"
        assert problem.fix.to_json()["changes"] == problem.fix.changes
    else:
        assert str(problem).splitlines()[-1] == f"    fix: {problem.fix.message}"
        assert kept(problem.code, lost, gained), (lost, gained)


def test_the_fixes_of_all_rules_are_tested() -> None:
    seen = {problem.values[2].code for problem in REPAIRS}  # type: ignore[union-attr]
    offering = {code for code, row in CODES.items() if row.fix != "no"}
    assert offering - seen == set(ELSEWHERE)


ELSEWHERE = (
    *("bad-value", "image-size", "no-output", "no-preprocess"),
    *("data-classes", "data-samples", "policy-frozen", "policy-path", "recipe-key", "run-exists"),
)
"""Repairs that only add to a graph, or are about what a caller hands over: data, a recipe, the folder of a run."""


@pytest.mark.parametrize(
    ("name", "other", "typo"),
    [
        ("Resnet", "ResNet", True),
        ("ReNset", "ResNet", True),
        ("GlobalAvgPooling", "GlobalAveragePooling", True),
        ("num_class", "num_classes", True),
        ("depht", "depth", True),
        ("rezise", "resize", True),
        ("ResNeXt", "ResNet", False),
        ("ResNeSt", "ResNet", False),
        ("MyClsHead", "ClsHead", False),
        ("PolyLoss", "L1Loss", False),
        ("CIoULoss", "GIoULoss", False),
        ("L2Loss", "L1Loss", False),
        ("Conv1d", "Conv2d", False),
        ("view_1", "view_2", False),
        ("attn_drop_rate", "drop_rate", False),
        ("output_cls_token", "with_cls_token", False),
        ("patch_norm", "patch_cfg", False),
    ],
)
def test_typos_are_distinguished_from_other_names(name: str, other: str, typo: bool) -> None:
    assert is_typo(name, other) is typo


@pytest.mark.parametrize(
    ("part", "settings", "expected"),
    [
        ("backbone", {"type": "ResNeXt"}, "ResNeXt"),
        ("head", {"type": "MyClsHead"}, "MyClsHead"),
        ("loss", {"type": "PolyLoss"}, "PolyLoss"),
        ("backbone", {"depths": [2, 2]}, "[2, 2] is lost"),
        ("backbone", {"with_cls": False}, "False is lost"),
    ],
)
def test_no_fix_silently_changes_an_imported_model(part: str, settings: dict[str, Any], expected: str) -> None:
    config: dict[str, Any] = {
        "backbone": {"type": "ResNet", "depth": 18},
        "head": {"type": "LinearClsHead", "num_classes": 3, "in_channels": 512},
        "loss": {"type": "CrossEntropyLoss"},
    }
    config[part] = {**config[part], **settings}
    loss = config.pop("loss")
    head = {**config.pop("head"), "loss": loss}
    found = import_config({"type": "ImageClassifier", **config, "head": head}, "mmpretrain")
    problems = [*found.notes, *check(found.graph)]
    assert expected in "\n".join(map(str, problems))
    assert [problem.fix for problem in problems if problem.fix and not problem.fix.changes] == []


def sizes_of(graph: Graph) -> Iterator[Problem]:
    yield from (item for item in composer.infer_shapes(graph).problems if item.code == SIZE)


@pytest.mark.parametrize("levels", [[8, 16, 32, 64], [8, 16], [8, 16, 64]])
def test_one_fix_sets_the_channels_of_all_levels(levels: list[int]) -> None:
    build = composer.GraphBuilder("levels")
    image = build.input("image", "Image", ["B", 3, 64, 64])
    backbone = build.node("backbone", "ResNet", depth=18, base_channels=16, out_indices=[0, 1, 2])(image=image)
    neck = build.node("neck", "FPN", in_channels=levels, out_channels=8, num_outs=4)(feature=backbone.out)
    build.output("tensor", features=neck.out)
    problems = list(sizes_of(build.graph()))
    messages = {problem.fix.message for problem in problems if problem.fix}
    assert messages == {"set neck.params.in_channels to [16, 32, 64]"}
    assert (fix := problems[0].fix) is not None
    assert list(sizes_of(composer.edit(build.graph(), fix))) == []


def test_the_number_of_patches_has_a_fix() -> None:
    size = {"embed_dims": 16, "num_layers": 1, "num_heads": 2, "feedforward_channels": 16}
    config = {
        "type": "MAE",
        "backbone": {"type": "MAEViT", "arch": size, "img_size": 96, "patch_size": 16},
        "neck": {"type": "MAEPretrainDecoder", "embed_dim": 16, "decoder_embed_dim": 16, "decoder_num_heads": 2},
        "head": {"type": "MAEPretrainHead", "loss": {"type": "PixelReconstructionLoss", "criterion": "L2"}},
    }
    graph = import_config(config).graph
    (problem,) = sizes_of(graph)
    assert problem.fix is not None
    assert problem.fix.message == "set neck.params.num_patches to 36"
    assert list(composer.infer_shapes(composer.edit(graph, problem.fix)).problems) == []
