"""What a config says of the images that it is tested on: pipeline, data set, and the classes that labels count.

Sources of classes: COCO 2017 (arXiv:1405.0312) by category id, Pascal VOC 2007 and 2012, Cityscapes (arXiv:1604.01685,
those with instances), CIFAR-10 and CIFAR-100 (Krizhevsky 2009), Fashion-MNIST (arXiv:1708.07747), WIDER FACE
(arXiv:1511.06523).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from composer.graph import FrozenDict
from composer.openmmlab.names import scoped_type, split_type
from composer.openmmlab.notes import left_to_caller
from composer.openmmlab.plain import plain, same
from composer.problems import Problem

__all__ = ["CLASS_NAMES", "SIDES", "TestedImages", "tested_images"]

_COCO = """
person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, fire hydrant, stop sign,
parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe, backpack, umbrella, handbag,
tie, suitcase, frisbee, skis, snowboard, sports ball, kite, baseball bat, baseball glove, skateboard, surfboard,
tennis racket, bottle, wine glass, cup, fork, knife, spoon, bowl, banana, apple, sandwich, orange, broccoli, carrot,
hot dog, pizza, donut, cake, chair, couch, potted plant, bed, dining table, toilet, tv, laptop, mouse, remote, keyboard,
cell phone, microwave, oven, toaster, sink, refrigerator, book, clock, vase, scissors, teddy bear, hair drier,
toothbrush
"""
_VOC = """
aeroplane, bicycle, bird, boat, bottle, bus, car, cat, chair, cow, diningtable, dog, horse, motorbike, person,
pottedplant, sheep, sofa, train, tvmonitor
"""
_CIFAR_100 = """
apple, aquarium_fish, baby, bear, beaver, bed, bee, beetle, bicycle, bottle, bowl, boy, bridge, bus, butterfly, camel,
can, castle, caterpillar, cattle, chair, chimpanzee, clock, cloud, cockroach, couch, crab, crocodile, cup, dinosaur,
dolphin, elephant, flatfish, forest, fox, girl, hamster, house, kangaroo, keyboard, lamp, lawn_mower, leopard, lion,
lizard, lobster, man, maple_tree, motorcycle, mountain, mouse, mushroom, oak_tree, orange, orchid, otter, palm_tree,
pear, pickup_truck, pine_tree, plain, plate, poppy, porcupine, possum, rabbit, raccoon, ray, road, rocket, rose, sea,
seal, shark, shrew, skunk, skyscraper, snail, snake, spider, squirrel, streetcar, sunflower, sweet_pepper, table, tank,
telephone, television, tiger, tractor, train, trout, tulip, turtle, wardrobe, whale, willow_tree, wolf, woman, worm
"""
_CIFAR_10 = "airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck"
_DIGITS = "0 - zero, 1 - one, 2 - two, 3 - three, 4 - four, 5 - five, 6 - six, 7 - seven, 8 - eight, 9 - nine"
_FASHION = "T-shirt/top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Sneaker, Bag, Ankle boot"
_CITYSCAPES = "person, rider, car, truck, bus, train, motorcycle, bicycle"

CLASS_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        kind: tuple(name.strip() for name in text.replace("\n", " ").split(","))
        for kind, text in (
            ("CocoDataset", _COCO),
            ("VOCDataset", _VOC),
            ("VOC", _VOC),
            ("CIFAR10", _CIFAR_10),
            ("CIFAR100", _CIFAR_100),
            ("MNIST", _DIGITS),
            ("FashionMNIST", _FASHION),
            ("CityscapesDataset", _CITYSCAPES),
            ("WIDERFaceDataset", "face"),
        )
    }
)
"""By the type of the data set."""

SIDES: Mapping[str, int] = MappingProxyType({"CIFAR10": 32, "CIFAR100": 32, "MNIST": 28, "FashionMNIST": 28})
"""Height and width of the images of data sets in which all are alike."""


_NOTHING: Mapping[str, Any] = FrozenDict()
_TEST = (("test_dataloader", "dataset"), ("data", "test"))
_VALIDATION = (("val_dataloader", "dataset"), ("data", "val"))
_PIPELINES = ("test_pipeline", "val_pipeline")
_INSIDE = ("dataset", "datasets", "dataset_cfg")  # where wrappers keep what they wrap
_CLASSES = ("classes", "CLASSES")
_MOST_WRAPPERS = 8


@dataclass(frozen=True)
class TestedImages:
    """What a config says, beside its model, of the images that it is tested on.

    Args:
        place: Where the pipeline stands, such as ``test_dataloader.dataset.pipeline``; None where there is none.
        pipeline: Its transforms, as plain data.
        data_set: The data set around it, without its wrappers.
        classes: The names of the classes, as the config writes them; None where it writes none.
        normalisation: ``img_norm_cfg`` beside all; None where there is none.
        kept: What of the config says all that, under the names that it stands under, to be written again.
        notes: What is not read of it, by name.
    """

    __test__ = False  # no test, whatever the name begins with

    place: str | None = None
    pipeline: tuple[Any, ...] = ()
    data_set: Mapping[str, Any] = _NOTHING
    classes: tuple[str, ...] | None = None
    normalisation: Mapping[str, Any] | None = None
    kept: Mapping[str, Any] = _NOTHING
    notes: tuple[Problem, ...] = ()

    @property
    def kind(self) -> str:
        """The type of the data set; empty where none is named."""
        written = scoped_type(self.data_set)
        return split_type(written)[1] if written is not None else ""

    @property
    def usual_classes(self) -> tuple[str, ...] | None:
        """The classes that a data set of this type has where nothing is written."""
        return CLASS_NAMES.get(self.kind)


@dataclass
class _Search:
    """What is found of the images."""

    data: Mapping[str, Any]
    notes: list[Problem] = field(default_factory=list)

    def note(self, place: str, text: str) -> None:
        self.notes.append(left_to_caller(place, text))

    def candidates(self) -> Iterator[tuple[str, Sequence[Mapping[str, Any]]]]:
        """The data sets for testing, then those for validation: each place with what stands there, outermost first."""
        for path in (*_TEST, *_VALIDATION):
            first = self.data.get(path[0])
            whole = first.get(path[1]) if isinstance(first, Mapping) else None
            chain = self._unwrapped(".".join(path), whole)
            if chain:
                yield ".".join(path), chain

    def _unwrapped(self, place: str, whole: Any) -> list[Mapping[str, Any]]:
        """A data set behind its wrappers; of several that are joined the first."""
        chain: list[Mapping[str, Any]] = []
        while whole is not None and len(chain) < _MOST_WRAPPERS:
            if isinstance(whole, list | tuple):
                if any(not same(_pipeline(one), _pipeline(whole[0])) for one in whole[1:]):
                    self.note(place, f"of {len(whole)} data sets the pipeline of the first is read")
                whole = whole[0] if whole else None
                continue
            if not isinstance(whole, Mapping):
                break
            chain.append(whole)
            whole = next((whole[key] for key in _INSIDE if isinstance(whole.get(key), Mapping | list | tuple)), None)
        return chain


def tested_images(data: Mapping[str, Any]) -> TestedImages:
    """What a whole config says of the images that its model is tested on.

    Args:
        data: The config, as plain data.
    """
    search = _Search(data)
    found = list(search.candidates())
    with_pipeline = [(place, chain) for place, chain in found if any(_pipeline(one) for one in chain)]
    place, chain = (with_pipeline or found or [("", [])])[0]
    path, pipeline = None, []
    if with_pipeline:
        path = f"{place}.pipeline"
        pipeline = [step for one in reversed(chain) for step in _pipeline(one)]  # a wrapper's comes after its own
    else:
        path = next((name for name in _PIPELINES if isinstance(data.get(name), list | tuple)), None)
        pipeline = list(data[path]) if path else []
    if path is not None and path.startswith(("val", "data.val")):
        search.note(path, "the config says nothing of images for testing: they are prepared as those for validation")
    inner = chain[-1] if chain else _NOTHING
    classes, kept_classes = _classes(search, place, chain)
    norm = data.get("img_norm_cfg")
    kept = _kept(path, place, inner, pipeline, kept_classes)
    norm = norm if isinstance(norm, Mapping) else None
    if norm is not None and not pipeline:
        kept = {**kept, "img_norm_cfg": plain(norm)}
    return TestedImages(path, tuple(plain(pipeline)), inner, classes, norm, kept, tuple(search.notes))


def _pipeline(data_set: Any) -> list[Any]:
    found = data_set.get("pipeline") if isinstance(data_set, Mapping) else None
    return list(found) if isinstance(found, list | tuple) else []


def _classes(
    search: _Search, place: str, chain: Sequence[Mapping[str, Any]]
) -> tuple[tuple[str, ...] | None, Mapping[str, Any]]:
    """The names of the classes, and the key of the data set under which they are written."""
    for one in chain:
        about = one.get("metainfo")
        about = about if isinstance(about, Mapping) else _NOTHING
        for path, owner in ((f"{place}.metainfo", about), (place, one)):
            for key in [key for key in _CLASSES if owner.get(key) is not None]:
                value = plain(owner[key])
                kept = {"metainfo": {key: value}} if owner is about else {key: value}
                names = [value] if isinstance(value, str) and not _is_file(value) else value
                if isinstance(names, list) and names and all(isinstance(name, str) for name in names):
                    return tuple(names), kept
                text = f"the file {value} is not read: write its lines into classes of the graph"
                if not isinstance(value, str):
                    text = f"expected a list of texts, found {value!r:.80}: no classes are read"
                search.note(f"{path}.{key}", text)
                return None, kept
    return None, _NOTHING


def _is_file(text: str) -> bool:
    return "/" in text or "\\" in text or text.endswith((".txt", ".json", ".csv"))


def _kept(
    path: str | None, place: str, data_set: Mapping[str, Any], pipeline: Sequence[Any], classes: Mapping[str, Any]
) -> dict[str, Any]:
    """What says all that, under the names of the config, without the files that the images lie in."""
    found: dict[str, Any] = {key: plain(data_set[key]) for key in ("type", "_scope_") if key in data_set}
    source = data_set.get("data_source")
    if isinstance(source, Mapping):
        found["data_source"] = {key: plain(source[key]) for key in ("type", "color_type") if key in source}
    found |= {"prefetch": True} if data_set.get("prefetch") is True else {}
    found |= classes
    if path in _PIPELINES:
        whole: dict[str, Any] = {path: plain(pipeline)}
        return {**whole, **_under(place, found)} if found else whole
    if pipeline:
        found["pipeline"] = plain(pipeline)
    return _under(place, found) if found else {}


def _under(place: str, value: Mapping[str, Any]) -> dict[str, Any]:
    outer, _, inner = place.partition(".")
    return {outer: {inner: dict(value)}}
