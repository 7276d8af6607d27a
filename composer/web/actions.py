"""What the browser asks of the server about a graph: one payload in, one payload out."""

import inspect
import json
from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel

from composer.catalog import Catalog
from composer.catalog.component import Component
from composer.edits import apply
from composer.edits.names import refused
from composer.edits.paste import copy
from composer.graph import Graph
from composer.graph.file.document import from_document, to_document
from composer.graph.link import uncollected
from composer.problems import Problem, suggestion
from composer.web.catalog_source import CatalogSource
from composer.web.drops import drops_of, insertions_of, replacements_of
from composer.web.fits import box_fits_of, fits_of
from composer.web.payloads import (
    CatalogView,
    ChoicesReply,
    ChoicesRequest,
    ChoiceView,
    CopyReply,
    CopyRequest,
    DropsReply,
    DropsRequest,
    EditReply,
    EditRequest,
    FitsReply,
    FitsRequest,
    GraphView,
    InsertionsReply,
    InsertionsRequest,
    LookRequest,
    NewRequest,
    OpenReply,
    ProblemView,
    ReplacementsReply,
    ReplacementsRequest,
    SourceRequest,
    SuggestReply,
    SuggestRequest,
    TextReply,
)
from composer.web.recent import Recent
from composer.web.suggestions import suggestions_of
from composer.web.views import Insight, catalog_view, graph_view, insight_of, problem_view

__all__ = ["Actions"]

Request = TypeVar("Request", bound=BaseModel)

LARGEST = 8 * 2**20
"""Longest document that is read, in characters."""


