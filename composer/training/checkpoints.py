"""Checkpoints: whole states of a training, of which the newest can always be read.

A checkpoint is a folder ``step-00001200`` with ``state.pt`` (read with ``weights_only=True`` alone), for sharded models
``shards/`` (torch's distributed checkpoint), and ``manifest.json``, which names every file and its size. It is written
under another name, brought to the disk, and renamed: at any moment, whatever ends the process, there is the old newest
or the new one.
"""

import errno
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from composer.problems import GraphError, Problem, Where

__all__ = ["SHARDS", "STATE", "all_whole", "begin", "finish", "latest", "load", "save", "step_of"]

STATE = "state.pt"
SHARDS = "shards"
MANIFEST = "manifest.json"
FORMAT = 1

_NAME = re.compile(r"step-(\d{8,})")
_HIDDEN = (".new-", ".old-")


def save(folder: str | Path, state: Mapping[str, Any], step: int, *, keep: int | None = None) -> Path:
    """Write a checkpoint.

    Args:
        folder: The folder of all checkpoints; made where there is none.
        state: Tensors and plain data.
        step: Steps that were made.
        keep: How many are kept with this one, the newest; None keeps all.

    Returns:
        The checkpoint's folder.

    Raises:
        GraphError: It cannot be written; those that are there are as they were.
    """
    new = begin(folder, step)
    return finish(new, state, step, keep=keep)


def begin(folder: str | Path, step: int) -> Path:
    """Make the folder that a checkpoint is written into before it has its name.

    What a process that was ended left behind is taken away.

    Args:
        folder: The folder of all checkpoints.
        step: Steps that were made.

    Raises:
        GraphError: It cannot be made.
    """
    root = Path(folder)
    try:
        root.mkdir(parents=True, exist_ok=True)
        for item in root.iterdir():
            if item.name.startswith(_HIDDEN):
                shutil.rmtree(item, ignore_errors=True)
        new = root / f".new-{_name(step)}"
        new.mkdir()
    except OSError as error:
        raise _refusal(root, error) from error
    return new


def finish(new: Path, state: Mapping[str, Any], step: int, *, keep: int | None = None) -> Path:
    """Write the state into a folder of ``begin``, bring all of it to the disk and give it its name.

    Args:
        new: What ``begin`` gave; it may hold shards already.
        state: Tensors and plain data.
        step: Steps that were made.
        keep: How many checkpoints are kept with this one.

    Raises:
        GraphError: It cannot be written; nothing of it stays.
    """
    root = new.parent
    target = root / _name(step)
    try:
        with open(new / STATE, "wb") as file:
            torch.save({"format": FORMAT, "step": step, **state}, file)
        files = sorted(path for path in new.rglob("*") if path.is_file())
        sizes = {path.relative_to(new).as_posix(): path.stat().st_size for path in files}
        text = json.dumps({"format": FORMAT, "step": step, "files": sizes}, indent=1)
        (new / MANIFEST).write_text(text)
        for path in (*files, new / MANIFEST, *(path for path in new.rglob("*") if path.is_dir()), new):
            _sync(path)
        if target.exists():  # of the same step, written by a run that went on from an older one
            target.rename(root / f".old-{target.name}")
        new.rename(target)
        _sync(root)
    except (OSError, RuntimeError) as error:  # torch raises RuntimeError for a full disk
        shutil.rmtree(new, ignore_errors=True)
        raise _refusal(root, error) from error
    _tidy(root, keep)
    return target


def latest(folder: str | Path) -> Path | None:
    """The newest checkpoint that is whole; None where there is none."""
    return next(iter(all_whole(folder)), None)


def all_whole(folder: str | Path) -> list[Path]:
    """The checkpoints that are whole, the newest first."""
    try:
        found = [path for path in Path(folder).iterdir() if _NAME.fullmatch(path.name)]
    except OSError:
        return []
    return [path for path in sorted(found, key=step_of, reverse=True) if is_whole(path)]


def is_whole(checkpoint: Path) -> bool:
    """Whether every file of a checkpoint is there with its size."""
    try:
        sizes = json.loads((checkpoint / MANIFEST).read_bytes())["files"]
        return bool(sizes) and all((checkpoint / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def step_of(checkpoint: Path) -> int:
    """The steps that were made when a checkpoint was written, by its name."""
    match = _NAME.fullmatch(checkpoint.name)
    return int(match[1]) if match else -1


def load(checkpoint: str | Path, *, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read the state of a checkpoint.

    Args:
        checkpoint: Its folder.
        device: Where the tensors go.

    Raises:
        GraphError: It is not whole, or damaged.
    """
    path = Path(checkpoint)
    where = Where(file=str(path))
    if not is_whole(path):
        raise GraphError(Problem("bad-checkpoint", where, "this is no whole checkpoint: files are missing or cut off"))
    try:
        found = torch.load(path / STATE, map_location=device, weights_only=True)
    except Exception as error:  # a damaged file may raise anything
        raise GraphError(Problem("bad-checkpoint", where, f"it cannot be read: {error}")) from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        text = f"it is of another format than this release reads, which is {FORMAT}"
        raise GraphError(Problem("bad-checkpoint", where, text))
    return found


def newest(folder: str | Path, *, report: Callable[[str], None] | None = None) -> tuple[Path, dict[str, Any]] | None:
    """The newest checkpoint that can be read, and its state; None where there is none.

    Args:
        folder: The folder of all checkpoints.
        report: Called with what is wrong with those that cannot be read.
    """
    for path in all_whole(folder):
        try:
            return path, load(path)
        except GraphError as error:
            if report is not None:
                report(f"{path.name} is passed over: {error.problems[0].message}")
    return None


def later_than(folder: str | Path, step: int) -> list[Path]:
    """The checkpoints of later steps, which a run that goes on from this one will write again."""
    return [path for path in all_whole(folder) if step_of(path) > step]


def remove(checkpoint: Path) -> None:
    """Take a checkpoint away; at no moment is there half of one under its name."""
    old = checkpoint.with_name(f".old-{checkpoint.name}")
    shutil.rmtree(old, ignore_errors=True)
    checkpoint.rename(old)
    shutil.rmtree(old, ignore_errors=True)


def _tidy(root: Path, keep: int | None) -> None:
    for path in root.iterdir():
        if path.name.startswith(".old-"):
            shutil.rmtree(path, ignore_errors=True)
    if keep is not None:
        kept = all_whole(root)[:keep]
        for path in [path for path in root.iterdir() if _NAME.fullmatch(path.name) and path not in kept]:
            remove(path)


def _name(step: int) -> str:
    return f"step-{step:08d}"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EACCES, errno.EBADF):  # folders, where a system does not sync them
            raise
    finally:
        os.close(descriptor)


def _refusal(root: Path, error: Exception) -> GraphError:
    cause = error.strerror or str(error) if isinstance(error, OSError) else str(error).splitlines()[0]
    free = shutil.disk_usage(next(path for path in (root, *root.parents) if path.exists())).free
    text = f"the checkpoint cannot be written: {cause}; {free / 2**20:.0f} MiB are free here"
    last = latest(root)
    text += f". The last whole one is {last.name}" if last is not None else ". There is none before it"
    text += "; make room and go on with: composer train --resume"
    return GraphError(Problem("cannot-write", Where(file=str(root)), text))
