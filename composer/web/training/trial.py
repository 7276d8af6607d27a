"""The check before a training: ``composer train --check`` in a process of its own, with what it shows of each node."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from composer.training.check.findings import CheckReport, Finding
from composer.training.check.report import CHECKED, check_training
from composer.training.data.source import open_splits
from composer.training.recipe import Recipe
from composer.web.confined import read_within
from composer.web.runs.load import Workshop
from composer.web.runs.memory import free_bytes
from composer.web.runs.messages import Progress
from composer.web.setup_payloads import CheckFinding, CheckResult, NodeFinding

__all__ = ["CheckJob"]

_WORST = ("ok", "warning", "error")
"""States, the worst last."""


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
        items, steps = list(CHECKED), list(CHECKED.values())
        say(Progress(doing="Reading what is in the folder", total=len(items)))
        graph = workshop.graph(self.document)
        out = self.root / "runs"
        read_within([self.root])
        source, val = open_splits(self.recipe.data, self.root, seed=self.recipe.seed)
        findings: list[CheckFinding] = []

        def report_progress(done: int) -> None:
            doing = steps[min(done, len(steps) - 1)]
            say(Progress(doing=doing, done=done, total=len(items), findings=list(findings)))

        def found(finding: Finding) -> None:
            findings.append(_plain(finding))
            report_progress(items.index(finding.item) + 1)

        report_progress(0)
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


def _result(report: CheckReport, device: str) -> CheckResult:
    values: dict[str, Mapping[str, Any]] = {}
    for finding in report.findings:
        values[finding.item] = {**values.get(finding.item, {}), **finding.values}
    memory, time, disk = (values.get(item, {}) for item in ("memory", "time", "disk"))
    return CheckResult(
        state=report.state,
        findings=[_plain(finding) for finding in report.findings],
        nodes=_nodes(values.get("gradients", {}), values.get("policy", {})),
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


def _nodes(gradients: Mapping[str, Any], policy: Mapping[str, Any]) -> dict[str, NodeFinding]:
    """What was found of each node, by its path; of two reasons the one of the worse state."""
    norms: Mapping[str, float] = gradients.get("norms", {})
    found = {node: NodeFinding(norm=_finite(norm), broken=not math.isfinite(norm)) for node, norm in norms.items()}
    for node, entry in gradients.get("nodes", {}).items():
        found[node] = found.get(node, NodeFinding()).model_copy(update=entry)
    for one in policy.get("nodes", ()):
        before = found.get(one["node"], NodeFinding())
        update: dict[str, Any] = {"kind": one["kind"], "moved": _finite(one["moved"])}
        if not one["fine"] and _WORST.index(one["state"]) >= _WORST.index(before.state):
            update |= {"state": one["state"], "about": one["about"]}
        found[one["node"]] = before.model_copy(update=update)
    return found


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
