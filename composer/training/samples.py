"""The same few validation images after each evaluation, with what the model answers drawn on them."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from composer.catalog import Catalog
from composer.graph.file import atomic_write
from composer.graph.plan import Program, plan
from composer.model import Model
from composer.problems import GraphError
from composer.run.answers import Answer, Detection, class_name, detections, draw_detections, named
from composer.run.geometry import Frame
from composer.run.images import decode
from composer.run.inputs import filled, framed, moved, takers
from composer.training.data.samples import Source
from composer.training.metrics.metric import class_names

__all__ = ["SampleDrawer", "spread"]

_LARGEST = 512
"""Pixels of the longer side of what is drawn; a detector's boxes need more room."""
_SMALLEST = 160
_READABLE = 320
_TOP = 3


class SampleDrawer:
    """Draws a model's answers to some validation images, always the same ones.

    Args:
        catalog: The components.
        source: The samples that are measured on.
        column: The column that holds the image.
        count: How many images.
    """

    def __init__(self, catalog: Catalog, source: Source, column: str = "image", count: int = 8) -> None:
        self.catalog = catalog
        self.source = source
        self.column = column
        self.indices = spread(len(source), count) if column in source.columns else []

    def draw(self, model: Model, folder: Path) -> list[Path]:
        """Write the images into a folder, with ``answers.json`` that says what each shows.

        A graph without predict mode, or with inputs that no image becomes, has nothing to draw; an image that cannot
        be read is left out.

        Args:
            model: The model; it evaluates meanwhile, and is as it was afterwards.
            folder: A new folder.

        Returns:
            The files.

        Raises:
            OSError: They cannot be written.
        """
        program = plan(model.graph, self.catalog).programs["predict"] if "predict" in model.graph.modes else None
        if program is None or not takers(model.graph, program.inputs, model.port_types):
            return []
        flags = [(part, part.training) for part in model.modules()]
        model.eval()
        try:
            drawn = [found for index in self.indices if (found := self._one(model, program, index)) is not None]
        finally:
            for part, was in flags:
                part.training = was
        if not drawn:
            return []
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for place, (image, _) in enumerate(drawn):
            content = io.BytesIO()
            image.save(content, "JPEG", quality=85)
            paths.append(folder / f"{place}.jpg")
            atomic_write(paths[-1], content.getvalue())
        answers = [{"file": path.name, **about} for path, (_, about) in zip(paths, drawn, strict=True)]
        atomic_write(folder / "answers.json", (json.dumps(answers, indent=2) + "\n").encode())
        return paths

    def keep(self, indices: Sequence[int], folder: Path) -> None:
        """Write small images of some samples, ``INDEX.jpg``, in place of those that were there.

        Args:
            indices: The samples; one that cannot be read is left out.
            folder: The folder.

        Raises:
            OSError: They cannot be written.
        """
        wanted = {f"{index}.jpg": index for index in indices if self.column in self.source.columns}
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            if path.name not in wanted:
                path.unlink()
        for name, index in wanted.items():
            if (folder / name).exists():
                continue
            try:
                image = _shown(self.source[index][self.column], self.source.name(index))
            except GraphError:
                continue
            factor = _SMALLEST / max(image.size)
            size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
            content = io.BytesIO()
            resample = Image.Resampling.NEAREST if factor > 2 else Image.Resampling.BILINEAR
            image.resize(size, resample).save(content, "JPEG", quality=85)
            atomic_write(folder / name, content.getvalue())

    def _one(self, model: Model, program: Program, index: int) -> tuple[Image.Image, dict[str, Any]] | None:
        name = self.source.name(index)
        row = self.source[index]
        try:
            outputs, frame = _run(model, program, row[self.column])
            plain = _shown(row[self.column], name)
        except GraphError:
            return None
        about: dict[str, Any] = {"index": index, "name": name}
        classes = class_names(model.graph, self.source)
        found = None if frame is None else detections(model.graph, outputs, frame)
        if found is not None:
            sure = [one for one in found if one.score is None or one.score >= _sure(found)]
            about["detections"] = [one.to_json() for one in sure]
            about["truth"] = self._boxes(row, classes)
            return _boxed(plain, sure, about["truth"]), about
        answers = named(model.graph, outputs, _TOP)
        if not answers:
            return None
        label = row.get("label")
        right = None if not isinstance(label, int | np.integer) else int(label)
        about["answers"] = [answer.to_json() for answer in answers[0]]
        about["label"] = right
        return _captioned(plain, answers[0], right, classes), about

    def _boxes(self, row: Mapping[str, Any], classes: Sequence[str]) -> list[dict[str, Any]]:
        """What is right."""
        boxes = np.asarray(row.get("boxes", ()), float).reshape(-1, 4).tolist()
        labels = [int(label) for label in row.get("box_labels", [0] * len(boxes))]
        return [
            {"label": label, "name": class_name(classes, label), "box": box}
            for label, box in zip(labels, boxes, strict=True)
        ]


