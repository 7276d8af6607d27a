"""What is done before a training, in a process of its own as a run is."""

from collections.abc import Callable
from typing import Protocol

from composer.web.runs.load import Workshop
from composer.web.runs.messages import Progress
from composer.web.setup_payloads import SetupResult

__all__ = ["SetupJob"]


class SetupJob(Protocol):
    """A job that knows itself how it is done."""

    def perform(self, workshop: Workshop, say: Callable[[Progress], None]) -> SetupResult:
        """Do it, inside a worker.

        Args:
            workshop: What there is to work with.
            say: Called with how it goes.

        Raises:
            GraphError: It cannot be done.
        """
        ...
