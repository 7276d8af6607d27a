"""The check before a training: ``composer train --check`` in a process of its own, with what it shows of each node."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from composer.training.data.source import open_splits
from composer.training.findings import Finding, HealthReport
from composer.training.health import check_training
from composer.training.node_statistics import node_of
from composer.training.recipe import Recipe
from composer.web.confined import read_within
from composer.web.runs.load import Workshop
from composer.web.runs.memory import free_bytes
from composer.web.runs.messages import Progress
from composer.web.setup_payloads import CheckFinding, CheckResult, NodeFinding

__all__ = ["CheckJob"]

_ITEMS = ("recipe", "data", "batch", "memory", "step", "gradients", "policy", "resume", "one batch", "time", "disk")
_NEXT = {
    "": "Building the model and its data",
    "recipe": "Decoding images",
    "data": "Reading two batches",
    "batch": "Counting memory",
    "memory": "Making one step",
    "step": "Looking at gradients",
    "gradients": "Holding each node against its policy",
    "first loss": "Holding each node against its policy",
    "policy": "Saving, loading and going on",
    "resume": "Learning one batch by heart",
    "one batch": "Counting time and disk",
    "time": "Counting disk",
}
"""What comes after an item."""


@dataclass(frozen=True)
class CheckJob:
    """Try a training.

    Args:
        document: The graph.
        recipe: The recipe, with whole paths.
        root: The workspace, out of which nothing is read.
    """

    document: str
    recipe: Recipe
    root: Path

    def perform(self, workshop: Workshop, say: Callable[[Progress], None]) -> CheckResult:
        """Try it.

        Raises:
            GraphError: The graph is none, or there is no data.
        """
        say(Progress(doing="Reading what is in the folder", total=len(_ITEMS)))
        graph = workshop.graph(self.document)
        out = self.root / "runs"
        read_within([self.root])
        source, val = open_splits(self.recipe.data, self.root, seed=self.recipe.seed)
        findings: list[CheckFinding] = []

        def report_progress(item: str) -> None:
            done = _ITEMS.index(item) + 1 if item in _ITEMS else 0
            doing = _NEXT.get(item, "Looking on")
            say(Progress(doing=doing, done=done, total=len(_ITEMS), findings=list(findings)))

        def found(finding: Finding) -> None:
            findings.append(_plain(finding))
            report_progress(finding.item)

        report_progress("")
        device = "cuda" if torch.cuda.is_available() else "cpu"
        with torch.enable_grad():
            report = check_training(
                self.recipe,
                graph,
                workshop.catalog,
                source,
                val,
                out=out,
                device=device,
                limit=_limit(),
                on_finding=found,
            )
        return _result(report, device)


def _limit() -> int | None:
    """Memory that there is for a training here; on an accelerator what it has."""
    return None if torch.cuda.is_available() else free_bytes()


def _plain(finding: Finding) -> CheckFinding:
    return CheckFinding(item=finding.item, state=finding.state, message=finding.message, advice=finding.advice)


def _result(report: HealthReport, device: str) -> CheckResult:
    values: dict[str, Mapping[str, Any]] = {}
    for finding in report.findings:
        values[finding.item] = {**values.get(finding.item, {}), **finding.values}
    memory, time, disk = (values.get(item, {}) for item in ("memory", "time", "disk"))
    return CheckResult(
        state=report.state,
        findings=[_plain(finding) for finding in report.findings],
        nodes=_nodes(values.get("gradients", {}), values.get("policy", {}), report),
        device=device,
        peak=memory.get("peak"),
        usual=memory.get("usual"),
        limit=memory.get("limit"),
        largest=None if memory.get("largest") is None else int(memory["largest"]),
        seconds=_finite(time.get("seconds")),
        low=_finite(time.get("low")),
        high=_finite(time.get("high")),
        disk=disk.get("needed"),
        free=disk.get("free"),
    )


def _nodes(gradients: Mapping[str, Any], policy: Mapping[str, Any], report: HealthReport) -> dict[str, NodeFinding]:
    """What was found of each node, by its path."""
    norms: Mapping[str, float] = gradients.get("norms", {})
    usual = sorted(norm for norm in norms.values() if math.isfinite(norm) and norm > 0)
    middle = usual[len(usual) // 2] if usual else 0.0
    found = {node: _of_norm(norm, middle) for node, norm in norms.items()}
    for name in gradients.get("unreached", ()):
        node = node_of(name, [*found, *(one["node"] for one in policy.get("nodes", ()))])
        before = found.get(node, NodeFinding())
        about = before.about or f"no loss depends on {name.removeprefix(f'{node}.')}"
        found[node] = before.model_copy(update={"unreached": True, "state": "warning", "about": about})
    wrong = {
        line.partition(": ")[0]: line.partition(": ")[2]
        for finding in report.findings
        if finding.item == "policy" and finding.state != "ok"
        for line in finding.message.splitlines()
    }
    for one in policy.get("nodes", ()):
        before = found.get(one["node"], NodeFinding())
        more: dict[str, Any] = {"kind": one["kind"], "moved": _finite(one["moved"])}
        if not one["fine"]:
            more |= {"state": "error" if one["kind"] != "trained" else "warning", "about": wrong.get(one["node"], "")}
        found[one["node"]] = before.model_copy(update=more)
    return found


def _of_norm(norm: float, middle: float) -> NodeFinding:
    if not math.isfinite(norm):
        return NodeFinding(broken=True, state="error", about="its gradient is no finite number")
    if norm == 0:
        return NodeFinding(norm=0.0, state="warning", about="its gradient is 0")
    if norm > 1000 * middle > 0:
        text = f"its gradient is more than 1,000 times the median of all nodes ({middle:.3g})"
        return NodeFinding(norm=norm, state="warning", about=text)
    return NodeFinding(norm=norm)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
