"""The open scope of a graph, as it is drawn."""

from collections.abc import Mapping, Sequence
from typing import Any

from composer.catalog.component import Component
from composer.edits.canvas import Canvas
from composer.edits.values import landing
from composer.graph import Node, Subgraph
from composer.web.payloads import CommentView, ComponentView, GraphView, ModeView, ParameterView, PortView, ProblemView
from composer.web.views.boxes import Boxes
from composer.web.views.catalog_view import type_text
from composer.web.views.insight import Insight, OpenScope
from composer.web.views.modes import Run, runs_of
from composer.web.views.problem_views import problem_views
from composer.web.views.values import shown
from composer.web.views.wire_views import wire_views

__all__ = ["graph_view"]


def graph_view(insight: Insight, path: Sequence[str] = ()) -> GraphView:
    """What to draw.

    Args:
        insight: What is known of the graph.
        path: The calls that lead to the open scope; followed as far as they are there.
    """
    graph, opened = insight.graph, insight.open(path)
    levels = runs_of(opened)
    problems = problem_views(insight.problems, insight.linked, opened.path)
    boxes = Boxes(opened, levels[-1], list(zip(insight.problems, problems, strict=True)))
    return GraphView(
        name=graph.name,
        about=graph.about,
        classes=list(graph.classes),
        path=list(opened.path),
        scope=opened.scope or None,
        subgraphs=[_part(insight, name, body) for name, body in graph.graphs.items()],
        subgraph_params=shown(graph.graphs[opened.scope].params) if opened.scope else {},
        nodes=boxes.all(),
        wires=wire_views(opened, levels[-1], problems),
        outputs=boxes.outputs(),
        modes=[_mode(insight, mode, levels[0][mode], levels[-1][mode], opened, problems) for mode in graph.modes],
        comments=[_comment(item) for item in Canvas.of(graph).comments.get(opened.scope, ())],
        problems=problems,
        parameters=insight.shapes.parameters,
        sizes_known=insight.sizes_known,
    )


def _mode(
    insight: Insight, mode: Any, top: Run, here: Run, opened: OpenScope, problems: Sequence[ProblemView]
) -> ModeView:
    graph = insight.graph
    named = [*opened.fields, *opened.nodes]
    return ModeView(
        mode=mode,
        nodes=[name for name in named if name in here.nodes or name in here.inputs],
        inputs=[name for name in graph.inputs if name in top.inputs],
        data_samples=[name for name in graph.data_samples if name in top.inputs],
        outputs=list(graph.outputs.get(mode, ())),
        flops=insight.shapes.flops(mode) if insight.sizes_known else None,
        problem=next((item.message for item in problems if _stops(item, mode, top)), None),
    )


def _stops(problem: ProblemView, mode: str, top: Run) -> bool:
    """Whether a problem keeps a mode from running."""
    if problem.severity != "error" or problem.mode not in (None, mode):
        return False
    name = problem.path[0] if problem.path else problem.node
    return name is None or name in top.nodes or name in top.inputs or name == f"outputs.{mode}"


def _comment(item: Mapping[str, Any]) -> CommentView:
    x, y, width, height = (float(part) for part in item["box"])
    return CommentView(id=item["id"], text=item["text"], box=(x, y, width, height), colour=item.get("colour", "yellow"))


def _part(insight: Insight, name: str, body: Subgraph) -> ComponentView:
    """A subgraph as a part of the palette."""
    count = len(body.nodes)
    text = f"Subgraph of {count} node{'' if count == 1 else 's'}."
    return ComponentView(
        type=name,
        kind="subgraph",
        summary=text,
        doc=text,
        inputs=[_port(port, declared.type, insight) for port, declared in body.inputs.items()],
        outputs=[_output(insight, name, port) for port in body.outputs],
        parameters=[_parameter(insight, name, key, value) for key, value in body.params.items()],
        json_schema={
            "type": "object",
            "properties": {key: _property(insight, name, key, value) for key, value in body.params.items()},
            "$defs": {},
        },
    )


def _port(name: str, type_: str, insight: Insight) -> PortView:
    kind = insight.catalog.port_types.get(type_)
    sequence = kind is not None and kind.is_sequence and kind.entries == "level"
    return PortView(name=name, type=type_, colour="any" if kind is None else kind.family, sequence=sequence)


def _output(insight: Insight, body: str, port: str) -> PortView:
    """An output of a subgraph."""
    kind = insight.output_type(body, port)
    return PortView(name=port, type="?", colour="any") if kind is None else _port(port, kind.name, insight)


def _parameter(insight: Insight, body: str, name: str, default: Any) -> ParameterView:
    annotation = landing(insight.graph, body, name, insight.catalog.components)
    return ParameterView(
        name=name,
        type="any" if annotation is None else type_text(annotation),
        help=f"Parameter of the subgraph {body}.",
        required=default is None,
        default=shown(default),
    )


def _property(insight: Insight, body: str, name: str, default: Any) -> dict[str, Any]:
    """The JSON schema of a subgraph's parameter: that of the component's parameter in which it lands."""
    found = _landed(insight.graph.graphs[body].nodes, name, insight)
    return {**found, "default": shown(default)}


def _landed(nodes: Mapping[str, Node], name: str, insight: Insight) -> dict[str, Any]:
    for node in nodes.values():
        component: Component | None = insight.catalog.get(node.type)
        for key, value in node.params.items():
            if component is not None and value == f"${name}" and key in component.parameter_by_name:
                schema = component.schema
                if "$defs" not in schema:
                    return dict(schema["properties"].get(key, {}))
    return {}
