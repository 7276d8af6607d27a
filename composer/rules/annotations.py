"""The rule about classes without annotations: they work, and say little."""

from composer.graph.link import LinkedGraph
from composer.rules.report import Report

__all__ = ["check_annotations"]

_WHAT_THEY_GIVE = (
    "so its ports take any tensor and its parameters any value; types of composer.ports with axes, as in "
    'Annotated[FeatureMap, "B in_channels H W"], check wires and sizes, take in_channels from the wire, and let the '
    "editor offer what fits"
)


def check_annotations(report: Report, linked: LinkedGraph) -> None:
    """Warn of each type without annotations, at the first node of it."""
    reported: set[str] = set()
    for scope in linked.scopes.values():
        for name, node in scope.nodes.items():
            if node.type is None or node.type in reported:
                continue
            reported.add(node.type)
            component = linked.catalog.get(node.type)
            if component is None or not component.unannotated:
                continue
            text = f"{component.name} has no annotations ({'; '.join(component.unannotated)}), {_WHAT_THEY_GIVE}"
            report.add("not-annotated", scope.path("nodes", name), name, text, severity="warning")
