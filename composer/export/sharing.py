"""A model on the Hugging Face hub: weights with their graph in one safetensors file, and a card that says what it is.

Pushing and fetching are what a caller asks for by name; no graph file can ask for either.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from composer import ports
from composer.catalog import Catalog
from composer.export.draw import draw
from composer.graph import Graph
from composer.graph.file import atomic_write
from composer.graph.file.document import to_document
from composer.graph.file.yamlwriter import dump
from composer.graph.link import LinkedGraph, link
from composer.graph.plan import plan
from composer.model import Model
from composer.model.hub import ADDRESS, SHARED_FILE, hub_problem, repository
from composer.problems import GraphError
from composer.rules.sizes import Shapes, infer_shapes
from composer.rules.sizes.rows import rounded, size_rows

__all__ = ["card", "push", "write_shared"]

_MOST_ROWS = 60
_MOST_CLASSES = 100
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#+!|~-])")


def push(
    model: Model,
    name: str,
    *,
    catalog: Catalog | None = None,
    figures: Mapping[str, float] | None = None,
    license: str | None = None,
    private: bool | None = None,
    message: str = "A model of composer",
) -> str:
    """Put a model on the hub, in a repository that is made where there is none.

    Args:
        model: The model; ``composer.load("hf://OWNER/NAME")`` makes it again.
        name: The repository, ``OWNER/NAME``.
        catalog: The components, for the card.
        figures: What was measured, by name.
        license: Of the weights, as the hub writes it: ``apache-2.0``.
        private: Whether only its owner sees a repository that is made.
        message: Of the commit.

    Returns:
        Where it is: an address for the browser.

    Raises:
        GraphError: The name is none, nobody is logged in, or the hub cannot be reached or refuses.
    """
    from huggingface_hub import HfApi  # noqa: PLC0415

    repo, _ = repository(name)
    api = HfApi()
    with TemporaryDirectory() as folder:
        write_shared(model, Path(folder), repo, catalog=catalog, figures=figures, license=license)
        try:
            place = api.create_repo(repo, private=private, exist_ok=True)
            api.upload_folder(repo_id=repo, folder_path=folder, commit_message=message)
        except Exception as error:  # the hub's client raises many kinds
            raise GraphError(hub_problem(error, repo, "pushed")) from error
    return str(place)


def write_shared(
    model: Model,
    folder: Path,
    name: str,
    *,
    catalog: Catalog | None = None,
    figures: Mapping[str, float] | None = None,
    license: str | None = None,
) -> None:
    """Write what ``push`` puts on the hub: the model, its card, and the drawing on it.

    Args:
        model: The model.
        folder: A folder.
        name: The repository, for the card.
        catalog: The components, for the card.
        figures: What was measured, by name.
        license: Of the weights.
    """
    graph, catalog = model.graph, Catalog.default() if catalog is None else catalog
    shapes = infer_shapes(graph, catalog)
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / SHARED_FILE)
    atomic_write(folder / "graph.svg", draw(graph, catalog, shapes).encode())
    text = card(graph, name, catalog=catalog, shapes=shapes, figures=figures, license=license)
    atomic_write(folder / "README.md", text.encode())


def card(
    graph: Graph,
    name: str,
    *,
    catalog: Catalog | None = None,
    shapes: Shapes | None = None,
    figures: Mapping[str, float] | None = None,
    license: str | None = None,
) -> str:
    """The card of a model: what it is, what it takes and gives, what was measured, and how to use it.

    Names of the graph are escaped: nothing in them becomes markup.

    Args:
        graph: The graph.
        name: The repository, ``OWNER/NAME``.
        catalog: The components; by default those that come with composer.
        shapes: What ``infer_shapes`` found, if it is at hand.
        figures: What was measured, by name.
        license: Of the weights.
    """
    catalog = Catalog.default() if catalog is None else catalog
    shapes = shapes or infer_shapes(graph, catalog)
    head: dict[str, Any] = {"license": license} if license else {}
    head |= {"library_name": "graph-composer", "pipeline_tag": _task(graph, catalog), "tags": ["composer", "pytorch"]}
    parts = [f"---\n{dump(head)}---", f"# {_plain(graph.name or name.rpartition('/')[2])}"]
    parts += [_plain(graph.about)] if graph.about else []
    parts += ["![The graph](graph.svg)", _use(graph, name), *_tables(link(graph, catalog), shapes, figures or {})]
    return "\n\n".join(parts) + "\n"


def _task(graph: Graph, catalog: Catalog) -> str:
    """The hub's name for what a model does."""
    programs = plan(graph, catalog).programs
    answers = (
        [port.type for call in programs["predict"].calls for port in call.component.outputs]
        if ("predict" in programs)
        else []
    )
    if any(kind.is_a(ports.Detections) for kind in answers):
        return "object-detection"
    if any(kind.is_a(ports.Score, ports.Label) for kind in answers):
        return "image-classification"
    return "image-feature-extraction"


def _use(graph: Graph, name: str) -> str:
    mode = next((mode for mode in ("predict", "tensor") if mode in graph.modes), None)
    lines = ["import composer", "", f'model = composer.load("{ADDRESS}{name}").eval()']
    if any(entry.preprocess is not None for entry in graph.inputs.values()):
        lines.append('inputs = composer.preprocess(model.graph, "image.jpg")')
        lines.append(f'answers = model(inputs, mode="{mode}")' if mode else "")
    code = "\n".join(lines).rstrip()
    return f"```sh\npip install graph-composer\n```\n\n```python\n{code}\n```"


def _tables(linked: LinkedGraph, shapes: Shapes, figures: Mapping[str, float]) -> Iterator[str]:
    graph = linked.graph
    if figures:
        rows = [f"| {_plain(name)} | {value:.4g} |" for name, value in figures.items()]
        yield "\n".join(["## Measured", "", "| metric | value |", "|---|---|", *rows])
    inputs = to_document(graph).get("inputs", {})
    yield f"## Inputs\n\n```yaml\n{dump(inputs)}```"
    if graph.classes:
        named = ", ".join(map(_plain, graph.classes[:_MOST_CLASSES]))
        more = len(graph.classes) - _MOST_CLASSES
        yield f"## Classes\n\n{named}{f' and {more} more' if more > 0 else ''}"
    modes = tuple(mode for mode in ("predict", "tensor") if mode in graph.modes) or graph.modes
    listed = size_rows(linked, shapes, modes)
    rows = [
        f"| {_plain(row.name.strip())} | {_plain(row.type)} | {_plain(row.sizes(modes[:1]) or row.sizes(graph.modes))} "
        f"| {'' if row.parameters is None else f'{row.parameters:,}'} |"
        for row in listed[:_MOST_ROWS]
    ]
    rows += [f"| and {len(listed) - _MOST_ROWS} more | | | |"] if len(listed) > _MOST_ROWS else []
    flops = "; ".join(f"{rounded(count)} FLOPs in {mode} mode" for mode in modes if (count := shapes.flops(mode)))
    total = f"{shapes.parameters:,} parameters{f'; {flops}' if flops else ''}"
    yield "\n".join(["## Parts", "", total, "", "| node | type | gives | parameters |", "|---|---|---|---|", *rows])


def _plain(text: str) -> str:
    """A text of a graph as Markdown shows it, on one line."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))
