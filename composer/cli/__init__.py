"""The ``composer`` command."""

from composer.cli.app import main

__all__ = ["main"]
