"""What ``run`` prints of an image: its classes, its boxes, its ranking, or the sizes of the outputs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from composer.cli.output import print_json, print_table, print_text
from composer.cli.save import Saving
from composer.graph import Graph
from composer.run.answers import Answer, Detection, detections, named
from composer.run.geometry import Frame

__all__ = ["Match", "Replies"]

_BOXES = 20
_MATCHES = 5


@dataclass(frozen=True, slots=True)
class Match:
    """An image or a prototype that a query was compared with.

    Args:
        name: The image's path, or the prototype's index.
        score: The cosine similarity, from -1 to 1.
    """

    name: str
    score: float


@dataclass
class Replies:
    """Prints what a run gave for each image, or collects it as JSON.

    Args:
        graph: The graph.
        mode: The mode.
        top: How many classes, boxes or matches an image gets.
        as_json: Whether JSON is printed at the end.
        saving: Where answers are saved.
        ranks: Whether predict mode ranks prototypes.
    """

    graph: Graph
    mode: str
    top: int | None = None
    as_json: bool = False
    saving: Saving | None = None
    ranks: bool = False
    _listed: list[dict[str, Any]] = field(default_factory=list, init=False)
    _outputs: dict[Path, Mapping[str, Any]] = field(default_factory=dict, init=False)

    def add(self, image: Path, outputs: Mapping[str, Any], frame: Frame | None) -> None:
        """Take what the model returned for an image.

        Args:
            image: The image.
            outputs: What the model returned.
            frame: Where the image lies in the input that was made of it.

        Raises:
            GraphError: It cannot be saved as it was asked for.
        """
        found = self._found(outputs, frame)
        if self.saving is not None and self.saving.draws:
            print_text(f"{image}  drawn in {self.saving.draw(image, found)}", stderr=True)
        elif self.saving is not None:
            self._outputs[image] = outputs
        if found is not None:
            self._detected(image, found)
        elif self.ranks and self.mode == "predict" and isinstance(outputs.get("scores"), Tensor):
            self.ranked(image, _prototypes(outputs["scores"]), "prototype")
        else:
            self._answered(image, outputs)

    def ranked(self, image: Path, matches: Sequence[Match], what: str = "image") -> None:
        """Take what a query was compared with, the most similar first.

        Args:
            image: The query.
            matches: All of them.
            what: What they are: ``image`` or ``prototype``.
        """
        if self.as_json:
            ranking = [{what: match.name, "score": match.score} for match in matches]
            self._listed.append({"image": str(image), "ranking": ranking})
            return
        shown = matches[: self.top or _MATCHES]
        print_text(f"{image}  {_counted(len(matches), what)}{_more(len(shown), len(matches))}")
        rows = [(str(place), f"{match.score:.4f}", match.name) for place, match in enumerate(shown, 1)]
        print_table(("rank", "similarity", what), rows, right=("rank", "similarity"))

    def finish(self) -> None:
        """Print the JSON, and save the arrays.

        Raises:
            GraphError: They cannot be saved.
        """
        if self.as_json:
            print_json(self._listed)
        if self._outputs and self.saving is not None:
            print_text(f"saved in {self.saving.write(self._outputs, self.graph.name)}", stderr=True)

    def _found(self, outputs: Mapping[str, Any], frame: Frame | None) -> list[Detection] | None:
        return None if frame is None or self.mode != "predict" else detections(self.graph, outputs, frame)

    def _detected(self, image: Path, found: Sequence[Detection]) -> None:
        if self.as_json:
            listed = [detection.to_json() for detection in found]
            self._listed.append({"image": str(image), "detections": listed})
            return
        shown = found[: self.top or _BOXES]
        print_text(f"{image}  {_counted(len(found), 'object')}{_more(len(shown), len(found))}")
        if shown:
            rows = [_row(detection) for detection in shown]
            print_table(_COLUMNS[: len(rows[0])], rows, right=_COLUMNS[1:])

    def _answered(self, image: Path, outputs: Mapping[str, Any]) -> None:
        answers = named(self.graph, outputs, self.top)[:1] if self.mode == "predict" else []
        if self.as_json:
            self._listed.append({"image": str(image), **outputs_json(answers, outputs)})
        else:
            print_text(f"{image}  {answers_text(answers, outputs)}")


_COLUMNS = ("class", "score", "left", "top", "right", "bottom", "mask")


def _row(detection: Detection) -> tuple[str, ...]:
    score = "" if detection.score is None else f"{detection.score:.3f}"
    row = (detection.name, score, *(f"{corner:.1f}" for corner in detection.box))
    return row if detection.mask is None else (*row, f"{int(detection.mask.sum()):,} px")


def _prototypes(scores: Tensor) -> list[Match]:
    """The prototypes by falling similarity, of equal ones the first."""
    first = scores[0].detach().float().cpu()
    return [Match(str(place), float(first[place])) for place in torch.argsort(-first, stable=True).tolist()]


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _more(shown: int, count: int) -> str:
    return "" if shown == count else f", the first {shown} here (--top shows more, --json all)"


def answers_text(answers: Sequence[Sequence[Answer]], outputs: Mapping[str, Any]) -> str:
    if not answers:
        return "  ".join(f"{name} {_value_text(value)}" for name, value in outputs.items())
    if not answers[0]:
        return "nothing"
    return "  ".join(f"{answer.name}{_score_text(answer.score)}" for answer in answers[0])


def _score_text(score: float | None) -> str:
    if score is None:
        return ""
    return f" {score:.3f}" if score == 0 or abs(score) >= 0.001 else f" {score:.1e}"


def _value_text(value: Any) -> str:
    """A scalar's number; of anything larger the sizes."""
    if isinstance(value, Tensor):
        return f"{value.item():.6g}" if value.ndim == 0 else f"[{', '.join(map(str, value.shape))}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} {_value_text(item)}" for key, item in value.items()) + "}"
    return "(" + ", ".join(map(_value_text, value)) + ")" if isinstance(value, list | tuple) else str(value)


def outputs_json(answers: Sequence[Sequence[Answer]], outputs: Mapping[str, Any]) -> dict[str, Any]:
    if answers:
        return {"answers": [answer.to_json() for answer in answers[0]]}
    return {"outputs": {name: _value_json(value) for name, value in outputs.items()}}


def _value_json(value: Any) -> Any:
    if isinstance(value, Tensor):
        data = {"shape": list(value.shape), "dtype": str(value.dtype).removeprefix("torch.")}
        return data | ({"value": value.item()} if value.ndim == 0 else {})
    if isinstance(value, Mapping):
        return {key: _value_json(item) for key, item in value.items()}
    return [_value_json(item) for item in value] if isinstance(value, list | tuple) else value
