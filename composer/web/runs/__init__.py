"""Running models for the browser: each run in a process of its own, with bounded memory and time."""

from composer.web.runs.jobs import ExportJob, Job, RunJob, WeightsChoice
from composer.web.runs.messages import Done, Event, Failed, Progress, Waiting
from composer.web.runs.passes import Passes
from composer.web.runs.results import RunResult
from composer.web.runs.runner import Runner

__all__ = [
    "Done",
    "Event",
    "ExportJob",
    "Failed",
    "Job",
    "Passes",
    "Progress",
    "RunJob",
    "RunResult",
    "Runner",
    "Waiting",
    "WeightsChoice",
]
