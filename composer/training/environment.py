"""What a run was made with: versions, hardware, command, commit."""

import os
import platform
import socket
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

__all__ = ["environment"]

_PACKAGES = ("graph-composer", "torch", "torchvision", "numpy", "pillow", "safetensors", "datasets")
_SLURM = ("SLURM_JOB_ID", "SLURM_JOB_NODELIST", "SLURM_RESTART_COUNT")


def environment() -> dict[str, Any]:
    """Versions, hardware, command and commit of this process, as plain data; what cannot be learned is left out."""
    found = {
        "time": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "host": socket.gethostname(),
        "command": list(sys.argv),
        "folder": str(Path.cwd()),
        "python": platform.python_version(),
        "system": platform.platform(),
        "packages": {name: known for name in _PACKAGES if (known := _version(name)) is not None},
        "processor": {"name": _processor(), "cores": os.cpu_count(), "memory_bytes": _memory()},
        "threads": torch.get_num_threads(),
        "accelerators": _accelerators(),
        "world_size": int(os.environ.get("WORLD_SIZE", "1") or 1),
        "slurm": {name: os.environ[name] for name in _SLURM if name in os.environ},
        "git": _git(Path.cwd()),
    }
    return {name: value for name, value in found.items() if value not in (None, {}, [])}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _accelerators() -> list[dict[str, Any]]:
    found = []
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        about = torch.cuda.get_device_properties(index)
        found.append({"name": about.name, "memory_bytes": about.total_memory, "cuda": torch.version.cuda})
    return found


def _git(folder: Path) -> dict[str, Any] | None:
    commit = _asked(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    return {"commit": commit, "changed": bool(_asked(folder, "status", "--porcelain", "--untracked-files=no"))}


def _asked(folder: Path, *words: str) -> str | None:
    try:
        asked = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return asked.stdout.strip() if asked.returncode == 0 else None
