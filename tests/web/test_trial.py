"""What the page shows of each node after the check before a training is what the findings of the check say."""

from types import SimpleNamespace
from typing import Any

import pytest

from composer.training.check.findings import CheckReport
from composer.training.check.proof import NodeProof, Probe
from composer.training.check.step import gradient_findings, policy_finding
from composer.web.setup_payloads import CheckResult
from composer.web.training import trial

MODEL: Any = SimpleNamespace(node_params={"stem": (), "neck": (), "neck.fuse": (), "head": (), "spare": ()})


def shown(
    gradients: dict[str, float], proofs: tuple[NodeProof, ...] = (), unreached: tuple[str, ...] = ()
) -> CheckResult:
    probe = Probe(0, {"loss": 1.0}, gradients, unreached, {}, 0.0)
    findings = (*gradient_findings(MODEL, probe), policy_finding(proofs))
    return trial._result(CheckReport(findings), "cpu")


def proof(node: str, about: str, kind: Any = "trained", moved: float | None = 0.0) -> NodeProof:
    return NodeProof(node, kind, not about, moved, 1.0, about)


def test_a_node_that_moved_as_it_should_has_its_norm_and_how_far_it_moved() -> None:
    node = shown({"stem.weight": 3.0, "stem.bias": 4.0}, (proof("stem", "", moved=1.0),)).nodes["stem"]
    assert (node.norm, node.kind, node.moved, node.state, node.about) == (5.0, "trained", 1.0, "ok", "")


@pytest.mark.parametrize("text", ["off by 0.5", "neck: head: two colons", "a first line\nhead: a second one"])
def test_the_reason_of_a_node_is_shown_whatever_is_in_its_text(text: str) -> None:
    found = shown({"head.weight": 1.0, "stem.weight": 1.0}, (proof("stem", text, "frozen"), proof("head", ""))).nodes
    assert (found["stem"].state, found["stem"].about) == ("error", text)
    assert (found["head"].state, found["head"].about) == ("ok", "")


def test_nodes_far_above_the_median_are_those_that_the_check_names() -> None:
    # of an even number of norms the median lies between the two in the middle: 1,500 is above 1,000 times 1, and
    # below 1,000 times 1.75
    found = shown({"stem.weight": 1.0, "neck.weight": 1.0, "head.weight": 2.5, "spare.weight": 1500.0})
    assert {node: one.state for node, one in found.nodes.items()} == dict.fromkeys(found.nodes, "ok")
    assert {one.state for one in found.findings if one.item == "gradients"} == {"ok"}
    found = shown({"stem.weight": 1.0, "neck.weight": 1.0, "head.weight": 2.5, "spare.weight": 2000.0})
    assert found.nodes["spare"].about == "its gradient is more than 1,000 times the median of all nodes (1.75)"
    [finding] = [one for one in found.findings if one.item == "gradients"]
    assert finding.message == "the gradient of spare is more than 1000 times the median of all nodes (1.75)"


def test_a_gradient_that_is_not_finite_is_an_error_whatever_else_is_found_of_the_node() -> None:
    late = proof("stem", "it moved too little")
    node = shown({"stem.weight": float("nan"), "head.weight": 1.0}, (late,), unreached=("stem.bias",)).nodes["stem"]
    assert (node.broken, node.unreached, node.norm, node.state) == (True, True, None, "error")
    assert node.about == "its gradient is no finite number"


def test_a_weight_that_no_loss_depends_on_is_named_within_its_innermost_node() -> None:
    node = shown({"neck.weight": 1.0}, unreached=("neck.fuse.weight",)).nodes["neck.fuse"]
    assert (node.norm, node.unreached, node.state) == (None, True, "warning")
    assert node.about == "no loss depends on weight"
