"""What scripts may ask the server, with ``gradio_client``: the same operations as on the page.

```python
from gradio_client import Client, handle_file

client = Client("http://127.0.0.1:7860")
graph = open("saved_graphs/classification/fashion_mnist.yaml").read()
client.predict(graph, api_name="/check")                              # {"ok": True, "problems": []}
client.predict(graph, "loss", api_name="/code")                       # the source that runs
client.predict(
    graph,
    handle_file("examples/fashion_mnist/02_trouser.png"),
    shipped="classification/fashion_mnist.yaml",
    api_name="/run",
)["classes"][0]["name"]                                               # "Trouser"
```

A graph is given as the text of a graph file (YAML), or of the document that the page holds. No path of the caller
reaches the server's disk: images and weights are uploads.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import api

from composer.graph import MODES, Graph
from composer.graph.file import loads
from composer.graph.file.document import to_document
from composer.graph.link import link
from composer.problems import GraphError, Problem, Where
from composer.rules.sizes import infer_shapes
from composer.rules.sizes.rows import size_rows
from composer.rules.sizes.sizes import shape_text
from composer.run.images import unprepared
from composer.web.actions import Actions
from composer.web.dock.code_tab import source_of
from composer.web.dock.image_file import image_file
from composer.web.dock.sources import Setting
from composer.web.runs import Done, Failed, RunJob, RunResult, WeightsChoice
from composer.web.uploads import uploaded

__all__ = ["Api"]

_AT_ONCE = 4


@dataclass(frozen=True)
class Api:
    """The functions; ``register`` puts them on the page that is being built.

    Args:
        setting: What they need of the server.
        actions: Answers about graphs.
    """

    setting: Setting
    actions: Actions

    def register(self) -> None:
        """Give each function its endpoint: ``/list_components``, ``/check``, ``/shapes``, ``/code`` and ``/run``."""
        for function in (self.list_components, self.check, self.shapes, self.code):
            api(function, api_name=function.__name__, concurrency_limit=_AT_ONCE)
        # Uploads need components: Gradio makes sure of their paths only for these.
        graph = gr.Textbox(visible=False, label="graph: text of a graph file")
        image = image_file(visible=False, label="image: a file; without one the inputs are random numbers")
        mode = gr.Radio(list(MODES), value="predict", visible=False, label="mode")
        weights = gr.File(visible=False, type="filepath", label="weights: a .safetensors file")
        shipped = gr.Textbox("", visible=False, label="shipped: name of a shipped graph whose weights are taken")
        device = gr.Textbox("cpu", visible=False, label="device: cpu, cuda:0 ...")
        label = gr.Number(-1, precision=0, visible=False, label="label: index of a class for loss mode; -1 is random")
        samples = gr.Number(2, precision=0, visible=False, label="samples: how many, without an image")
        seed = gr.Number(0, precision=0, visible=False, label="seed: of random weights and inputs")
        gr.Button(visible=False).click(
            self.run,
            [graph, image, mode, weights, shipped, device, label, samples, seed],
            gr.JSON(visible=False, label="result"),
            api_name="run",
            api_description=self.run.__doc__,
            concurrency_limit=_AT_ONCE,
        )

    def list_components(self) -> list[dict[str, Any]]:
        """All components: type, kind, what each does, its ports, its parameters and their JSON schema."""
        return [component.model_dump(mode="json") for component in self.actions.catalog().components]

    def check(self, graph: str) -> dict[str, Any]:
        """What is wrong with a graph, sizes included.

        Args:
            graph: Text of a graph file.

        Returns:
            ``ok``: whether it can run, and ``problems``: each with code, severity, where, message and perhaps a fix.
        """
        try:
            read = self._graph(graph)
            problems = [
                *infer_shapes(read, self.setting.catalog()).problems,
                *unprepared(read, self.setting.catalog().port_types),
            ]
        except GraphError as error:
            problems = list(error.problems)
        ok = not any(problem.severity == "error" for problem in problems)
        return {"ok": ok, "problems": [problem.to_json() for problem in problems]}

    def shapes(self, graph: str) -> dict[str, Any]:
        """Sizes, parameters and FLOPs of every node and port, as far as the graph can be understood.

        Args:
            graph: Text of a graph file.

        Returns:
            ``parameters``, ``flops`` by mode, ``nodes``, and ``ports``: for each mode what each output port carries.
        """
        try:
            read = self._graph(graph)
        except GraphError as error:
            raise _shown(error) from None
        linked = link(read, self.setting.catalog())
        found = infer_shapes(read, linked.catalog)
        return {
            "parameters": found.parameters,
            "flops": {mode: found.flops(mode) for mode in read.modes},
            "nodes": [row.to_json(read.modes) for row in size_rows(linked, found, read.modes)],
            "ports": {
                mode: {ref: shape_text(size) for ref, size in sizes.items()} for mode, sizes in found.ports.items()
            },
        }

    def code(self, graph: str, mode: str = "tensor") -> str:
        """The Python that runs in a mode.

        Args:
            graph: Text of a graph file.
            mode: ``tensor``, ``loss`` or ``predict``.
        """
        try:
            read = self._graph(graph)
            if mode not in read.modes:
                found = (
                    f"this graph has no outputs for the mode '{mode[:40]}'; it has {', '.join(read.modes) or 'none'}"
                )
                raise GraphError(Problem("no-output", Where("mode"), found))
            return source_of(read, mode, self.setting)
        except GraphError as error:
            raise _shown(error) from None

    def run(
        self,
        request: gr.Request,
        graph: str | None,
        image: str | None = None,
        mode: str | None = "predict",
        weights: str | None = None,
        shipped: str | None = "",
        device: str | None = "cpu",
        label: float | None = -1,
        samples: float | None = 2,
        seed: float | None = 0,
    ) -> dict[str, Any]:
        """Run one mode of a graph, in a process of its own: classes, boxes, losses and tensors as plain data."""
        try:
            job = RunJob(
                document=self._document(graph or ""),
                mode=mode or "predict",
                device=device or "cpu",
                weights=self._weights(weights, shipped or "", int(seed or 0)),
                image=uploaded(image) if image else None,
                label=int(label) if label is not None and label >= 0 else None,
                batch=min(max(int(samples or 2), 1), 64),
                seed=int(seed or 0),
            )
        except GraphError as error:
            raise _shown(error) from None
        for event in self.setting.runner.run(job):
            if isinstance(event, Failed):
                text = "\n".join(f"{item.code} {item.place}: {item.message}" for item in event.problems)
                raise gr.Error(text, print_exception=False)
            if isinstance(event, Done) and isinstance(event.result, RunResult):
                return event.result.to_json()
        raise gr.Error("the run ended without an answer")

    def _graph(self, text: str) -> Graph:
        """The graph in a text of a graph file, or of a document."""
        if text.lstrip().startswith("{"):
            try:
                return self.setting.graph_of(text)
            except GraphError:
                return loads(text, "graph.yaml")  # YAML may begin with a brace too
        return loads(text, "graph.yaml")

    def _document(self, text: str) -> str:
        return json.dumps(to_document(self._graph(text)))

    def _weights(self, upload: str | None, shipped: str, seed: int) -> WeightsChoice:
        if upload:
            return WeightsChoice("uploaded", uploaded(upload), Path(upload).name, seed)
        if not shipped:
            return WeightsChoice("random", seed=seed)
        beside = self.setting.weights("shipped", shipped)
        if beside is None:
            raise GraphError(Problem("no-weights", Where(shipped[:100]), "there are no weights beside this graph"))
        return WeightsChoice("shipped", beside, beside.name, seed)


def _shown(error: GraphError) -> gr.Error:
    return gr.Error("\n".join(map(str, error.problems)), print_exception=False)
