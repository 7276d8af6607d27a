"""What runs inside a worker's process."""

import os
import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from composer.web.catalog_source import CatalogSource
from composer.web.runs.export import write_export
from composer.web.runs.failures import failure_of
from composer.web.runs.jobs import ExportJob, Job, RunJob
from composer.web.runs.load import RefusedError, Workshop
from composer.web.runs.memory import allow
from composer.web.runs.messages import Done, Failed, Progress
from composer.web.runs.perform import perform
from composer.web.runs.setup_job import SetupJob

__all__ = ["work"]

_NICE = 5


def work(
    connection: "Connection[bytes, bytes]", job: Job | SetupJob, folders: Sequence[Path], allowed: int | None
) -> None:
    """Do one job, report progress, and end.

    Args:
        connection: To the server; when it goes, so does the process.
        job: The job.
        folders: Folders of a user's components.
        allowed: How many bytes may be taken.
    """
    threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
    os.nice(_NICE)
    if allowed is not None:
        allow(allowed)
    last = Progress(doing="Starting")

    def say(progress: Progress) -> None:
        nonlocal last
        last = progress
        connection.send_bytes(progress.model_dump_json().encode())

    def report(doing: str) -> None:
        say(Progress(doing=doing))

    try:
        report("Reading the components")
        workshop = Workshop(CatalogSource(folders).read().catalog, allowed, report)
        answer: Done | Failed = Done(result=_done(job, workshop, say))
    except RefusedError as error:
        answer = error.failed
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a component raises is reported
        answer = failure_of(error, last.node, last.doing, allowed)
    connection.send_bytes(answer.model_dump_json().encode())
    connection.close()
    os._exit(0)  # nothing is left to do, and what a component left behind may not hold the process


def _done(job: Job | SetupJob, workshop: Workshop, say: Callable[[Progress], None]) -> Any:
    if not isinstance(job, RunJob | ExportJob):
        return job.perform(workshop, say)
    with torch.no_grad():
        return write_export(job, workshop) if isinstance(job, ExportJob) else perform(job, workshop, say)


def _end_with(connection: "Connection[bytes, bytes]") -> None:
    """End the process when the server is gone."""
    try:
        connection.recv_bytes()
    except (EOFError, OSError):
        os._exit(1)
