"""Says whether the built bundle is that of the sources beside it: ``make web`` records of what it was built."""

import hashlib
import sys
from pathlib import Path

__all__ = ["FRONTEND", "RECORD", "sources_mark"]

FRONTEND = Path(__file__).parent / "frontend"
RECORD = Path(__file__).parent / "static" / "sources.sha256"
_BESIDE = ("package.json", "package-lock.json", "tsconfig.json", "vite.config.ts")


def sources_mark() -> str:
    """A hash of all that the bundle is built from, line ends aside."""
    paths = [
        *(FRONTEND / name for name in _BESIDE),
        *sorted(path for path in (FRONTEND / "src").rglob("*") if _built(path)),
    ]
    found = hashlib.sha256()
    for path in paths:
        content = path.read_bytes().replace(b"\r\n", b"\n")
        found.update(f"{path.relative_to(FRONTEND).as_posix()} {len(content)}\n".encode() + content)
    return found.hexdigest()


def _built(path: Path) -> bool:
    """Whether a source goes into the bundle; tests do not."""
    return path.is_file() and ".test." not in path.name


if __name__ == "__main__":
    if "--record" in sys.argv:
        RECORD.write_text(sources_mark() + "\n", "utf-8")
    sys.stdout.write(sources_mark() + "\n")
