"""The archive of a ``.pt2`` file: a zip of JSON and raw bytes, whose pickles are never opened.

The layout is that of torch 2.9 to 2.14: ``NAME/models/model.json``, ``NAME/data/weights/model_weights_config.json``
with raw ``weight_0`` ..., and the same for constants. Every size is held against the bytes that are there before
anything of that size is made.
"""

import io
import json
import math
import re
import stat
import struct
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch

from composer.problems import GraphError, Problem, Where

__all__ = ["DTYPES", "Archive", "RefusedError", "read_archive"]

MAX_ENTRIES = 65_000
MAX_DIRECTORY = 16 * 2**20
MAX_JSON = 48 * 2**20
MAX_CONFIG = 16 * 2**20
MAX_DIMENSIONS = 16
_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,200}")
_STRIDED = 7

DTYPES = {
    1: torch.uint8, 2: torch.int8, 3: torch.int16, 4: torch.int32, 5: torch.int64, 6: torch.float16, 7: torch.float32,
    8: torch.float64, 12: torch.bool, 13: torch.bfloat16,
}  # fmt: skip
"""Number formats by their numbers in the schema (``torch._export.serde.schema.ScalarType``)."""


class RefusedError(Exception):
    """A file is refused; the text says why."""


@dataclass(frozen=True)
class Archive:
    """What a file holds, as far as it is read.

    Args:
        program: The document of the program.
        tensors: The weights by their names in the module's state dict.
        constants: Other tensors that the program reads, by name.
        learned: Names of the weights that take gradients.
    """

    program: Mapping[str, Any]
    tensors: Mapping[str, torch.Tensor]
    constants: Mapping[str, torch.Tensor]
    learned: frozenset[str]


def read_archive(source: str | Path | bytes, name: str = "") -> Archive:
    """Read a ``.pt2`` file.

    Args:
        source: The file, or its bytes.
        name: What problems call it.

    Raises:
        GraphError: It is no such file, it is damaged, or something in it cannot be read without running it.
    """
    title = name or (str(source) if not isinstance(source, bytes) else "the file")
    try:
        if isinstance(source, bytes):
            return _read(io.BytesIO(source), len(source))
        path = Path(source)
        if not path.is_file():
            raise GraphError(Problem("no-file", Where(title), "there is no such file"))
        with path.open("rb") as file:
            return _read(file, path.stat().st_size)
    except (RefusedError, zipfile.BadZipFile, NotImplementedError, struct.error, OSError, EOFError) as error:
        text = str(error) or type(error).__name__
        raise GraphError(Problem("cannot-import", Where(title), text)) from error


def _read(file: BinaryIO, size: int) -> Archive:
    _check_directory(file, size)
    with zipfile.ZipFile(file) as archive:
        entries = _entries(archive, size)
        if entries.get("byteorder") is not None and _bytes(archive, entries, "byteorder", 16) != b"little":
            raise RefusedError("its numbers are big-endian")
        if "models/model.json" not in entries:
            raise RefusedError(_no_program(entries))
        program = _document(archive, entries, "models/model.json", MAX_JSON)
        tensors, learned = _tensors(archive, entries, "data/weights", "model_weights_config.json")
        constants, _ = _tensors(archive, entries, "data/constants", "model_constants_config.json")
    return Archive(program, tensors, constants, frozenset(learned))


def _no_program(entries: Mapping[str, zipfile.ZipInfo]) -> str:
    if "serialized_exported_program.json" in entries or any(name.endswith("exported_program.json") for name in entries):
        return "it was written by torch before 2.9, with its weights as a pickle: export it again with a newer torch"
    if any(name.endswith((".so", ".wrapper.cpp")) for name in entries):
        return "it holds compiled code and no program: give the file that torch.export.save writes"
    if any(name.endswith("data.pkl") for name in entries):
        return "this is a pickle of torch.save and no .pt2 file: give the file that torch.export.save writes"
    return "it holds no models/model.json: give the file that torch.export.save writes"


