"""Data sets and loaders of a config as the splits and batches of a recipe."""

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from composer.openmmlab.recipes.settings import Settings
from composer.training.recipe import Split

__all__ = ["Loading", "read_loading"]

_WHOLE = ("train", "train_labeled", "val", "val_labeled", "test")
"""Lists that name every image of their split."""

_OF_MACHINE = ("num_workers", "workers_per_gpu", "persistent_workers", "pin_memory", "prefetch_factor", "timeout")
_OF_STORAGE = ("backend_args", "file_client_args", "serialize_data", "lazy_init", "max_refetch", "mclient_path")
_BATCHING = ("AspectRatioBatchSampler", "DefaultSampler", "DistributedSampler", "GroupSampler", "InfiniteSampler")


@dataclass
class Loading:
    """What a config loads.

    Args:
        train: What is trained on; None where the config does not say.
        val: What is measured on.
        each: Samples of one GPU in one iteration.
        each_at: Where that stands.
        val_each: As ``each``, for measuring.
        times: How often an epoch repeats the samples.
        shuffle: Whether their order is drawn.
        drop_last: Whether samples that fill no batch are left out.
        pipelines: The transforms of the training samples, outermost data set last; each with its place.
        views: How many views each of the pipelines gives; empty where each sample is one image.
    """

    train: Split | None = None
    val: Split | None = None
    each: int | None = None
    each_at: str = "train_dataloader.batch_size"
    val_each: int | None = None
    times: int = 1
    shuffle: bool = True
    drop_last: bool = False
    pipelines: list[tuple[str, list[Any]]] = field(default_factory=list)
    views: list[int] = field(default_factory=list)


def read_loading(config: Settings) -> Loading:
    """The data sets and loaders of a config.

    Args:
        config: The whole config.
    """
    found = Loading()
    if "train_dataloader" in config:
        _loader(config.inside("train_dataloader"), found, training=True)
        if "val_dataloader" in config:
            _loader(config.inside("val_dataloader"), found, training=False)
    elif isinstance(config.data.get("data"), Mapping):
        _older(config.inside("data"), found)
    config.beside("test_dataloader", "test_cfg", "test_evaluator", "test_pipeline")
    return found


def _loader(loader: Settings, found: Loading, *, training: bool) -> None:
    size = loader.whole("batch_size") or loader.whole("samples_per_gpu") or loader.whole("imgs_per_gpu")
    loader.beside(*_OF_MACHINE, "seed", "round_up")
    sampler = loader.inside("sampler")
    grouping = loader.inside("batch_sampler")
    if training:
        found.each, found.each_at = size, loader.at("batch_size")
        found.shuffle = sampler.take("shuffle", sampler.kind != "SequentialSampler") is not False
        found.drop_last = loader.take("drop_last") is True
        for one in (sampler, grouping):
            if one.kind and one.kind not in _BATCHING:
                one.drop(f"{one.kind} is left out: samples come in a new order in each epoch")
        if grouping.kind == "AspectRatioBatchSampler":
            grouping.meant("type", "batches hold images of alike shapes there, and any images here")
    else:
        found.val_each = size
        for one in (sampler, grouping):
            one.beside(*one.data)
        loader.beside("drop_last")
    for one in (sampler, grouping):
        one.beside("seed", "round_up", "drop_last")
        one.close()
    _collation(loader, "collate_fn")
    _split(loader, "dataset", found, training=training)
    loader.close()


def _collation(loader: Settings, key: str) -> None:
    kind = loader.inside(key)
    if kind.kind not in ("", "default_collate", "pseudo_collate"):
        kind.drop(f"{kind.kind} is left out: a recipe puts samples together as the graph takes them")
    kind.beside(*kind.data)


def _older(data: Settings, found: Loading) -> None:
    """``data`` of mmcv 1, with loaders of its own since mmcls 0.24."""
    loaders = {name: data.inside(f"{name}_dataloader") for name in ("train", "val", "test")}
    train = loaders["train"]
    key = "imgs_per_gpu" if "imgs_per_gpu" in data else "samples_per_gpu"
    found.each, found.each_at = data.whole(key), data.at(key)
    if (own := train.whole("samples_per_gpu")) is not None:
        found.each, found.each_at = own, train.at("samples_per_gpu")
    found.val_each = loaders["val"].whole("samples_per_gpu")
    found.shuffle = data.take("shuffle", train.take("shuffle")) is not False
    found.drop_last = data.take("drop_last") is True or train.take("drop_last") is True
    for name in ("sampler", "sampling_replace", "replace"):
        data.left(name, "samples come in a new order in each epoch")
    data.beside(*_OF_MACHINE)
    for one in loaders.values():
        one.beside(*_OF_MACHINE, "round_up", "drop_last", "shuffle")
        one.close()
    _split(data, "train", found, training=True)
    _split(data, "val", found, training=False)
    data.beside("test")
    data.close()


