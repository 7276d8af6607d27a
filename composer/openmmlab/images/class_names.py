"""The classes of data sets that configs name by their type, in the order of their labels.

Sources: COCO 2017 (arXiv:1405.0312) by category id, Pascal VOC 2007 and 2012, Cityscapes (arXiv:1604.01685, those with
instances), CIFAR-10 and CIFAR-100 (Krizhevsky 2009), Fashion-MNIST (arXiv:1708.07747), WIDER FACE (arXiv:1511.06523).
"""

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["CLASS_NAMES", "SIDES"]

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