def _check_directory(file: BinaryIO, size: int) -> None:
    """Refuse a directory that is larger than any real one, before it is read."""
    start = max(0, size - 22 - 65_535)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    while at >= 0 and tail[at + 20 : at + 22] != struct.pack("<H", max(0, len(tail) - at - 22)):
        at = tail.rfind(b"PK\x05\x06", 0, at)
    if at < 0:
        raise RefusedError("this is no .pt2 file, or it is cut off: it does not end as a zip archive does")
    entries, length = struct.unpack("<HI", tail[at + 10 : at + 16])
    locator = tail[max(0, at - 20) : at]
    if locator.startswith(b"PK\x06\x07"):
        (offset,) = struct.unpack("<Q", locator[8:16])
        file.seek(min(offset, size))
        record = file.read(56)
        if len(record) < 56:
            raise RefusedError("it is damaged: its directory lies outside the file")
        entries, length = struct.unpack("<Q", record[32:40])[0], struct.unpack("<Q", record[40:48])[0]
    if entries > MAX_ENTRIES or length > MAX_DIRECTORY:
        raise RefusedError(f"it declares {entries:,} entries: at most {MAX_ENTRIES:,} are read")
    file.seek(0)


def _entries(archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    """The entries by their names behind the folder that holds them all.

    Raises:
        RefusedError: A name leaves the archive, stands twice or is a link, or entries are compressed or overlap.
    """
    found: dict[str, zipfile.ZipInfo] = {}
    roots: set[str] = set()
    for entry in archive.infolist():
        fault = _fault(entry)
        if fault:
            raise RefusedError(f"the entry {entry.filename!r:.80} {fault}")
        if entry.is_dir():
            continue
        root, _, inside = entry.filename.partition("/")
        roots.add(root)
        if inside in found:
            raise RefusedError(f"there are two entries of the name {entry.filename!r:.80}")
        found[inside] = entry
    if len(roots) != 1 or "" in found:
        raise RefusedError("its entries do not lie in one folder, as those of torch.export.save do")
    end = 0
    for entry in sorted(found.values(), key=lambda item: item.header_offset):
        if entry.header_offset < end:
            raise RefusedError(f"the entry {entry.filename!r:.80} overlaps another")
        end = entry.header_offset + 30 + len(entry.orig_filename) + entry.file_size
        if end > size:
            raise RefusedError(
                f"the entry {entry.filename!r:.80} declares {entry.file_size:,} bytes, more than there are"
            )
    return found


def _fault(entry: zipfile.ZipInfo) -> str:
    """What is wrong with an entry by itself; empty if nothing is."""
    name = entry.filename
    parts = name.split("/")
    if name.startswith("/") or "\\" in name or ":" in name or ".." in parts or "" in parts[:-1]:
        return "has a name that leads out of the archive"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "is a link"
    if not entry.is_dir() and (entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size):
        return "is compressed: torch.export.save compresses nothing"
    return "is encrypted" if entry.flag_bits & 1 else ""


def _bytes(archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo], name: str, most: int) -> bytes:
    entry = entries.get(name)
    if entry is None:
        raise RefusedError(f"it lacks {name}")
    if entry.file_size > most:
        raise RefusedError(f"{name} has {entry.file_size:,} bytes: at most {most:,} are read")
    return archive.read(entry)


def _document(archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo], name: str, most: int) -> dict[str, Any]:
    """A JSON object.

    Raises:
        RefusedError: It is none, it is too deep, or a key stands in it twice.
    """
    try:
        found = json.loads(_bytes(archive, entries, name, most), object_pairs_hook=_object)
    except RecursionError:
        raise RefusedError(f"{name} is nested too deeply") from None
    except ValueError as error:
        raise RefusedError(f"{name} is no JSON: {error}"[:200]) from None
    if not isinstance(found, dict):
        raise RefusedError(f"{name} holds {type(found).__name__}, expected an object")
    return found


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    listed = list(pairs)
    found = dict(listed)
    if len(found) != len(listed):
        raise RefusedError("a key stands twice in one object of its JSON")
    return found


