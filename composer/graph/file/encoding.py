"""From the bytes of a text file to its characters; what is no UTF-8 text is named, so that it can be mended."""

from collections.abc import Mapping
from types import MappingProxyType

from composer.problems import GraphError, Problem, Where

__all__ = ["decode", "megabytes", "size_problem"]

_BOMS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
# How files begin that people have beside graphs (magic numbers of file(1)).
_KINDS: Mapping[bytes, str] = MappingProxyType(
    {
        b"\x89PNG": "a PNG image",
        b"\xff\xd8\xff": "a JPEG image",
        b"GIF8": "a GIF image",
        b"II*\x00": "a TIFF image",
        b"MM\x00*": "a TIFF image",
        b"RIFF": "a RIFF file, as WebP images are",
        b"PK\x03\x04": "a ZIP archive, as PyTorch checkpoints are: weights are loaded with `composer weights`",
        b"\x80\x02": "a pickle, as old PyTorch checkpoints are: weights are loaded with `composer weights`",
        b"\x80\x04": "a pickle: it could run anything and is not opened",
        b"\x1f\x8b": "a gzip archive",
        b"%PDF": "a PDF",
        b"\x7fELF": "a program",
        b"MZ\x90": "a program",
        b"\x93NUMPY": "a NumPy array",
        b"\x89HDF": "an HDF5 file",
        b"SQLite": "an SQLite database",
    }
)
_GLIMPSE = 4096


def decode(content: bytes, file: str = "<string>", expected: str = "a graph file as text") -> str:
    """The characters of a file that is UTF-8 text; a byte order mark at its start is left out.

    Args:
        content: The file's bytes.
        file: Its name in messages.
        expected: What it should be.

    Raises:
        GraphError: It is in another encoding, or no text at all.
    """
    encoding = next((name for mark, name in _BOMS if content.startswith(mark)), None) or _without_mark(content)
    if encoding is not None:
        raise GraphError(Problem("not-utf8", Where(file=file), f"the file is {encoding}: save it as UTF-8"))
    found = _kind(content)
    if found is not None:
        raise GraphError(Problem("not-utf8", Where(file=file), f"this is {found}; expected {expected}, in UTF-8"))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise GraphError(_odd_byte(content, error.start, file, expected)) from None


def size_problem(size: int, most: int, file: str, expected: str = "a graph file") -> Problem:
    """What to say about a file that is larger than what is read."""
    found = f"the file is too large: {size:,} bytes ({megabytes(size)}); {expected} has at most {most:,} bytes"
    return Problem("too-large", Where(file=file), f"{found} ({megabytes(most)})")


def megabytes(size: int) -> str:
    """A size as people read it: ``2 MB`` for 2 * 2**20 bytes."""
    return f"{size / 2**20:.1f}".removesuffix(".0") + " MB" if size >= 2**20 else f"{size / 2**10:.0f} kB"


def _kind(content: bytes) -> str | None:
    """What a file is that is no text."""
    known = next((kind for start, kind in _KINDS.items() if content.startswith(start)), None)
    if known is not None:
        return known
    if content[8:10] == b'{"' and int.from_bytes(content[:8], "little") < len(content):
        return "a safetensors file: weights are chosen in the tab Run, or given with --weights"
    glimpse = content[:_GLIMPSE]
    control = sum(byte < 9 or 13 < byte < 32 for byte in glimpse)
    if control > 0.1 * len(glimpse) and control > 8:
        return "a binary file"
    return None


def _without_mark(content: bytes) -> str | None:
    """The encoding of text that has a NUL in every other byte, as ASCII has in UTF-16."""
    return "UTF-16, without a byte order mark" if _is_wide(content[:_GLIMPSE]) else None


def _is_wide(glimpse: bytes) -> bool:
    halves = glimpse[0::2], glimpse[1::2]
    most, least = sorted((half.count(0) / max(len(half), 1) for half in halves), reverse=True)
    return len(glimpse) >= 8 and most > 0.6 and least < 0.1


def _odd_byte(content: bytes, place: int, file: str, expected: str) -> Problem:
    """The first byte that is no UTF-8; text of one byte a character is read as what Windows writes in the West."""
    before = content[:place]
    where = Where("", file, before.count(b"\n") + 1, place - before.rfind(b"\n"))
    text = f"the byte 0x{content[place]:02x} is not UTF-8"
    glimpse = content[max(0, place - _GLIMPSE) : place + _GLIMPSE]
    if any(byte < 9 or 13 < byte < 32 for byte in glimpse):
        return Problem("not-utf8", where, f"{text}, and the file holds control characters: expected {expected}")
    shown = content[place : place + 1].decode("cp1252", "replace")
    if shown.isprintable() and shown != "\ufffd":
        text += f" (as Latin-1 it is {shown!r})"
    return Problem("not-utf8", where, f"{text}: save the file as UTF-8")
