"""Training from the browser: a run is a process of its own with files as its state; a page starts and reads."""

from composer.web.training.service import Training

__all__ = ["Training"]
