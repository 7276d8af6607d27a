"""Write the first image of each class of a data set as PNG, named by its place in the data and its class.

The images in examples/fashion_mnist are those of the test set (Debian's package dataset-fashion-mnist):

    GRAPH=saved_graphs/classification/fashion_mnist.yaml
    python examples/first_of_each_class.py $GRAPH /usr/share/datasets/fashion-mnist FOLDER
"""

import argparse
import re
from pathlib import Path

from PIL import Image

import composer
from composer.training.data import open_source
from composer.training.recipe import Split


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graph", type=Path, help="a graph that names the classes")
    parser.add_argument("data", type=Path, help="a data set with labels, in any format that training takes")
    parser.add_argument("folder", type=Path, help="where the images go")
    parser.add_argument("--split", default="test", help="which of its splits; test by default")
    options = parser.parse_args()
    split = Split.model_validate({"path": str(options.data.resolve()), "split": options.split})
    source = open_source(split, Path(), classes=composer.read(options.graph).classes)
    options.folder.mkdir(parents=True, exist_ok=True)
    places: dict[int, int] = {}
    for place in range(len(source)):
        places.setdefault(source[place]["label"], place)
        if len(places) == len(source.classes):
            break
    for label, place in places.items():
        slug = re.sub(r"\W+", "_", source.classes[label].lower())
        image = source[place]["image"]
        loaded = Image.open(image) if isinstance(image, str | Path) else Image.fromarray(image)
        loaded.save(options.folder / f"{place:02}_{slug}.png", optimize=True)


if __name__ == "__main__":
    main()
