"""One export, inside a worker."""

from composer.export import export
from composer.graph import Graph
from composer.graph.file import write
from composer.openmmlab import whole_config_from_graph
from composer.openmmlab.config_text import write_config
from composer.web.runs.jobs import ExportJob
from composer.web.runs.load import Workshop, weights_note
from composer.web.runs.results import ExportResult

__all__ = ["write_export"]


def write_export(job: ExportJob, workshop: Workshop) -> ExportResult:
    """Write a graph in a format.

    Raises:
        GraphError: The graph has no such form, or is wrong.
    """
    graph = workshop.graph(job.document)
    if job.to == "openmmlab":
        return _config(job, graph, workshop)
    if job.to == "safetensors":
        return _with_weights(job, graph, workshop)
    model = workshop.model(graph, job.weights)
    suffix = {"python": ".py", "onnx": ".onnx"}[job.to]
    workshop.report("Writing the file, reading it again and comparing")
    report = export(model, job.to, job.folder / f"{job.stem}{suffix}", mode=job.mode)
    notes = [f"{report.note[:1].upper()}{report.note[1:]}."] if report.note else []
    if report.difference is not None:
        modes = f"{', '.join(report.modes)} mode{'s' if len(report.modes) > 1 else ''}"
        notes.insert(0, f"Compared with the model in {modes}: the largest difference is {report.difference:.2g}.")
    if job.to != "python":
        notes.append(weights_note(job.weights))
    return ExportResult(files=[report.path.name], notes=notes)


def _config(job: ExportJob, graph: Graph, workshop: Workshop) -> ExportResult:
    whole = whole_config_from_graph(graph, catalog=workshop.catalog)
    config = whole.pop("model")
    path = job.folder / f"{job.stem}_config.py"
    write_config(config, path, whole)
    return ExportResult(files=[path.name], notes=[f"A model of the type {config['type']}."])


def _with_weights(job: ExportJob, graph: Graph, workshop: Workshop) -> ExportResult:
    """The graph file, and its weights with the graph in them."""
    model = workshop.model(graph, job.weights)
    workshop.report("Writing the files")
    write(graph, job.folder / f"{job.stem}.yaml", workshop.catalog)
    model.save(job.folder / f"{job.stem}.safetensors")
    load = f'composer.load("{job.stem}.yaml", weights="{job.stem}.safetensors")'
    notes = [f"In Python: {load}; the .safetensors file alone loads too.", weights_note(job.weights)]
    return ExportResult(files=[f"{job.stem}.yaml", f"{job.stem}.safetensors"], notes=notes)
