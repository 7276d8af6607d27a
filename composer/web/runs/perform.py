"""One run, inside a worker."""

import time
from collections.abc import Callable

import torch

from composer.graph.plan import plan
from composer.run.arguments import unknown_mode
from composer.web.runs import answers
from composer.web.runs.failures import no_device
from composer.web.runs.hooks import Watch
from composer.web.runs.inputs import feed
from composer.web.runs.jobs import RunJob
from composer.web.runs.load import RefusedError, Workshop, weights_note
from composer.web.runs.memory import peak_bytes, restart_peak
from composer.web.runs.messages import Progress
from composer.web.runs.results import RunResult
from composer.web.runs.values import Recorder

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
    model = workshop.model(graph, job.weights, device).train(job.training)
    program = plan(graph, workshop.catalog).programs[job.mode]
    workshop.report("Preparing the inputs")
    given = feed(graph, program, job, model.port_types)
    inputs, fields = given.to(device)
    recorder = Recorder(program, job.keep, job.keep_bytes, job.watched)
    recorder.given({**inputs, **fields})
    before_pass = recorder.seconds
    watch = Watch(program, say, recorder)
    torch.manual_seed(job.seed)
    with watch.on(model), torch.inference_mode():
        begun = time.perf_counter()
        outputs = model(inputs, fields, mode=job.mode)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds = time.perf_counter() - begun - (recorder.seconds - before_pass)
    watch.node = None
    memory = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else _beyond(before)
    workshop.report("Reading the answers")
    return RunResult(
        mode=job.mode,
        image=given.image,
        classes=answers.classes(graph, outputs) if job.mode == "predict" else [],
        regions=answers.regions(graph, outputs, given.factor, given.frame) if job.mode == "predict" else None,
        losses=answers.losses(outputs) if job.mode == "loss" else {},
        tensors=answers.rows(outputs),
        values=recorder.close(),
        notes=[weights_note(job.weights), *given.notes],
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