def _split(loader: Settings, key: str, found: Loading, *, training: bool) -> None:
    """The data set under a key, behind its wrappers."""
    value = loader.take(key)
    if isinstance(value, list):
        if len(value) > 1:
            text = f"of {len(value)} data sets that are joined the first is taken: a recipe has one"
            loader.report.left(loader.at(key), text)
        value = value[0] if value else None
        key = f"{key}.0"
    if not isinstance(value, Mapping):
        return
    one = Settings(loader.at(key), value, loader.report)
    inner = next((name for name in ("dataset", "datasets") if isinstance(value.get(name), Mapping | list)), None)
    if inner is not None:
        _wrapper(one, found, training=training)
        pipeline = _pipeline(one)
        _split(one, inner, found, training=training)
        if training and pipeline:
            found.pipelines.append(pipeline)
        one.close(f"{one.kind} has a setting that a recipe does not hold")
        return
    split = _data_set(one, training=training)
    if training:
        found.train = split
        if pipeline := _pipeline(one):
            found.pipelines.insert(0, pipeline)
        _views(one, found)
    else:
        found.val = split
        one.beside("pipeline", "pipelines", "num_views", "prefetch")
    one.close()


def _wrapper(one: Settings, found: Loading, *, training: bool) -> None:
    kind = one.kind
    if kind == "RepeatDataset":
        times = one.whole("times", 1) or 1
        if training:
            found.times *= times
    elif kind in ("ConcatDataset", "MultiImageMixDataset", "") or not training:
        one.beside("ignore_keys", "separate_eval", "lazy_init")
    elif kind == "ClassBalancedDataset":
        one.report.left(one.place, "rare classes are seen more often there; here each image is seen once in an epoch")
        one.take("oversample_thr")
    else:
        one.drop(f"{kind} is left out: the data set inside it is taken as it is")
        one.take("dataset")


def _pipeline(one: Settings) -> tuple[str, list[Any]] | None:
    value = one.take("pipeline")
    if isinstance(value, list) and value:
        return one.at("pipeline"), value
    return None


def _views(one: Settings, found: Loading) -> None:
    """Several pipelines, and how many views each gives (mmselfsup 0.x)."""
    pipelines = one.take("pipelines")
    if isinstance(pipelines, list):
        found.pipelines = [(f"{one.at('pipelines')}.{index}", steps) for index, steps in enumerate(pipelines)]
        counts = one.take("num_views")
        counts = counts if isinstance(counts, list) else [1] * len(pipelines)
        found.views = [count if type(count) is int and count > 0 else 1 for count in counts]
    elif "pipeline1" in one:
        names = [name for name in ("pipeline1", "pipeline2") if isinstance(one.data.get(name), list)]
        found.pipelines = [(one.at(name), one.take(name)) for name in names]
        found.views = [1] * len(names)
    elif one.kind in ("ContrastiveDataset", "BYOLDataset", "DeepClusterDataset") and found.pipelines:
        found.views = [2] if one.kind == "ContrastiveDataset" else []
    one.beside("prefetch", "num_views", "return_label")


def _data_set(one: Settings, *, training: bool) -> Split | None:
    """A data set without wrappers, as a split."""
    one.beside(*_OF_STORAGE, "test_mode", "memcached", "return_classes")
    source = one.inside("data_source")
    if source:
        source.beside(*_OF_STORAGE, "memcached", "return_label")
        found = _data_set(source, training=training)
        source.close()
        return found
    about = one.inside("metainfo")
    about.beside("classes", "CLASSES", "palette", "PALETTE")
    about.close()
    one.beside("classes", "CLASSES")
    kind = one.kind
    reader = _READERS.get(kind, _folder)
    root = one.text("data_root") or one.text("root") or one.text("imgs_root") or ""
    found = reader(one, root, kind)
    if found is None:
        text = f"the files of {kind or 'the data set'} are not known: say with data.{'train' if training else 'val'} "
        one.report.left(one.place, f"{text}of the recipe, or with --data, where the samples are")
    return found


def _joined(*parts: str | None) -> str:
    found = posixpath.join(*(part for part in parts if part)) if any(parts) else ""
    return posixpath.normpath(found) if found else ""


def _prefix(one: Settings, *keys: str) -> str | None:
    """Where images lie: ``data_prefix`` is a text or a dict, ``img_prefix`` a text or a list."""
    value = one.take("data_prefix", one.take("img_prefix"))
    if isinstance(value, Mapping):
        rest = {key: item for key, item in value.items() if key not in keys and item}
        if rest:
            one.report.left(one.at("data_prefix"), f"these folders are not read: {', '.join(sorted(rest))}")
        return next((str(value[key]) for key in keys if value.get(key) is not None), None)
    return _first(one, "data_prefix" if "data_prefix" in one else "img_prefix", value)


