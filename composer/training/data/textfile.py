"""Small files of text beside data: read whole, within a bound, with the line of each fault."""

from pathlib import Path

from composer.problems import GraphError, Problem, Where
from composer.training.data.objects import inside, raise_all
from composer.training.data.samples import printable

__all__ = ["MAX_TEXT", "file_bytes", "file_text", "names_listed"]

MAX_TEXT = 256 * 2**20
"""Most bytes of a list of names."""


def file_bytes(path: Path, most: int = MAX_TEXT) -> bytes:
    """What a file holds.

    Raises:
        GraphError: It is not there, cannot be read, or is too large.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        code = "no-file" if isinstance(error, FileNotFoundError) else "cannot-read"
        text = f"this file of annotations cannot be read: {error.strerror or error}"
        raise GraphError(Problem(code, Where(file=str(path)), text)) from None
    if len(data) > most:
        raise GraphError(Problem("bad-data", Where(file=str(path)), f"it has more than {most // 2**20} MiB"))
    return data


def file_text(path: Path, most: int = MAX_TEXT) -> str:
    """The text of a file in UTF-8.

    Raises:
        GraphError: As ``file_bytes``, or it is not UTF-8.
    """
    data = file_bytes(path, most)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where = Where(file=str(path), line=data.count(b"\n", 0, error.start) + 1)
        raise GraphError(Problem("bad-data", where, "this is not text in UTF-8")) from None


def names_listed(path: Path) -> list[str]:
    """The names in a list, the first word of each line, sorted.

    Raises:
        GraphError: The list cannot be read, is empty, names one twice, or one that leaves the folder.
    """
    found: dict[str, int] = {}
    problems: list[Problem] = []
    for number, line in enumerate(file_text(path).splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        name = inside(words[0])
        if name is None or name in found:
            what = "a path that leaves the folder" if name is None else f"named already in line {found[name]}"
            text = f"'{printable(words[0])}' is {what}"
            problems.append(Problem("bad-data", Where(file=str(path), line=number), text))
        else:
            found[name] = number
    raise_all(problems[:100])
    raise_all([] if found else [Problem("bad-data", Where(file=str(path)), "this list names nothing")])
    return sorted(found)
