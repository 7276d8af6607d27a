"""Archives of data that a person uploads: unpacked into the workspace, with care.

Everything that is wrong is found in the table of contents, before a byte is unpacked. While unpacking, what comes out
is counted, since a table may lie. The folder appears whole under its name, or not at all.
"""

import errno
import os
import re
import shutil
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from composer.problems import GraphError, Problem, Where, byte_text, some_of
from composer.training.data.samples import printable
from composer.web.filenames import file_name_of
from composer.web.runs.load import Workshop
from composer.web.runs.messages import Progress
from composer.web.setup_payloads import UnpackResult
from composer.web.training.folders import shown_path

__all__ = ["Bounds", "UnpackJob", "contents", "unpack"]

_CHUNK = 2**20
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
_CLUTTER = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$|Thumbs\.db$|desktop\.ini$|\._[^/]*$)", re.IGNORECASE)
_SMALL = 2**20
"""A file that unpacks to less is no bomb, whatever its ratio."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much an archive may hold.

    Args:
        files: Entries.
        total: Bytes of all files.
        each: Bytes of one file.
        ratio: Times that a file may grow; images hardly shrink, texts some 20 times.
        depth: Folders inside each other.
        name: Bytes of the name of a file or folder.
    """

    files: int = 2_000_000
    total: int = 100 * 2**30
    each: int = 8 * 2**30
    ratio: int = 200
    depth: int = 20
    name: int = 240


@dataclass(frozen=True)
class UnpackJob:
    """Unpack an upload into ``data`` of the workspace.

    Args:
        archive: The upload.
        name: What it was called.
        root: The workspace.
        begun: A folder beside where it goes, for what is not whole yet; who asks for the job removes it.
        bounds: How much it may hold.
    """

    archive: Path
    name: str
    root: Path
    begun: Path
    bounds: Bounds = Bounds()

    def perform(self, workshop: Workshop, say: Callable[[Progress], None]) -> UnpackResult:
        """Unpack it.

        Raises:
            GraphError: It is no zip file, or one that is refused; carries all reasons.
        """
        say(Progress(doing="Reading what is in the archive"))
        free = shutil.disk_usage(self.begun.parent).free
        entries, skipped = contents(self.archive, self.name, self.bounds, free)

        def progress(done: int) -> None:
            say(Progress(doing="Unpacking", done=done, total=len(entries)))

        size = unpack(self.archive, self.name, entries, self.begun, progress)
        place = _placed(self.begun, self.name)
        return UnpackResult(path=shown_path(self.root, place), files=len(entries), bytes=size, skipped=skipped)


def contents(
    archive: Path, name: str, bounds: Bounds | None = None, free: int | None = None
) -> tuple[list[zipfile.ZipInfo], int]:
    """The files of an archive, none of which is dangerous.

    Args:
        archive: The file.
        name: What messages call it.
        bounds: How much it may hold.
        free: Bytes that the disk has.

    Returns:
        The entries of files, and how many were left out as clutter.

    Raises:
        GraphError: It is no zip file, or is refused; carries all reasons, each with the names of the first entries.
    """
    bounds = bounds or Bounds()
    try:
        with zipfile.ZipFile(archive) as file:
            entries = file.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        text = f"this is no zip file that can be read: {error}"
        raise GraphError(Problem("bad-archive", Where(name), text)) from None
    kept = [entry for entry in entries if not _CLUTTER.search(entry.filename)]
    files = [entry for entry in kept if not entry.is_dir()]
    problems = [Problem("bad-archive", Where(name), text) for text in _faults(kept, files, bounds, free)]
    if problems:
        raise GraphError(problems)
    return files, len(entries) - len(kept)


