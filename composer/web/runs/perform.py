"""One run, inside a worker."""

import time
from collections.abc import Callable
from typing import Any

import torch

from composer.graph import Graph
from composer.graph.plan import plan
from composer.run.arguments import unknown_mode
from composer.web.runs import answers
from composer.web.runs.activations import watched
from composer.web.runs.hooks import Watch, first_sample
from composer.web.runs.inputs import Feed, feed
from composer.web.runs.jobs import RunJob
from composer.web.runs.load import RefusedError, Workshop, weights_note
from composer.web.runs.memory import peak_bytes, restart_peak
from composer.web.runs.messages import Progress
from composer.web.runs.results import RunResult, Watched
from composer.web.runs.troubles import no_device

__all__ = ["perform"]

Say = Callable[[Progress], None]


def perform(job: RunJob, workshop: Workshop, say: Say) -> RunResult:
    """Run one mode of a graph.

    Raises:
        GraphError: The graph, the weights or the image are wrong.
        RefusedError: It cannot run here.
    """
    graph = workshop.graph(job.document)
    if job.mode not in graph.modes:
        raise unknown_mode(graph, job.mode)
    device = _device(job.device)
    before = restart_peak()
    model = workshop.model(graph, job.weights, device)
    program = plan(graph, workshop.catalog).programs[job.mode]
    workshop.tell("Preparing the inputs")
    given = feed(graph, program, job, model.port_types)
    inputs, fields = given.to(device)
    watch = Watch(program, say, job.watched)
    torch.manual_seed(job.seed)
    with watch.on(model), torch.inference_mode():
        begun = time.perf_counter()
        outputs = model(inputs, fields, mode=job.mode)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds = time.perf_counter() - begun
    watch.node = None
    memory = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else _beyond(before)
    workshop.tell("Reading the answers")
    return RunResult(
        mode=job.mode,
        image=given.image,
        classes=answers.classes(graph, outputs) if job.mode == "predict" else [],
        regions=answers.regions(graph, outputs, given.factor, given.frame) if job.mode == "predict" else None,
        losses=answers.losses(outputs) if job.mode == "loss" else {},
        tensors=answers.rows(outputs),
        watched=_watched(job, given, watch),
        notes=[weights_note(job.weights), *given.notes, *_not_run(job, graph, given, watch)],
        seconds=seconds,
        memory=memory,
        parameters=sum(item.numel() for item in model.parameters()),
        device=str(device),
    )


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError:
        raise RefusedError(no_device(name)) from None
    there = device.type == "cpu" or (device.type == "cuda" and (device.index or 0) < torch.cuda.device_count())
    if not there:
        raise RefusedError(no_device(name))
    return device


def _beyond(before: int) -> int | None:
    peak = peak_bytes()
    return None if peak is None or not before else max(peak - before, 0)


def _watched(job: RunJob, given: Feed, watch: Watch) -> list[Watched]:
    """The outputs of the selected node, each level of a sequence by itself."""
    values = list(watch.outputs())
    fed = {**given.inputs, **given.data_samples}
    if job.watched in fed:
        values = [("", _first_of(fed[job.watched]))]
    found = []
    for port, value in values:
        levels = [(f"{port}[{place}]", item) for place, item in enumerate(value)] if isinstance(value, list) else []
        for name, item in levels or [(port, value)]:
            if isinstance(item, torch.Tensor):
                found.append(watched(job.watched, name, item))
    return found


def _first_of(value: Any) -> Any:
    """What is fed for the first sample; of one tensor an image that of the first image."""
    return first_sample(value) if isinstance(value, torch.Tensor) else first_sample(value[0][None])


def _not_run(job: RunJob, graph: Graph, given: Feed, watch: Watch) -> list[str]:
    fed = job.watched in given.inputs or job.watched in given.data_samples
    if not job.watched or fed or watch.kept or job.watched.startswith("outputs"):
        return []
    does = "needed" if job.watched in graph.inputs or job.watched in graph.data_samples else "run"
    return [f"{job.watched} is not {does} in {job.mode} mode."]
