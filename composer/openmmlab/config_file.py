"""Config files of OpenMMLab: ``.py``, ``.json`` and ``.yaml``, with all that they inherit, as plain data.

A Python config is read through its syntax tree and never executed: what is not data is refused with its line. What a
config means is what mmengine makes of it; environment variables are not read, and nothing is imported or downloaded.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from composer.openmmlab.config_source.reader import ConfigReader
from composer.openmmlab.config_source.values import Imported, StopReadingError, plain
from composer.openmmlab.images.data_sets import TestedImages, tested_images
from composer.openmmlab.names import imported_name
from composer.openmmlab.plain import same
from composer.problems import GraphError, Problem, Where, suggestion

__all__ = ["ConfigFile", "read_config", "settings_beside", "unread_beside"]

_BUILT_WITH = ("train_cfg", "test_cfg")
# What mmengine's loops take, which have the same names since mmdet 3 and mmpretrain 1.
_OF_LOOPS = frozenset(
    {
        "by_epoch",
        "dynamic_intervals",
        "fp16",
        "max_epochs",
        "max_iters",
        "val_begin",
        "val_interval",
        "_scope_",
        "_delete_",
    }
)


def settings_beside(data: Mapping[str, Any]) -> dict[str, Any]:
    """What stands beside the model and is handed to it when it is built.

    That is ``data_preprocessor``, and ``train_cfg`` and ``test_cfg`` of mmdet 2.0 to 2.7 (``build_detector``), where
    the model has none of its own. Those of mmengine's loops (``max_epochs``, ``type="TestLoop"``) are something else.

    Args:
        data: The whole config, as plain data.
    """
    model = data.get("model")
    own = model if isinstance(model, Mapping) else {}
    found: dict[str, Any] = {}
    if data.get("data_preprocessor") is not None:
        found["data_preprocessor"] = data["data_preprocessor"]
    for key in _BUILT_WITH:
        if own.get(key) is None and data.get(key) is not None and not _is_loop(data[key]):
            found[key] = data[key]
    return found


def unread_beside(data: Mapping[str, Any]) -> dict[str, str]:
    """The settings beside the model that are not handed to it, by name, each with the reason.

    Args:
        data: The whole config, as plain data.
    """
    model = data.get("model")
    own = model if isinstance(model, Mapping) else {}
    found: dict[str, str] = {}
    for key in _BUILT_WITH:
        beside, inside = data.get(key), own.get(key)
        if beside is None or inside is None or _is_loop(beside):
            continue
        if not same(beside, inside):
            found[key] = f"{key} stands beside the model and, with other settings, in it: that in the model is read"
    return found


def _is_loop(value: Any) -> bool:
    """Whether it describes a loop over the data, and not the model."""
    if not isinstance(value, Mapping):
        return False
    kind = value.get("type")
    return (isinstance(kind, str) and kind.endswith("Loop")) or (value.keys() - {"type"}) <= _OF_LOOPS


_PACKAGES: Mapping[str, str] = {
    "mmcls": "mmpretrain",
    "mmpretrain": "mmpretrain",
    "mmselfsup": "mmselfsup",
    "mmdet": "mmdet",
}


@dataclass(frozen=True)
class ConfigFile:
    """What a config file says.

    Args:
        path: The file.
        data: The whole config as JSON has it: tuples are lists, imported classes are their names; those of other
            packages than OpenMMLab's and torch have their whole path.
        package: The package it is written for, where it says so.
        notes: What was seen and not followed, such as ``custom_imports``.
        files: The file and all that it inherits from, in the order in which they were read.
    """

    path: Path
    data: Mapping[str, Any]
    package: str | None
    notes: tuple[Problem, ...]
    files: tuple[Path, ...]

    @property
    def images(self) -> TestedImages:
        """What it says beside the model of the images that it is tested on."""
        return tested_images(self.data)

    @property
    def model(self) -> dict[str, Any]:
        """The part that describes the model, with what stands beside it and is handed to it when it is built.

        That is ``data_preprocessor``, and in mmdet 2.0 to 2.7 ``train_cfg`` and ``test_cfg``.

        Raises:
            GraphError: There is none.
        """
        found = self.data.get("model")
        if isinstance(found, dict):
            beside = settings_beside(self.data)
            return {**beside, **{key: value for key, value in found.items() if value is not None or key not in beside}}
        names = [name for name, value in self.data.items() if isinstance(value, dict)]
        text = f"the config has no dict named model; {suggestion('model', names, 'dicts in it')}"
        raise GraphError(Problem("config-no-model", Where("model", str(self.path)), text))


def read_config(
    path: str | Path, *, alone: bool = False, configs: Mapping[str, str | Path] | None = None
) -> ConfigFile:
    """Read a config file and everything that it inherits from.

    Args:
        path: A ``.py``, ``.json``, ``.yaml`` or ``.yml`` file.
        alone: Refuse to open any other file.
        configs: For each package (``mmcls``, ``mmdet`` ...) the folder of its configs, where bases such as
            ``mmcls::_base_/models/resnet50.py`` lie.

    Raises:
        GraphError: Something in it is not data (``config-not-data``), a file is missing or inherits from itself, or
            there is too much of something; carries everything that was found.
    """
    reader = ConfigReader(alone, {package: Path(folder) for package, folder in (configs or {}).items()})
    found: dict[str, Any] = {}
    with suppress(StopReadingError):
        found = reader.read(Path(path))
        _refuse_what_replaces_the_model(found, reader)
    if reader.report.problems:
        raise GraphError(reader.report.problems)
    package = _package_of(found)
    _note_what_is_not_followed(found, reader, str(path), partial(imported_name, package=package))
    data = plain(found, partial(imported_name, package=package))
    for name, text in unread_beside(data).items():
        reader.report.note("config-beside-model", reader.place(name, str(path)), text)
    return ConfigFile(Path(path), data, package, tuple(reader.report.notes), tuple(reader.files))


def _refuse_what_replaces_the_model(found: Mapping[str, Any], reader: ConfigReader) -> None:
    """A name from ``with read_base()`` is a plain name: what is assigned to it takes its place, in mmengine too."""
    model = found.get("model")
    if "model" in reader.replaced and isinstance(model, dict) and "type" not in model:
        text = "this takes the place of the whole model that 'with read_base()' brings in, as in mmengine, and has no "
        text += "type: write model.update(dict(...)) to change what it says"
        reader.report.refuse("config-replaced-model", reader.replaced["model"], text)


def _note_what_is_not_followed(
    found: Mapping[str, Any], reader: ConfigReader, file: str, name_of: Callable[[str], str]
) -> None:
    custom = found.get("custom_imports")
    if custom:
        modules = custom.get("imports", custom) if isinstance(custom, dict) else custom
        text = f"custom_imports is not followed, so what it defines is unknown here: {plain(modules, name_of)}"[:300]
        reader.report.note("config-custom-imports", reader.place("custom_imports", file), text)
    for name, whole in found.items():
        for place, value in _imported_values(whole, name):
            text = (
                f"{value.path} is imported: only its name is known, and it stands as the text '{name_of(value.path)}'"
            )
            reader.report.note("config-imported-value", reader.place(name, file, place), text)


def _imported_values(value: Any, place: str) -> list[tuple[str, Imported]]:
    """What is imported and stands somewhere else than as a type."""
    if isinstance(value, Imported):
        key = place.rpartition(".")[2]
        return [] if key == "type" or key.endswith("_type") else [(place, value)]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    return [found for key, item in items for found in _imported_values(item, f"{place}.{key}")]


def _package_of(found: Mapping[str, Any]) -> str | None:
    scope = found.get("default_scope")
    model = found.get("model")
    kind = model.get("type") if isinstance(model, dict) else None
    written = kind.path if isinstance(kind, Imported) else kind
    prefix = written.partition(".")[0] if isinstance(written, str) else ""
    return _PACKAGES.get(prefix) or (_PACKAGES.get(scope) if isinstance(scope, str) else None)