def unpack(
    archive: Path,
    name: str,
    entries: list[zipfile.ZipInfo],
    folder: Path,
    progress: Callable[[int], None] = lambda done: None,
) -> int:
    """Unpack entries into a new folder.

    Args:
        archive: The file.
        name: What messages call it.
        entries: What ``contents`` gave.
        folder: The folder, which is made.
        progress: Called with how many files are there.

    Returns:
        Bytes that were written.

    Raises:
        GraphError: An entry is damaged, is larger than the table of contents says, or cannot be written.
    """
    written = 0
    entry = None
    try:
        folder.mkdir(parents=True)
        with zipfile.ZipFile(archive) as file:
            for done, entry in enumerate(entries, start=1):
                target = folder.joinpath(*PurePosixPath(entry.filename).parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                with file.open(entry) as source, open(target, "xb") as out:
                    size = 0
                    while block := source.read(_CHUNK):
                        size += len(block)
                        if size > entry.file_size:
                            raise zipfile.BadZipFile("it is larger than the archive says")
                        out.write(block)
                written += size
                progress(done)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        text = f"'{_plain(entry.filename) if entry else name}' is damaged: {error}"
        raise GraphError(Problem("bad-archive", Where(name), text)) from None
    except OSError as error:
        text = f"'{_plain(entry.filename) if entry else name}' cannot be written: {error.strerror or error}"
        raise GraphError(Problem("cannot-write", Where(name), text)) from None
    return written


def _placed(begun: Path, name: str) -> Path:
    """Give the whole folder its name: that of the one folder in it, or else the archive's."""
    inside = list(begun.iterdir())
    whole = inside[0] if len(inside) == 1 and inside[0].is_dir() else begun
    title = whole.name if whole != begun else re.sub(r"(?i)\.zip$", "", name.replace("\\", "/").rpartition("/")[2])
    parent = begun.parent
    while True:
        taken = [f"{path.name}.yaml" for path in parent.iterdir()]
        place = parent / file_name_of(title, taken).removesuffix(".yaml")
        try:
            os.rename(whole, place)
        except OSError as error:
            if error.errno in (errno.EEXIST, errno.ENOTEMPTY):  # another upload took the name in this moment
                continue
            text = f"the folder cannot be moved into place: {error.strerror or error}"
            raise GraphError(Problem("cannot-write", Where(name), text)) from None
        return place


def _faults(
    entries: list[zipfile.ZipInfo], files: list[zipfile.ZipInfo], bounds: Bounds, free: int | None
) -> Iterator[str]:
    """Everything that is wrong with a table of contents."""
    if not files:
        yield "there are no files in it"
    if len(entries) > bounds.files:
        yield f"it holds {len(entries):,} entries, at most {bounds.files:,} are unpacked"
        return
    for words, wrong in (
        ("have names that lead out of the folder", _leads_out),
        ("have names that no file system takes", lambda one: _is_odd(one, bounds)),
        ("are links or devices, which are not unpacked", _is_special),
        ("are encrypted, and no password is asked for", lambda one: bool(one.flag_bits & _ENCRYPTED)),
        ("are packed in a way that is not read here", lambda one: one.compress_type not in _METHODS),
        (f"are larger than {byte_text(bounds.each)}", lambda one: one.file_size > bounds.each),
        (f"would grow more than {bounds.ratio} times, as bombs do", lambda one: _grows(one, bounds.ratio)),
    ):
        found = [one for one in entries if wrong(one)]
        if found:
            yield f"{len(found):,} entries {words}: {_some_of(found)}"
    if twice := _twice(files):
        yield f"{len(twice):,} entries are there twice, or differ in small and capital letters only: {_some_of(twice)}"
    if blocked := _under_files(files):
        yield f"{len(blocked):,} entries lie in what is a file: {_some_of(blocked)}"
    total = sum(one.file_size for one in files)
    if total > bounds.total:
        yield f"it unpacks to {byte_text(total)}, at most {byte_text(bounds.total)} are unpacked"
    if free is not None and total > free * 0.9:
        yield f"it unpacks to {byte_text(total)}, and {byte_text(free)} are free on the disk"


def _leads_out(entry: zipfile.ZipInfo) -> bool:
    name = entry.orig_filename
    parts = re.split(r"[/\\]", name)
    return name.startswith(("/", "\\", "~")) or ".." in parts or bool(re.match(r"[A-Za-z]:", name))


def _is_odd(entry: zipfile.ZipInfo, bounds: Bounds) -> bool:
    name = entry.orig_filename
    parts = name.rstrip("/").split("/")
    odd = any(part in ("", ".") or len(part.encode("utf-8", "replace")) > bounds.name for part in parts)
    control = any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name)
    return odd or control or "\\" in name or len(parts) > bounds.depth


def _is_special(entry: zipfile.ZipInfo) -> bool:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    return kind not in (0, stat.S_IFREG, stat.S_IFDIR)


def _grows(entry: zipfile.ZipInfo, ratio: int) -> bool:
    return entry.file_size > max(_SMALL, ratio * max(entry.compress_size, 1))


def _twice(files: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    seen: set[str] = set()
    found = []
    for entry in files:
        key = unicodedata.normalize("NFC", entry.filename).casefold()
        if key in seen:
            found.append(entry)
        seen.add(key)
    return found


def _under_files(files: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    """Entries one of whose folders is a file of the archive."""
    names = {entry.filename.casefold() for entry in files}
    return [
        entry
        for entry in files
        if any(str(parent).casefold() in names for parent in PurePosixPath(entry.filename).parents)
    ]


def _some_of(entries: Sequence[zipfile.ZipInfo]) -> str:
    return some_of([f"'{_plain(entry.orig_filename)}'" for entry in entries], 5)


def _plain(name: str) -> str:
    shown = printable(name)
    return shown if len(shown) <= 80 else f"{shown[:80]}..."
