"""How much memory there is, how much a process may take, and how much it took."""

import re
import resource
from pathlib import Path

__all__ = ["allow", "free_bytes", "peak_bytes", "restart_peak", "whole_bytes"]

_STATUS = Path("/proc/self/status")
_MACHINE = Path("/proc/meminfo")
_GROUPS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"), Path("/sys/fs/cgroup/memory/memory.usage_in_bytes")),
)


def free_bytes() -> int | None:
    """Memory that can be taken now, on the machine and in the container; None where the system does not say."""
    found = [size for size in (_entry(_MACHINE, "MemAvailable"), *map(_left, _GROUPS)) if size is not None]
    return min(found, default=None)


def whole_bytes() -> int | None:
    """All memory of the machine, or of the container where that has less; None where the system does not say."""
    found = [size for size in (_entry(_MACHINE, "MemTotal"), *map(_most, _GROUPS)) if size is not None]
    return min(found, default=None)


def allow(size: int) -> None:
    """Let this process take no more than this, beyond what it has; an allocation beyond it fails."""
    own = _entry(_STATUS, "VmData")
    if own is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (own + size, own + size))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def restart_peak() -> int:
    """Forget the largest size this process had; gives its size now."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return 0
    return _entry(_STATUS, "VmRSS") or 0


def peak_bytes() -> int | None:
    """The largest size this process had since ``restart_peak``."""
    return _entry(_STATUS, "VmHWM")


def _entry(path: Path, name: str) -> int | None:
    try:
        found = re.search(rf"^{name}:\s+(\d+) kB$", path.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def _left(group: tuple[Path, Path]) -> int | None:
    try:
        most, now = (path.read_text().strip() for path in group)
    except OSError:
        return None
    return max(int(most) - int(now), 0) if most.isdecimal() and now.isdecimal() else None


def _most(group: tuple[Path, Path]) -> int | None:
    try:
        most = group[0].read_text().strip()
    except OSError:
        return None
    return int(most) if most.isdecimal() else None