def spread(length: int, count: int) -> list[int]:
    """Indices that lie evenly over samples: those of folders of classes then show many classes."""
    if length <= count:
        return list(range(length))
    return [round((place + 0.5) * length / count - 0.5) for place in range(count)]


def _run(model: Model, program: Program, plain: Any) -> tuple[Mapping[str, Any], Frame | None]:
    """Predict mode on one image; random numbers of their own stand for what else it needs."""
    place = next((value.device for value in model.parameters()), torch.device("cpu"))
    prepared, frame = framed(model.graph, takers(model.graph, program.inputs, model.port_types), plain)
    inputs, fields = filled(model.graph, program, prepared, model.port_types, frame=frame)
    with torch.no_grad():
        return model(moved(inputs, place), moved(fields, place), mode="predict"), frame


def _shown(plain: Any, name: str) -> Image.Image:
    image = decode(plain, "rgb", name)
    return (image if isinstance(image, Image.Image) else Image.fromarray(np.asarray(image))).convert("RGB")


def _sure(found: Sequence[Detection]) -> float:
    """The score from which on boxes are drawn: half of the best one, or early in training an image is full of them."""
    return max((one.score or 0.0 for one in found), default=0.0) / 2


def _boxed(plain: Image.Image, found: Sequence[Detection], truth: Sequence[Mapping[str, Any]]) -> Image.Image:
    """What was found in colour, and what is right in thin white; a small image is enlarged, so that words fit."""
    times = max(1, -(-_READABLE // max(plain.size)))
    larger = plain.resize((plain.width * times, plain.height * times), Image.Resampling.NEAREST)
    drawn = draw_detections(larger, [_enlarged(one, times) for one in found])
    pen = ImageDraw.Draw(drawn)
    for one in truth:
        left, top, right, bottom = (times * value for value in one["box"])
        pen.rectangle((left, top, max(left, right), max(top, bottom)), outline="#ffffff", width=1)
    drawn.thumbnail((2 * _LARGEST, 2 * _LARGEST))
    return drawn


def _enlarged(one: Detection, times: int) -> Detection:
    left, top, right, bottom = (times * value for value in one.box)
    mask = None if one.mask is None else one.mask.repeat(times, axis=0).repeat(times, axis=1)
    return replace(one, box=(left, top, right, bottom), mask=mask)


def _captioned(plain: Image.Image, answers: Sequence[Answer], right: int | None, classes: Sequence[str]) -> Image.Image:
    """The image with its classes and scores below; green where the first is right, red where it is not."""
    side = min(max(*plain.size, _SMALLEST), _LARGEST)
    factor = side / max(plain.size)
    size = (max(1, round(plain.width * factor)), max(1, round(plain.height * factor)))
    image = plain.resize(size, Image.Resampling.NEAREST if factor > 2 else Image.Resampling.BILINEAR)
    font = ImageFont.load_default(13)
    lines = [answer.name if answer.score is None else f"{answer.name} {answer.score:.2f}" for answer in answers]
    known = right is not None and right >= 0
    lines += [f"right: {class_name(classes, right)}"] if known and right is not None else []
    correct = not known or (bool(answers) and answers[0].label == right)
    width = max(image.width, _SMALLEST)
    canvas = Image.new("RGB", (width, image.height + 17 * len(lines) + 4), "#ffffff")
    canvas.paste(image, ((width - image.width) // 2, 0))
    pen = ImageDraw.Draw(canvas)
    for place, line in enumerate(lines):
        colour = ("#1b7837" if correct else "#b2182b") if place == 0 else "#444444"
        pen.text((4, image.height + 2 + 17 * place), line, fill=colour, font=font)
    return canvas