def _first(one: Settings, key: str, value: Any) -> str | None:
    if isinstance(value, list):
        if len(value) > 1:
            one.report.left(one.at(key), f"of {len(value)} joined data sets the first is taken: a recipe has one")
        value = value[0] if value else None
    return value if isinstance(value, str) else None


def _folder(one: Settings, root: str, kind: str) -> Split | None:
    """One folder a class: ImageNet, ``CustomDataset``, and those of the same layout."""
    if kind not in _FOLDERS:
        one.beside("ann_file", "data_prefix", "img_prefix", "split")
        return None
    prefix = _prefix(one, "img_path", "img")
    split = one.text("split")
    path = _joined(root, prefix if prefix is not None else split)
    if not path:
        return None
    file = one.text("ann_file") or one.text("list_file")
    if file:
        text = f"the list {file} is not read: every image under {path} is taken, one folder a class"
        whole = posixpath.splitext(posixpath.basename(file))[0] in _WHOLE
        (one.report.meant if whole else one.report.left)(one.at("ann_file" if "ann_file" in one else "list_file"), text)
    one.usual("with_label", True)
    if one.data.get("with_label") is False:
        one.take("with_label")
        return Split(path=path, format="images")
    one.beside("extensions", "subset")
    return Split(path=path, format="folder")


def _coco(one: Settings, root: str, kind: str) -> Split | None:
    """A COCO file and its images."""
    file = _first(one, "ann_file", one.take("ann_file"))
    images = _prefix(one, "img", "img_path")
    one.left("seg_prefix", "maps of the whole scene are not read")
    one.left("proposal_file", "proposals are made by the graph")
    empty = _filters(one)
    if not file:
        return None
    found: dict[str, Any] = {"path": _joined(root, file), "format": "coco"}
    found |= {"images": _joined(root, images)} if images or root else {}
    found |= {"empty": "drop"} if empty else {}
    if (names := _class_names(one)) is not None:
        found |= {"classes": names, "others": "drop"}
    return Split.model_validate(found)


def _filters(one: Settings) -> bool:
    """Which images are left out of training: whether those without objects are."""
    chosen = one.inside("filter_cfg")
    empty = any(place.take("filter_empty_gt") is True for place in (chosen, one))
    if (least := chosen.number("min_size")) is not None:
        chosen.meant("min_size", f"images of less than {least:g} pixels are left out there, and seen here")
    chosen.close()
    return empty


def _class_names(one: Settings) -> list[str] | None:
    """The classes that a data set is cut down to, where the config writes them."""
    about = one.data.get("metainfo")
    for owner in (about if isinstance(about, Mapping) else {}, one.data):
        for key in ("classes", "CLASSES"):
            names = owner.get(key)
            if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
                return names
    return None


def _voc(one: Settings, root: str, kind: str) -> Split | None:
    """A year of Pascal VOC: its folder, and the list of its images."""
    file = _first(one, "ann_file", one.take("ann_file"))
    folder = _prefix(one, "sub_data_root")
    split = one.text("split")
    if _filters(one):
        one.report.meant(one.place, "images without boxes are left out there, and seen here")
    path = _joined(root, folder)
    if not path and file and "/ImageSets/" in file:
        path = file.partition("/ImageSets/")[0]
    if not path:
        return None
    name = posixpath.splitext(posixpath.basename(file))[0] if file else split
    return Split(path=path, format="voc", **({"split": name} if name else {}))


def _cifar(one: Settings, root: str, kind: str) -> Split | None:
    """CIFAR's own files are pickles, which are not read."""
    path = _joined(root, _prefix(one, "img_path", "img", "root"))
    split = one.text("split") or ("test" if one.data.get("test_mode") else "train")
    folder = _joined(path, split)
    text = f"the files of {kind} are pickles, which are not read: write its images into {folder}, one folder a class"
    one.report.left(one.place, text)
    return Split(path=folder, format="folder") if path else None


def _idx(one: Settings, root: str, kind: str) -> Split | None:
    """MNIST's files."""
    path = _joined(root, _prefix(one, "img_path", "img", "root"))
    split = one.text("split") or ("test" if one.data.get("test_mode") else "train")
    return Split.model_validate({"path": path, "format": "idx", "split": split}) if path else None


_FOLDERS = frozenset({"BaseDataset", "CustomDataset", "DeepClusterImageNet", "ImageList", "ImageNet", "ImageNet21k"})
_READERS: Mapping[str, Callable[[Settings, str, str], Split | None]] = {
    "CIFAR10": _cifar,
    "CIFAR100": _cifar,
    "CocoDataset": _coco,
    "CocoPanopticDataset": _coco,
    "DeepFashionDataset": _coco,
    "FashionMNIST": _idx,
    "LVISV05Dataset": _coco,
    "LVISV1Dataset": _coco,
    "MNIST": _idx,
    "Objects365V1Dataset": _coco,
    "Objects365V2Dataset": _coco,
    "VOCDataset": _voc,
    "V3DetDataset": _coco,
}
