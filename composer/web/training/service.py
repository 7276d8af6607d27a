"""All that stands behind the Train tab."""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from composer.catalog import Catalog
from composer.graph import Graph
from composer.problems import GraphError
from composer.web.payloads import OpenReply
from composer.web.runs import Runner
from composer.web.training.downloads import Downloads
from composer.web.training.nodes import NodeReader
from composer.web.training.payloads import (
    TrainCompareRequest,
    TrainExportRequest,
    TrainKeepRequest,
    TrainNameRequest,
    TrainNodesRequest,
    TrainRunRequest,
    TrainRunsRequest,
    TrainSamplesRequest,
    TrainStartRequest,
    TrainStopRequest,
)
from composer.web.training.places import Places
from composer.web.training.queue import Queue
from composer.web.training.results import Results
from composer.web.training.runs import Runs
from composer.web.training.setup import Setup
from composer.web.training.start import Starter

__all__ = ["Training"]


class Training:
    """Starts trainings of a workspace and answers about them.

    Args:
        workspace: The folder of a person's graphs.
        folders: Folders of components to enable.
        graph_of: The graph of a document.
        catalog: The components at this moment.
        shown: A graph as it is opened.
        runner: Writes exports.
        at_once: How many trainings run at the same time.
    """

    def __init__(
        self,
        workspace: Path,
        folders: Sequence[Path],
        graph_of: Callable[[str], Graph],
        catalog: Callable[[], Catalog],
        shown: Callable[[Graph], OpenReply],
        runner: Runner,
        *,
        at_once: int = 1,
    ) -> None:
        self.places = Places(workspace)
        self.queue = Queue(self.places, folders, at_once=at_once)
        self.runs = Runs(self.places, self.queue)
        self.downloads = Downloads()
        self.results = Results(self.places, catalog, shown, runner, self.downloads)
        self.nodes = NodeReader(self.places, graph_of, catalog)
        self.setup = Setup(workspace, folders, graph_of, catalog)
        self.starter = Starter(self.places, self.queue, graph_of, catalog, self.setup.forecasts)

    def calls(self) -> Mapping[str, tuple[type[BaseModel], Callable[[Any], BaseModel]]]:
        """What a page can ask: a name, the form of the request, and what answers it."""
        return {
            "train_start": (TrainStartRequest, self.starter.start),
            "train_runs": (TrainRunsRequest, self.runs.table),
            "train_run": (TrainRunRequest, self.runs.look),
            "train_nodes": (TrainNodesRequest, self.nodes.look),
            "train_stop": (TrainStopRequest, self.runs.stop),
            "train_resume": (TrainNameRequest, self.runs.resume),
            "train_delete": (TrainNameRequest, self.runs.delete),
            **self.setup.calls(),
            "train_samples": (TrainSamplesRequest, self.results.samples),
            "train_evaluation": (TrainNameRequest, self.results.evaluation),
            "train_compare": (TrainCompareRequest, self.results.compare),
            "train_keep": (TrainKeepRequest, self.results.keep),
            "train_open": (TrainNameRequest, self.results.open),
            "train_files": (TrainNameRequest, self.results.files),
            "train_export": (TrainExportRequest, self.results.export),
        }

    def __enter__(self) -> "Training":
        with suppress(OSError):  # a workspace that cannot be written is reported by whoever writes to it
            self.queue.open()
        threading.Thread(target=self._read_ahead, name="first reading of runs", daemon=True).start()
        return self

    def _read_ahead(self) -> None:
        """Read what the first page will ask for: graphs, recipes and logs of all runs."""
        with suppress(OSError, GraphError):
            self.runs.table(TrainRunsRequest())

    def __exit__(self, *_: object) -> None:
        self.setup.close()
        self.queue.close()
        self.downloads.close()
