"""Requests of the browser are answered or refused with a message; nothing that it sends brings the server down."""

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from composer import Catalog
from composer.catalog import component_files
from composer.graph.file.document import to_document
from composer.problems import GraphError
from composer.web.actions import LARGEST, Actions
from composer.web.catalog_source import CatalogSource
from composer.web.envelopes import enveloped
from tests.editing.samples import MODAL, do, put, sample

ACTIONS = Actions(CatalogSource())
CALLS: dict[str, Callable[[Any], BaseModel]] = {
    "source": ACTIONS.source,
    "look": ACTIONS.look,
    "edit": ACTIONS.edit,
    "fits": ACTIONS.fits,
    "suggest": ACTIONS.suggest,
    "drops": ACTIONS.drops,
    "replacements": ACTIONS.replacements,
    "insertions": ACTIONS.insertions,
    "copy": ACTIONS.copy,
}
MARKUP = "<img src=x onerror=alert(1)>"


def document(text: str | None = None) -> str:
    return ACTIONS.shown(sample() if text is None else sample(text)).document


def answer(name: str, payload: Any) -> dict[str, Any]:
    """The envelope, as it reaches the browser."""
    return json.loads(json.dumps(enveloped(CALLS[name], payload), allow_nan=False))


def edited(*operations: dict[str, Any], path: tuple[str, ...] = (), text: str | None = None) -> dict[str, Any]:
    return answer("edit", {"document": document(text), "path": list(path), "operations": list(operations)})


def test_the_catalog_has_forms_ports_and_help() -> None:
    catalog = ACTIONS.catalog().model_dump(mode="json")
    by_type = {item["type"]: item for item in catalog["components"]}
    head = by_type["LinearClsHead"]
    parameters = {item["name"]: item for item in head["parameters"]}
    assert parameters["in_channels"]["from_wire"] == "feature" and parameters["num_classes"]["required"]
    assert parameters["num_classes"]["help"] and head["kind"] == "heads" and head["summary"]
    assert head["json_schema"]["properties"]["num_classes"]["type"] == "integer"
    assert by_type["ResNet"]["outputs"][0]["sequence"] and by_type["Add"]["inputs"][0]["variadic"]
    assert catalog["problems"] == [] and {item["kind"] for item in catalog["components"]} == {
        kind["name"] for kind in catalog["kinds"]
    }
    families = {"image", "feature", "tokens", "vector", "label", "loss", "boxes", "any"}
    assert {kind["colour"] for kind in catalog["port_types"]} == families
    assert [kind["name"] for kind in catalog["port_types"] if kind["offered"]] == ["Boxes", "Image", "Label"]
    json.dumps(catalog, allow_nan=False)


def test_the_source_of_a_component_is_its_code() -> None:
    assert "class ReLU(nn.ReLU)" in answer("source", {"type": "ReLU"})["result"]["text"]
    assert "did you mean 'ReLU'" in answer("source", {"type": "Relu"})["error"]["message"]
    assert not answer("source", {"type": "/etc/passwd"})["ok"]


def test_a_new_graph_is_empty_and_can_be_built_up() -> None:
    new = ACTIONS.new({"name": "net"})
    assert new.view.nodes == [] and new.place == "none"
    steps = [
        {"op": "add-input", "type": "Image"},
        {"op": "add-node", "type": "ResNet", "params": {"depth": 18}, "source": "image"},
        {"op": "add-node", "type": "GlobalAveragePooling", "source": "resnet.out"},
        {"op": "set-output", "mode": "tensor", "source": "global_average_pooling.out"},
    ]
    reply = answer("edit", {"document": new.document, "operations": steps})["result"]
    assert reply["created"] == ["image", "resnet", "global_average_pooling"]
    assert reply["view"]["problems"] == []
    assert [wire["size"] for wire in reply["view"]["wires"]] == ["B 3 224 224", "B 512 7 7", "B 512"]


def test_operations_of_one_edit_are_applied_together_or_not_at_all() -> None:
    good, bad = {"op": "rename", "name": "neck", "to": "pool"}, {"op": "remove", "names": ["neck"]}
    assert not edited(good, bad)["ok"]
    assert edited(bad)["ok"] and edited(good)["result"]["renamed"] == {"neck": "pool"}


def test_an_edit_without_a_view_gives_the_same_document() -> None:
    step = {"op": "place", "positions": {"neck": [1, 2]}}
    quiet = answer("edit", {"document": document(), "operations": [step], "look": False})["result"]
    assert quiet["view"] is None and quiet["document"] == edited(step)["result"]["document"]