class Actions:
    """Answers what the browser asks about a graph. Nothing is kept of who asked.

    Every call takes a payload as plain data (or as its model) and gives a payload. It raises ``GraphError`` for what
    cannot be done and pydantic's ``ValidationError`` for what is no such request; ``composer.web.envelopes`` makes
    answers of both.

    Args:
        source: Gives the components.
    """

    def __init__(self, source: CatalogSource) -> None:
        self.source_of_parts = source
        self._graphs: Recent[str, Graph] = Recent(64)
        self._insights: Recent[tuple[str, str], Insight] = Recent(8)
        self._catalog_view: tuple[str, CatalogView] | None = None

    # --- what other parts of the web app use ---

    def components(self) -> Catalog:
        """The components at this moment."""
        return self.source_of_parts.read().catalog

    def graph_of(self, document: str) -> Graph:
        """The graph of a document.

        Raises:
            GraphError: It is none.
        """
        found = self._graphs.get(document)
        if found is None:
            found = _read(document)
            self._graphs.put(document, found)
        return found

    @uncollected()
    def shown(self, graph: Graph, path: Sequence[str] = ()) -> OpenReply:
        """A graph as it is opened: its document and what to draw."""
        document = self._document(graph)
        view = self._view(document, path)
        return OpenReply(document=document, view=view, name=graph.name or "untitled", place="none", version=None)

    def view_of(self, problem: Problem) -> ProblemView:
        """A problem as the browser has it."""
        return problem_view(problem)

    # --- calls ---

    def catalog(self, payload: Any = None) -> CatalogView:
        """All components."""
        now, watched = self.source_of_parts.read(), bool(self.source_of_parts.folders)
        kept = self._catalog_view
        if kept is None or kept[0] != now.revision:
            kept = (now.revision, catalog_view(now.catalog, now.revision, now.problems, watched=watched))
            self._catalog_view = kept
        return kept[1]

    def revision(self, payload: Any = None) -> TextReply:
        """What changes when a component's file does."""
        return TextReply(text=self.source_of_parts.read().revision)

    def source(self, payload: Any) -> TextReply:
        """The source code of a component.

        Raises:
            GraphError: There is no such component, or its code cannot be read.
        """
        component = self._component(_request(SourceRequest, payload).type)
        try:
            text = inspect.getsource(component.cls)
        except (OSError, TypeError):
            raise refused(f"the code of {component.name} cannot be read", component.name) from None
        return TextReply(text=text)

    def choices(self, payload: Any) -> ChoicesReply:
        """The values that are offered for a parameter; none where no list of them is declared.

        Raises:
            GraphError: There is no such component.
        """
        request = _request(ChoicesRequest, payload)
        parameter = self._component(request.type).parameter_by_name.get(request.parameter)
        listed = () if parameter is None or parameter.choices is None else parameter.choices.listed()
        return ChoicesReply(choices=[ChoiceView(value=one.value, detail=one.detail, hint=one.hint) for one in listed])

    def new(self, payload: Any = None) -> OpenReply:
        """An empty graph."""
        request = _request(NewRequest, payload)
        return self.shown(Graph(name=(request.name or "model")[:200]))

    @uncollected()
    def look(self, payload: Any) -> GraphView:
        """What to draw of a document."""
        request = _request(LookRequest, payload)
        return self._view(request.document, request.path)

    @uncollected()
    def edit(self, payload: Any) -> EditReply:
        """Change a document: all operations, or none."""
        request = _request(EditRequest, payload)
        graph, catalog = self._known(request.document), self.components()
        created: list[str] = []
        renamed: dict[str, str] = {}
        notes: list[str] = []
        path = list(request.path)
        for operation in request.operations:
            done = apply(graph, path, operation, catalog)
            graph = done.graph
            created += done.created
            renamed |= done.renamed
            notes += done.notes
        document = self._document(graph)
        view = self._view(document, path) if request.look else None
        return EditReply(document=document, view=view, created=created, renamed=renamed, notes=notes)

    def fits(self, payload: Any) -> FitsReply:
        """Which ends a wire may have."""
        request = _request(FitsRequest, payload)
        insight = self._insight(request.document)
        fits = fits_of(insight, request.path, request.source, request.target)
        return FitsReply(fits=fits, boxes=box_fits_of(insight, request.path, request.source, request.target, fits))

    def drops(self, payload: Any) -> DropsReply:
        """Where a part may be dropped."""
        request = _request(DropsRequest, payload)
        return drops_of(self._insight(request.document), request)

    def replacements(self, payload: Any) -> ReplacementsReply:
        """What may take the place of a node, best first."""
        request = _request(ReplacementsRequest, payload)
        return ReplacementsReply(parts=replacements_of(self._insight(request.document), request.path, request.node))

    def insertions(self, payload: Any) -> InsertionsReply:
        """What may be put into a wire, best first."""
        request = _request(InsertionsRequest, payload)
        return insertions_of(self._insight(request.document), request.path, request.source, request.target)

    def suggest(self, payload: Any) -> SuggestReply:
        """Components that a wire could lead to or come from, best first."""
        request = _request(SuggestRequest, payload)
        insight = self._insight(request.document)
        return SuggestReply(suggestions=suggestions_of(insight, request.path, request.source, request.target))

    def copy(self, payload: Any) -> CopyReply:
        """Nodes for the clipboard."""
        request = _request(CopyRequest, payload)
        graph = self.graph_of(request.document)
        return CopyReply(fragment=copy(graph, request.path, request.names, self.components()))

    # --- inside ---

    def _component(self, name: str) -> Component:
        catalog = self.components()
        component = catalog.get(name)
        if component is None:
            shown = name[:40]
            hint = suggestion(shown, catalog.components, "types")
            raise refused(f"there is no type '{shown}' in the catalog; {hint}", shown, code="unknown-type")
        return component

    def _document(self, graph: Graph) -> str:
        document = json.dumps(to_document(graph), ensure_ascii=False, separators=(",", ":"))
        if len(document) > LARGEST:
            raise refused(
                f"the graph would take {len(document):,} characters; at most {LARGEST:,} are kept: use subgraphs"
            )
        self._graphs.put(document, graph)
        return document

    def _known(self, document: str) -> Graph:
        """The graph of a document; the one that was drawn last, of which much is known, where there is one."""
        insight = self._insights.get((document, self.source_of_parts.read().revision))
        return self.graph_of(document) if insight is None else insight.graph

    def _view(self, document: str, path: Sequence[str]) -> GraphView:
        return graph_view(self._insight(document), path)

    def _insight(self, document: str) -> Insight:
        parts = self.source_of_parts.read()
        key = (document, parts.revision)
        insight = self._insights.get(key)
        if insight is None:
            insight = insight_of(self.graph_of(document), parts.catalog)
            self._insights.put(key, insight)
        return insight


def _request(kind: type[Request], payload: Any) -> Request:
    """A request as its model.

    Raises:
        pydantic.ValidationError: The payload is no such request.
    """
    return payload if isinstance(payload, kind) else kind.model_validate({} if payload is None else payload)


def _read(document: str) -> Graph:
    """The graph of a document's text.

    Raises:
        GraphError: It is none.
    """
    if len(document) > LARGEST:
        raise refused(f"the document has {len(document):,} characters; at most {LARGEST:,} are read", code="too-large")
    try:
        data = json.loads(document)
    except RecursionError:
        raise refused("the document is nested too deep", code="too-deep") from None
    except ValueError:
        raise refused("this is no document of a graph: open or start one again") from None
    return from_document(data)
