"""Names of files that a person gives: of any script, with spaces, and such that every file system takes them."""

import re
import unicodedata
from collections.abc import Collection

__all__ = ["MAX_FOLDERS", "RECIPE_SUFFIX", "RUNS", "SUFFIX", "file_name_of", "name_fault", "normal", "numbered"]

SUFFIX = ".yaml"
RECIPE_SUFFIX = ".recipe.yaml"
"""The recipe of a graph lies beside it: ``net.recipe.yaml`` for ``net.yaml``."""

MAX_CHARACTERS = 100
MAX_BYTES = 240
"""File systems take 255 bytes; weights beside a graph end in ``.safetensors``."""

MAX_FOLDERS = 3

RUNS = "runs"
"""The folder of trainings in a workspace; its graphs are those of runs."""

_FORBIDDEN = re.compile(r'[<>:"|?*\\/]')
_RESERVED = re.compile(r"(?i)(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])")
# They turn or hide what stands beside them. Joiners belong to words of some scripts, and to emoji.
_MISLEADING = re.compile("[\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
_NUMBER = re.compile(r"[ _-]?([0-9]{1,6})$")


def normal(name: str) -> str:
    """The form in which a name is kept (NFC): an accent that is written by itself or with its letter is the same."""
    return unicodedata.normalize("NFC", name)


def name_fault(name: str) -> str | None:
    """What is wrong with the name of a file in the workspace, in words; None if it can be used.

    Args:
        name: The name with its suffix, and with ``/`` after each folder.
    """
    if not name.endswith(SUFFIX):
        return f"the name of a graph file ends in {SUFFIX}"
    if name.endswith(RECIPE_SUFFIX):
        return f"names that end in {RECIPE_SUFFIX} are those of recipes"
    if name.startswith("/"):
        return "it begins with a slash: the name of a file is given from the workspace on"
    *folders, last = normal(name).removesuffix(SUFFIX).split("/")
    if len(folders) > MAX_FOLDERS:
        return f"it lies in {len(folders)} folders, at most {MAX_FOLDERS} are used"
    found = (
        _part_fault(part, "the name of the folder" if place else "the name") for place, part in _parts(folders, last)
    )
    return next((fault for fault in found if fault is not None), None)


def file_name_of(title: str, taken: Collection[str] = ()) -> str:
    """A name for the file of a graph, from what the graph is called.

    What no file system takes becomes a space or ``_``; a name that is taken gets a number.

    Args:
        title: The graph's name.
        taken: Names of files that it cannot have, with their suffix.
    """
    plain = _FORBIDDEN.sub("_", _MISLEADING.sub("", normal(title)))
    plain = "".join(char if char.isprintable() or char == "\u200d" else " " for char in plain)
    plain = re.sub(r" {2,}", " ", plain).strip(" .")
    if _RESERVED.fullmatch(plain.partition(".")[0].strip()):
        plain = f"{plain}_"
    while len(plain) > MAX_CHARACTERS - 10 or len(plain.encode()) > MAX_BYTES - 10:
        plain = plain[:-1].strip(" .")
    return numbered(f"{plain or 'model'}{SUFFIX}", taken)


def numbered(name: str, taken: Collection[str]) -> str:
    """A name that is not taken: ``my net.yaml``, ``my net 2.yaml``, ``my_net_2.yaml``.

    Upper and lower case count as the same, as on Windows and macOS.

    Args:
        name: The wanted one, with its suffix.
        taken: Names that it cannot have.
    """
    used = {other.casefold() for other in taken}
    if name.casefold() not in used:
        return name
    stem = name.removesuffix(SUFFIX)
    found = _NUMBER.search(stem)
    gap = " " if " " in stem else "_"
    base, number = (stem[: found.start()], int(found[1])) if found and found.start() else (stem, 1)
    while f"{base}{gap}{number}{SUFFIX}".casefold() in used or number < 2:
        number += 1
    return f"{base}{gap}{number}{SUFFIX}"


def _parts(folders: list[str], last: str) -> list[tuple[int, str]]:
    return [*((1, folder) for folder in folders), (0, last)]


def _part_fault(part: str, what: str) -> str | None:
    """What is wrong with the name of one file or folder."""
    device = part.partition(".")[0].strip()
    size = len(part.encode("utf-8", "replace"))
    faults = (
        (not part.strip(), "is empty"),
        (
            len(part) > MAX_CHARACTERS,
            f"is too long: it has {len(part):,} characters, at most {MAX_CHARACTERS} are taken",
        ),
        (size > MAX_BYTES, f"is too long: it takes {size:,} bytes, file systems have room for {MAX_BYTES}"),
        (part == "~", "is '~', which stands for the home folder"),
        (part.startswith("."), "begins with a dot, which hides it"),
        (part != part.strip(), "begins or ends with a space, which cannot be seen"),
        (part.endswith("."), "ends with a dot, which Windows drops"),
        (_RESERVED.fullmatch(device) is not None, f"is {device!r}, which Windows keeps for a device"),
    )
    found = next((text for wrong, text in faults if wrong), None)
    if found is not None:
        return f"{what} {found}"
    odd = next((char for char in part if _is_odd(char)), None)
    if odd is None:
        return None
    if _FORBIDDEN.match(odd):
        return f"{what} contains {odd!r}, which Windows forbids in file names"
    described = f"U+{ord(odd):04X} ({unicodedata.name(odd, 'control character').lower()})"
    return f"{what} contains {described}, which cannot be seen"


def _is_odd(char: str) -> bool:
    kind = unicodedata.category(char)
    return bool(_FORBIDDEN.match(char) or _MISLEADING.match(char)) or kind in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp")
