"""Processes that open no file outside of the workspace, whatever the data of a stranger names.

A table of paths, a link, or an annotation ``../../secret.png`` is data that a page brought. ``python -m
composer.web.confined FOLDER ... -- train ...`` is ``composer train ...`` in such a process.
"""

import os
import runpy
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

__all__ = ["read_within"]

_SYSTEM = ("/proc", "/sys", "/dev", "/usr", "/lib", "/lib64", "/bin", "/sbin", "/opt", "/System", "/Library")
_CACHES = ("~/.cache", "~/.triton", "~/.nv")
"""Where compilers and hubs keep what they have."""


def read_within(folders: Iterable[Path]) -> None:
    """From now on this process opens no file but in these folders, Python's own, temporary ones and the system's.

    This cannot be undone, so it is for processes that do one job. Processes that are forked from it keep to it.

    Args:
        folders: The folders.
    """
    own = (sys.prefix, sys.base_prefix, sys.exec_prefix, *(place for place in sys.path if place))
    caches = (tempfile.gettempdir(), *map(os.path.expanduser, _CACHES))
    named = [*map(str, folders), *own, str(Path(__file__).parents[2]), *caches, *_SYSTEM]
    roots = tuple(os.path.realpath(one).rstrip(os.sep) + os.sep for one in named)

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in ("open", "os.listdir", "os.scandir") or not arguments:
            return
        path = arguments[0]
        if isinstance(path, bytes | str | os.PathLike):
            whole = os.path.realpath(os.fsdecode(path)) + os.sep
            if not whole.startswith(roots):
                raise PermissionError(13, "it lies outside of the workspace", os.fsdecode(path))

    sys.addaudithook(look)


if __name__ == "__main__":
    place = sys.argv.index("--")
    read_within([Path(one) for one in sys.argv[1:place]])
    sys.argv = [sys.argv[0], *sys.argv[place + 1 :]]
    runpy.run_module("composer", run_name="__main__", alter_sys=True)