def test_a_document_is_the_same_text_after_it_was_read() -> None:
    text = document(MODAL)
    assert json.loads(text) == to_document(sample(MODAL))
    assert answer("edit", {"document": text, "operations": []})["result"]["document"] == text


@pytest.mark.parametrize("name", sorted(CALLS))
@pytest.mark.parametrize(
    "payload",
    [
        None,
        3,
        "text",
        [],
        {"document": 3},
        {"document": "", "operations": [], "names": [], "type": 3},
        {"document": "[" * 100_000, "operations": [], "names": ["a"], "source": "a"},
        {"document": "[]", "operations": [], "names": ["a"], "source": "a"},
        {"document": '{"schema": 1, "nodes": [1]}', "operations": [], "names": ["a"], "source": "a"},
        {"document": '{"schema": 1, "nodes": {"<b>": {}}}', "operations": [], "names": ["a"], "source": "a"},
        {"document": '{"schema": 99}', "operations": [], "names": ["a"], "source": "a"},
        {"document": '{"schema": 1}', "operations": [{"op": "exec", "code": "1"}], "names": [3], "source": 3},
        {"document": '{"schema": 1}', "operations": [{"op": "remove"}], "names": ["a"], "source": MARKUP},
        {"document": '{"schema": 1}', "path": "abc", "operations": [{}], "names": ["a"], "source": "a", "extra": 1},
        {"document": '{"schema": 1, "x": "\ud800"}', "operations": [], "names": ["a"], "source": "a"},
    ],
)
def test_an_invalid_payload_is_answered_with_a_message(name: str, payload: Any) -> None:
    found = answer(name, payload)
    assert not found["ok"] and found["result"] is None
    assert found["error"]["message"] and "Traceback" not in found["error"]["message"]


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "rename", "name": "neck", "to": MARKUP},
        {"op": "rename", "name": MARKUP, "to": "x"},
        {"op": "add-node", "type": MARKUP},
        {"op": "add-node", "type": "ReLU", "id": "__class__"},
        {"op": "add-node", "type": "ReLU", "id": 3},
        {"op": "add-node", "type": "ReLU", "position": [1e300, 0]},
        {"op": "add-node", "type": "ReLU", "position": [1]},
        {"op": "add-input", "type": MARKUP},
        put("nodes", "backbone", "params", "depth", value=10**700),
        put("nodes", "backbone", "params", MARKUP, value=1),
        {"op": "connect", "source": "a" * 100_000, "target": {"node": "neck", "port": "feature"}},
        {"op": "connect", "source": "neck.out", "target": {"node": "head", "port": "feature"}, "modes": ["train"]},
        {"op": "set-output", "mode": "tensor", "name": "a b", "source": "neck.out"},
        {"op": "comment", "text": "x" * 100_000, "box": [0, 0, 1, 1]},
        {"op": "comment", "text": "x", "box": [0, 0, 1, 1], "colour": MARKUP},
        {"op": "set", "fix": True, "edits": [{"path": [], "set": 1}]},
        {"op": "set", "fix": True, "edits": [{"path": ["nodes"], "set": 1}]},
        {"op": "paste", "fragment": MARKUP},
    ],
)
def test_a_hostile_operation_is_refused(operation: dict[str, Any]) -> None:
    found = edited(operation)
    assert not found["ok"] and found["error"]["message"]
    assert len(found["error"]["message"]) < 1000


def test_strings_of_a_graph_come_back_as_they_are() -> None:
    node = f"{{type: {MARKUP!r}, params: {{{MARKUP!r}: {MARKUP!r}}}}}"
    text = f"schema: 1\nname: {MARKUP!r}\nabout: {MARKUP!r}\nnodes: {{a: {node}}}\n"
    view = ACTIONS.shown(sample(text)).view
    assert view.name == view.about == view.nodes[0].type == MARKUP and view.nodes[0].state == "placeholder"


def test_a_document_that_is_too_long_is_refused() -> None:
    assert "at most" in answer("look", {"document": " " * (LARGEST + 1)})["error"]["message"]


def test_an_unexpected_error_is_logged_and_answered_without_its_details(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: Any) -> BaseModel:
        raise RuntimeError("/secret/path")

    with caplog.at_level(logging.ERROR):
        found = enveloped(broken, {})
    assert "/secret/path" not in json.dumps(found) and "/secret/path" in caplog.text


def reasons(source: str | None = None, target: str | None = None, text: str | None = None) -> dict[str, str | None]:
    found = answer("fits", {"document": document(text), "source": source, "target": target})["result"]["fits"]
    return {fit["end"]: fit["reason"] for fit in found}