def _tensors(
    archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo], folder: str, config: str
) -> tuple[dict[str, torch.Tensor], set[str]]:
    """The tensors of a folder, and which of them take gradients.

    Raises:
        RefusedError: One is a pickle, or what is declared of it is not what is there.
    """
    if f"{folder}/{config}" not in entries:
        if f"{folder}/model.pt" in entries:
            text = "is a pickle, which is never opened: export the program again with torch 2.9 or newer"
            raise RefusedError(f"{folder}/model.pt {text}")
        return {}, set()
    document = _document(archive, entries, f"{folder}/{config}", MAX_CONFIG).get("config")
    if not isinstance(document, dict):
        raise RefusedError(f"{config} has no mapping 'config'")
    storages: dict[str, bytearray] = {}
    found: dict[str, torch.Tensor] = {}
    learned: set[str] = set()
    for name, entry in document.items():
        path, meta = _payload(name, entry, config)
        layout = _Layout.of(name, meta)
        place = f"{folder}/{path}"
        if place not in entries:
            raise RefusedError(f"it lacks {place}, which '{name:.80}' lies in")
        layout.check(name, entries[place].file_size)
        if place not in storages:
            storages[place] = bytearray(archive.read(entries[place]))
        found[name] = layout.tensor(storages[place])
        if entry.get("is_param") is True and meta.get("requires_grad") is True:
            learned.add(name)
    return found, learned


def _payload(name: str, entry: Any, config: str) -> tuple[str, dict[str, Any]]:
    """The file of a tensor, and what is declared of it."""
    entry = entry if isinstance(entry, dict) else {}
    path, meta = entry.get("path_name"), entry.get("tensor_meta")
    if not isinstance(path, str) or not _NAME.fullmatch(path) or path in (".", ".."):
        raise RefusedError(f"{config}: '{name:.80}' lies in a file of the name {path!r:.80}")
    if entry.get("use_pickle") is not False:
        raise RefusedError(f"{config}: '{name:.80}' is a pickle, which is never opened")
    if not isinstance(meta, dict):
        raise RefusedError(f"{config}: '{name:.80}' has no sizes")
    return path, meta


@dataclass(frozen=True)
class _Layout:
    """How a tensor lies in its bytes."""

    dtype: torch.dtype
    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int

    @classmethod
    def of(cls, name: str, meta: Mapping[str, Any]) -> "_Layout":
        number = meta.get("dtype")
        if type(number) is not int or number not in DTYPES:
            raise RefusedError(f"'{name:.80}' has numbers of a format that is not known here ({number!r:.20})")
        if meta.get("layout") != _STRIDED:
            raise RefusedError(f"'{name:.80}' is not a dense tensor")
        sizes, strides = (_integers(name, meta.get(key)) for key in ("sizes", "strides"))
        (offset,) = _integers(name, [meta.get("storage_offset")])
        if len(sizes) != len(strides) or len(sizes) > MAX_DIMENSIONS:
            raise RefusedError(f"'{name:.80}' has {len(sizes)} sizes and {len(strides)} strides")
        return cls(DTYPES[number], sizes, strides, offset)

    def check(self, name: str, held: int) -> None:
        """Refuse what does not lie within the bytes, or uses some of them twice."""
        width = self.dtype.itemsize
        count = math.prod(self.sizes)
        last = self.offset + sum((size - 1) * stride for size, stride in zip(self.sizes, self.strides, strict=True))
        if count and (count * width > held or (last + 1) * width > held):
            raise RefusedError(
                f"'{name:.80}' declares {count:,} numbers of {width} bytes, its file holds {held:,} bytes"
            )
        if held % width:
            raise RefusedError(f"'{name:.80}' lies in {held:,} bytes, which is no whole count of its numbers")
        reach = 1
        for stride, size in sorted(pair for pair in zip(self.strides, self.sizes, strict=True) if pair[1] > 1):
            if stride < reach:
                raise RefusedError(f"'{name:.80}' uses some of its bytes twice")
            reach += (size - 1) * stride

    def tensor(self, storage: bytearray) -> torch.Tensor:
        """The tensor, on these bytes."""
        if not math.prod(self.sizes):
            return torch.zeros(self.sizes, dtype=self.dtype)
        flat = torch.frombuffer(storage, dtype=self.dtype)
        return flat.as_strided(self.sizes, self.strides, self.offset)


def _integers(name: str, items: Any) -> tuple[int, ...]:
    if not isinstance(items, list):
        raise RefusedError(f"'{name:.80}' has no list of sizes")
    found = []
    for item in items:
        number = item.get("as_int") if isinstance(item, dict) else None
        if type(number) is not int or not 0 <= number < 2**48:
            raise RefusedError(f"'{name:.80}' has a size {item!r:.40}, expected a whole number")
        found.append(number)
    return tuple(found)
