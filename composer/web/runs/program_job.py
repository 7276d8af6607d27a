"""One program of ``torch.export``, inside a worker."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from composer.graph.file.document import to_document
from composer.modules import from_pt2
from composer.modules.blocks import identifier
from composer.web.confined import read_within
from composer.web.filenames import SUFFIX
from composer.web.runs.load import Workshop
from composer.web.runs.messages import Progress
from composer.web.setup_payloads import ProgramResult
from composer.web.views.problem_views import problem_view

__all__ = ["ProgramJob"]


@dataclass(frozen=True)
class ProgramJob:
    """Read a ``.pt2`` file as a graph, and write its weights.

    Args:
        source: The upload.
        name: What it was called.
        target: The file of weights, in a folder that is there.
    """

    source: Path
    name: str
    target: Path

    def perform(self, workshop: Workshop, say: Callable[[Progress], None]) -> ProgramResult:
        """Read it.

        Raises:
            GraphError: The file is refused, or the graph is not the same function.
        """
        read_within([self.source.parent, self.target.parent])
        say(Progress(doing="Reading the program, and comparing the graph with it"))
        title = identifier(self.target.stem, attribute=False)
        found = from_pt2(self.source, name=title, title=self.name, catalog=workshop.catalog)
        say(Progress(doing="Writing the weights"))
        found.save(self.target)
        return ProgramResult(
            document=json.dumps(to_document(found.graph), ensure_ascii=False, separators=(",", ":")),
            file=f"{self.target.parent.name}/{self.target.stem}{SUFFIX}",
            notes=[problem_view(problem) for problem in found.report.problems()],
        )