def test_where_a_wire_may_go_and_why_not_elsewhere() -> None:
    found = reasons(source="backbone.out")
    assert found["neck.feature"] is None and found["outputs.tensor.+"] is None
    assert "takes" in str(found["prediction.logits"]) and "scalars" in str(found["outputs.loss.+"])
    assert found["backbone.image"] == "backbone cannot feed itself"
    assert "cycle" in str(reasons(source="head.out")["neck.feature"])
    assert reasons(source="loss.out")["outputs.loss.loss"] is None


def test_where_a_wire_may_come_from_and_why_not_elsewhere() -> None:
    found = reasons(target="neck.feature")
    assert found["backbone.out"] is None and found["backbone.out[0]"] is None and found["image"] is None
    assert "cycle" in str(found["head.out"]) and "takes FeatureMap" in str(found["label"])
    assert reasons(target="outputs.tensor.+")["head.out"] is None


def test_a_size_that_cannot_be_is_reported_before_the_wire_is_there() -> None:
    text = """
schema: 1
inputs: {image: {type: Image, shape: [B, 3, 8, 8]}}
nodes:
  a: {type: Conv2d, params: {in_channels: 3, out_channels: 4, kernel_size: 3}, inputs: {input: image}}
  b: {type: Conv2d, params: {in_channels: 5, out_channels: 4, kernel_size: 3}}
  c: {type: Conv2d, params: {out_channels: 4, kernel_size: 3}}
outputs: {tensor: {out: a.out}}
"""
    found = reasons(source="a.out", text=text)
    assert "got 4 from a.out" in str(found["b.input"]) and "expects 5" in str(found["b.input"])
    assert found["c.input"] is None


def test_the_nearest_components_are_suggested_first() -> None:
    found = answer("suggest", {"document": document(), "source": "backbone.out"})["result"]["suggestions"]
    kinds = [item["type"] for item in found]
    assert kinds.index("GlobalAveragePooling") < kinds.index("Reshape")
    assert all(item["port"] for item in found)
    feeding = answer("suggest", {"document": document(), "target": "loss.pred"})["result"]["suggestions"]
    assert "LinearClsHead" in [item["type"] for item in feeding[:15]]
    inside = answer("suggest", {"document": document(MODAL), "path": ["pair"], "source": "a"})["result"]["suggestions"]
    assert "encoder" in [item["graph"] for item in inside] and "pair" not in [item["graph"] for item in inside]


def test_a_box_has_the_ends_that_fit_a_wire_or_the_reason() -> None:
    def ends(**end: str) -> dict[str, Any]:
        reply = answer("fits", {"document": document(), **end})["result"]["boxes"]
        return {item["node"]: item["ends"] or item["reason"] for item in reply}

    found = ends(source="neck.out")
    assert found["head"] == ["head.feature"] and found["outputs.tensor"] == ["outputs.tensor.+"]
    assert found["neck"] == "neck cannot feed itself" and "scalars" in found["outputs.loss"]
    to = ends(target="loss.pred")
    assert to["neck"] == ["neck.out"] and "image carries Image" in to["image"]
    levels = ends(target="neck.feature")
    assert (
        levels["backbone"] == ["backbone.out"]
        and levels["head"] == "neck feeds head already, so this wire would close a cycle"
    )


def test_a_part_is_dropped_where_it_fits() -> None:
    drops = answer("drops", {"document": document(), "type": "GlobalAveragePooling"})["result"]
    reasons = {(item["source"], item["node"]): item["reason"] for item in drops["wires"]}
    assert "takes FeatureMap" in reasons["neck.out", "head"]
    assert "does not give" in reasons["image", "backbone"]
    assert {item["node"]: item["reason"] for item in drops["boxes"]} == {
        "backbone": None,
        "neck": "neck is a GlobalAveragePooling already",
        "head": None,
        "loss": None,
        "prediction": None,
    }
    inside = answer("drops", {"document": document(MODAL), "path": ["encoder"], "graph": "pair"})["result"]
    assert {item["reason"] for item in inside["wires"]} == {"'pair' holds 'encoder', which is open"}
    assert answer("drops", {"document": document(), "node": "neck"})["result"] == {"wires": [], "boxes": []}


def test_replacements_of_the_same_kind_that_keep_the_wires_come_first() -> None:
    found = answer("replacements", {"document": document(), "node": "backbone"})["result"]["parts"]
    assert [item["type"] for item in found[:3]] == ["ResNetSobel", "ResNetV1c", "ResNetV1d"]
    assert all(not item["wires"] for item in found[:20]) and found[-1]["wires"]
    assert "ResNet" not in [item["type"] for item in found]
    assert not answer("replacements", {"document": document(), "node": "image"})["ok"]


