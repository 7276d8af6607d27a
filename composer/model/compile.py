"""From a graph, or a file, to a model: check, infer, plan, build, load."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from composer.catalog import Catalog
from composer.catalog.build import TooLargeError
from composer.catalog.limits import Limits
from composer.graph import Graph
from composer.graph.file import loads, read
from composer.graph.file.document import from_document, to_document
from composer.graph.link import uncollected
from composer.graph.plan import Plan, plan
from composer.model import Model
from composer.model.build import build_modules, check_declared_size, fill, tie, tied_names
from composer.model.hub import ADDRESS, fetched
from composer.model.weights import compare, convert, graph_text_of, put, read_weights
from composer.problems import GraphError, Problem, Where
from composer.rules import check
from composer.rules.sizes import infer_shapes

__all__ = ["compile", "load", "outline"]

Params = Mapping[str, Mapping[str, Any]]


def compile(
    graph: Graph,
    catalog: Catalog | None = None,
    *,
    limits: Limits | None = None,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
) -> Model:
    """Build a model from a graph, with newly initialised weights.

    Args:
        graph: The graph; it is checked, and every size is inferred, before anything is built.
        catalog: The components; by default those that come with composer.
        limits: How much the graph may declare.
        device: Where the model goes.
        dtype: The dtype of its floating-point weights; by default torch's default dtype.

    Raises:
        GraphError: Something is wrong; it carries all problems.
    """
    catalog = Catalog.default() if catalog is None else catalog
    limits = limits or Limits()
    graph = _read_again(graph)
    planned, params, sizes = _resolve(graph, catalog, limits)
    model = _built(graph, planned, params, sizes, catalog, limits, "cpu")
    return _moved(model, device, dtype)


def outline(graph: Graph, catalog: Catalog | None = None, *, limits: Limits | None = None) -> Model:
    """A model whose tensors have sizes but no numbers (the meta device): to count with, in no time and memory.

    Args:
        graph: The graph.
        catalog: The components; by default those that come with composer.
        limits: How much the graph may declare.

    Raises:
        GraphError: Something is wrong; it carries all problems.
    """
    catalog = Catalog.default() if catalog is None else catalog
    limits = limits or Limits()
    graph = _read_again(graph)
    planned, params, sizes = _resolve(graph, catalog, limits)
    return _built(graph, planned, params, sizes, catalog, limits, "meta")


def load(
    path: str | Path,
    *,
    weights: str | Path | None = None,
    device: torch.device | str | None = None,
    dtype: torch.dtype | None = None,
    strict: bool = True,
    allow_pickle: bool = False,
    catalog: Catalog | None = None,
    limits: Limits | None = None,
) -> Model:
    """Build a model from a graph file, a file of ``Model.save``, or a model on the hub.

    Args:
        path: A YAML graph; a safetensors file with a graph in it, whose weights are then loaded; or
            ``hf://OWNER/NAME``, optionally with ``@REVISION``, which downloads such a file.
        weights: A file of weights; the model is then built without initialising any.
        device: Where the model goes.
        dtype: The dtype of its floating-point weights; by default that of the file.
        strict: Refuse weights that do not fit; otherwise load those that match and initialise the others.
            ``model.weights_report`` lists both.
        allow_pickle: Whether ``weights`` may be a torch file; it is read with ``weights_only=True``.
        catalog: The components; by default those that come with composer.
        limits: How much the graph may declare.

    Raises:
        GraphError: The file cannot be read, the graph is wrong, or the weights do not fit.
    """
    catalog = Catalog.default() if catalog is None else catalog
    limits = limits or Limits()
    path = fetched(path) if isinstance(path, str) and path.startswith(ADDRESS) else path
    whole = Path(path).suffix == ".safetensors"
    graph = loads(graph_text_of(path), str(path)) if whole else read(path)
    weights = weights if weights is not None or not whole else path
    if weights is None:
        return compile(graph, catalog, limits=limits, device=device, dtype=dtype)
    planned, params, sizes = _resolve(graph, catalog, limits, trusted=whole)
    model = _built(graph, planned, params, sizes, catalog, limits, "meta")
    state = convert(read_weights(weights, allow_pickle=allow_pickle, device=device or "cpu"), dtype)
    report = compare(model, state, tuple(graph.nodes))
    ties = tied_names(model)
    put(model, state, report, strict=strict, source=str(weights), assign=True)
    fill(model, planned, params, limits, _only_dtype(state))
    tie(model, ties)
    model.weights_report = report
    return _moved(model, device, dtype)


def _read_again(graph: Graph) -> Graph:
    """A graph that was made or edited by hand, as if it had been read from a file: what no file may hold is refused.

    Raises:
        GraphError: It holds something that is no graph, such as an id that is no plain identifier.
    """
    if not isinstance(graph, Graph):
        raise TypeError(
            f"expected a Graph, found {type(graph).__name__}: read files with composer.load or composer.read"
        )
    return graph if graph.source is not None else from_document(to_document(graph))


def _resolve(graph: Graph, catalog: Catalog, limits: Limits, *, trusted: bool = False) -> tuple[Plan, Params, Params]:
    """The plan, every part's parameters, and for each mode the sizes of outputs.

    The graph of a saved model has every parameter written out, and its weights say whether these are true, so its sizes
    are not inferred again.
    """
    problems = check(graph, catalog, limits)
    _refuse(problems)
    planned = plan(graph, catalog)
    if trusted and all(_complete(planned, path) for path in planned.parts):
        return planned, {path: part.params for path, part in planned.parts.items()}, {}
    with _limits_as_problems(graph):
        check_declared_size(planned, limits)
    shapes = infer_shapes(graph, catalog, limits=limits)
    _refuse(shapes.problems)
    by_module = {call.module: call.path for program in planned.programs.values() for call in program.calls}
    params = {path: shapes.nodes[by_module[path]].params for path in planned.parts if path in by_module}
    for path, part in planned.parts.items():
        if part.copy_of is not None:  # a source that no mode calls is built as its copy is
            params.setdefault(part.copy_of, params[path])
    return planned, params, shapes.ports


def _complete(planned: Plan, path: str) -> bool:
    part = planned.parts[path]
    return all(not item.required or item.name in part.params for item in part.component.parameters)


def _refuse(problems: Any) -> None:
    if any(problem.severity == "error" for problem in problems):
        raise GraphError(problems)


def _built(
    graph: Graph, planned: Plan, params: Params, sizes: Params, catalog: Catalog, limits: Limits, device: str
) -> Model:
    model = Model(graph, planned, params, catalog.port_types, sizes)
    with _limits_as_problems(graph), uncollected():
        build_modules(model, planned, params, limits, device)
    return model.train()


@contextmanager
def _limits_as_problems(graph: Graph) -> Iterator[None]:
    """Raise a limit that was reached as a problem of the graph."""
    try:
        yield
    except TooLargeError as error:
        file = graph.source.file if graph.source else None
        raise GraphError(Problem(error.code, Where(graph.name or "graph", file), str(error))) from None


def _only_dtype(state: Mapping[str, Tensor]) -> torch.dtype | None:
    """The dtype of the floating-point weights, if they have one."""
    found = {tensor.dtype for tensor in state.values() if tensor.is_floating_point()}
    return found.pop() if len(found) == 1 else None


def _moved(model: Model, device: torch.device | str | None, dtype: torch.dtype | None) -> Model:
    return model.to(device=device, dtype=dtype) if device is not None or dtype is not None else model