def test_components_that_fit_into_a_wire_are_offered_for_it() -> None:
    loose = sample()
    text = ACTIONS.shown(do(loose, {"op": "add-node", "type": "ReLU", "id": "act"})).document
    asked = {"source": "neck.out", "target": {"node": "head", "port": "feature"}}
    found = answer("insertions", {"document": text, **asked})["result"]
    assert found["nodes"] == ["act"]
    types = [item["type"] for item in found["parts"]]
    assert "Dropout" in types and "GlobalAveragePooling" not in types and "CrossEntropyLoss" not in types
    assert types.index("Dropout") < types.index("MatMul")  # which needs another wire


def test_an_operation_reports_what_it_did_not_keep() -> None:
    reply = edited({"op": "replace-node", "node": "backbone", "type": "MobileNetV2"})["result"]
    assert reply["notes"] == ["backbone is a MobileNetV2 now. Not kept: the parameter depth."]
    assert edited({"op": "replace-node", "node": "neck", "type": "LinearNeck"})["result"]["notes"] == []


def test_copies_go_from_one_document_to_another() -> None:
    fragment = answer("copy", {"document": document(), "names": ["neck", "head"]})["result"]["fragment"]
    pasted = edited({"op": "paste", "fragment": fragment}, text=MODAL)["result"]
    assert pasted["created"] == ["neck_2", "head"]


GOOD = '''
from typing import Annotated
from torch import Tensor, nn
from composer.ports import FeatureMap
__all__ = ["{name}"]
class {name}(nn.Module):
    """{text}"""
    def forward(self, x: Annotated[FeatureMap, "B C H W"]) -> Annotated[FeatureMap, "B C H W"]:
        return x
'''


def write(path: Path, text: str, moment: int) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    os.utime(path, ns=(moment, moment))


def test_a_changed_component_file_gives_a_new_catalog_and_a_broken_one_is_reported(tmp_path: Path) -> None:
    now = [0.0]
    source = CatalogSource([tmp_path], clock=lambda: now[0])
    actions = Actions(source)
    first, second = tmp_path / "necks" / "first.py", tmp_path / "necks" / "second.py"
    write(first, GOOD.format(name="FirstNeck", text="One."), 1)
    write(second, GOOD.format(name="SecondNeck", text="Two."), 1)
    before = actions.catalog()
    assert {"FirstNeck", "SecondNeck"} <= {item.type for item in before.components}

    write(first, GOOD.format(name="FirstNeck", text="Another text."), 2)
    assert actions.catalog().revision == before.revision  # it is not looked at more than once a second
    now[0] += 2
    changed = actions.catalog()
    assert changed.revision != before.revision
    assert changed.watched and actions.revision().text == changed.revision  # what an open page asks for
    assert {item.type: item.summary for item in changed.components}["FirstNeck"] == "Another text."

    write(first, "this is no Python", 3)
    now[0] += 2
    broken = actions.catalog()
    [problem] = broken.problems
    assert problem.code == "component-file" and "first.py" in problem.subject and "invalid syntax" in problem.message
    assert {"FirstNeck", "SecondNeck", "ReLU"} <= {item.type for item in broken.components}

    first.unlink()
    now[0] += 2
    gone = actions.catalog()
    assert gone.problems == [] and "FirstNeck" not in {item.type for item in gone.components}


def test_a_component_with_the_name_of_another_is_a_message(tmp_path: Path) -> None:
    write(tmp_path / "necks" / "relu.py", GOOD.format(name="ReLU", text="Mine."), 1)
    state = CatalogSource([tmp_path, tmp_path / "nowhere"]).read()
    assert [problem.code for problem in state.problems] == ["duplicate-component", "no-folder"]
    assert state.catalog["ReLU"].cls is Catalog.default()["ReLU"].cls
    assert component_files(tmp_path) == [tmp_path / "necks" / "relu.py"]


def test_values_that_are_offered_for_a_parameter_are_listed():
    reply = ACTIONS.choices({"type": "TIMMBackbone", "parameter": "model_name"})
    (found,) = [choice for choice in reply.choices if choice.value == "resnet50"]
    assert len(reply.choices) == 1371
    assert found.detail == "25.6 M, 81.2 %, 224 px, cc-by-nc-4.0"
    assert "a1_in1k: 80.38 %" in found.hint
    assert ACTIONS.choices({"type": "TIMMBackbone", "parameter": "in_channels"}).choices == []
    with pytest.raises(GraphError) as caught:
        ACTIONS.choices({"type": "TIMMBackbon", "parameter": "model_name"})
    assert caught.value.problems[0].code == "unknown-type"
