"""What the browser asks about files: the gallery, opening, saving, and text that a person hands over."""

import base64
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from composer.catalog import Catalog
from composer.export.draw import draw
from composer.graph import Graph
from composer.graph.file import loads
from composer.graph.file.encoding import size_problem
from composer.graph.file.yamltext import MAX_BYTES
from composer.openmmlab import import_config
from composer.openmmlab.config_file import read_config
from composer.openmmlab.config_source.reader import MAX_BYTES as MAX_CONFIG_BYTES
from composer.problems import GraphError, Problem, Where
from composer.rules.sizes import Shapes
from composer.web.filenames import file_name_of
from composer.web.payloads import (
    DeleteFileReply,
    DeleteFileRequest,
    FileEntry,
    FileReply,
    OpenReply,
    OpenRequest,
    ProblemView,
    ProposeRequest,
    ReadRequest,
    RenameFileRequest,
    RestoreFileRequest,
    SaveReply,
    SaveRequest,
    TextReply,
    WorkspaceView,
)
from composer.web.workspace import Place, SavedFile, Workspace

__all__ = ["FileActions"]

_CONFIGS = (".py", ".json")
_PLACES: tuple[Place, ...] = ("workspace", "shipped")
_UNSIZED = Shapes({}, {}, ())
_KEPT = 500

Shown = Callable[[Graph, Sequence[str]], OpenReply]


@dataclass(frozen=True)
class FileActions:
    """Graph files, as the browser sees them.

    Args:
        workspace: The files.
        catalog: The components at this moment.
        graph_of: The graph of a document.
        shown: A graph as it is drawn, with the scope that is open.
        view_of: A problem as the browser has it.
    """

    workspace: Workspace
    catalog: Callable[[], Catalog]
    graph_of: Callable[[str], Graph]
    shown: Shown
    view_of: Callable[[Problem], ProblemView]
    _entries: dict[tuple[str, str, bool], FileEntry] = field(default_factory=dict, repr=False)

    def gallery(self, request: object = None) -> WorkspaceView:
        """All graphs that can be opened."""
        entries = [self._entry(place, name) for place in _PLACES for name in self.workspace.names(place)]
        return WorkspaceView(folder=str(self.workspace.folder), entries=[item for item in entries if item])

    def open(self, request: OpenRequest) -> OpenReply:
        """A file of the gallery."""
        saved = self.workspace.read(request.place, request.name)
        reply = self.shown(saved.graph(), ())
        return reply.model_copy(update={"name": saved.name, "place": saved.place, "version": saved.version})

    def read(self, request: ReadRequest) -> OpenReply:
        """A graph as YAML, or a config of OpenMMLab, that a person typed or uploaded."""
        name = request.name.replace("\\", "/").rpartition("/")[2]
        is_config = name.lower().endswith(_CONFIGS)
        most, expected = (MAX_CONFIG_BYTES, "a config") if is_config else (MAX_BYTES, "a graph file")
        if request.size > most:
            raise GraphError(size_problem(request.size, most, name, expected))
        content = None if request.content is None else _decoded(request.content, name)
        if is_config:
            return self._config(request.text.encode() if content is None else content, name)
        reply = self.shown(loads(request.text if content is None else content, name or "graph.yaml"), request.path)
        return reply.model_copy(update={"name": name, "place": "none"})

    def save(self, request: SaveRequest) -> SaveReply:
        """Save to the workspace."""
        graph = self.graph_of(request.document)
        found = self.workspace.save(graph, request.name, self.catalog(), request.version, request.overwrite)
        if found is None:
            text = "the file is not what it was when it was opened here: somebody or something else changed it"
            if request.version is None:
                text = "there is a file of this name already"
            return SaveReply(saved=False, name=request.name, version=None, conflict=text)
        return SaveReply(saved=True, name=found.name, version=found.version, load=self.workspace.load_line(found.name))

    def propose(self, request: ProposeRequest) -> TextReply:
        """A name to save under, from what the graph is called or from the file that it came in."""
        own = request.file.replace("\\", "/").rpartition("/")[2]
        is_own = request.place != "shipped" and own.lower().endswith((".yaml", ".yml"))
        title = own.rpartition(".")[0] if is_own else request.title or own.removesuffix(".yaml")
        taken = self.workspace.names("workspace") if request.fresh else ()
        folder = request.file.rpartition("/")[0] if request.place == "workspace" and request.fresh else ""
        start = f"{folder}/" if folder else ""
        beside = [name.removeprefix(start) for name in taken if name.startswith(start)]
        return TextReply(text=start + file_name_of(title, beside))

    def rename(self, request: RenameFileRequest) -> FileReply:
        """Give a file of the workspace another name."""
        return _named(self.workspace.rename(request.name, request.to))

    def delete(self, request: DeleteFileRequest) -> DeleteFileReply:
        """Move a file of the workspace to its trash."""
        token = self.workspace.delete(request.name)
        return DeleteFileReply(token=token, folder=str(self.workspace.trash(token)))

    def restore(self, request: RestoreFileRequest) -> FileReply:
        """Bring back a file from the trash."""
        return _named(self.workspace.restore(request.token))

    def _config(self, content: bytes, name: str) -> OpenReply:
        """A config handed over without its folder: no other file is opened for it."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"config{Path(name).suffix.lower()}")
            path.write_bytes(content)
            try:
                config = read_config(path, alone=True)
                imported = import_config(config, catalog=self.catalog())
            except GraphError as error:
                raise GraphError([_without_folder(problem, folder, name) for problem in error.problems]) from None
        notes = [_without_folder(problem, folder, name) for problem in (*config.notes, *imported.notes)]
        reply = self.shown(imported.graph, ())
        shown = [self.view_of(problem) for problem in notes]
        return reply.model_copy(update={"name": f"{Path(name).stem}.yaml", "place": "none", "notes": shown})

    def _entry(self, place: Place, name: str) -> FileEntry | None:
        try:
            saved = self.workspace.read(place, name)
            weights = self.workspace.weights_of(place, name) is not None
        except GraphError:
            return None  # it went away since the folder was listed
        key = (place, f"{name} {saved.version}", weights)
        if key not in self._entries:
            if len(self._entries) >= _KEPT:
                self._entries.clear()
            self._entries[key] = self._described(saved, weights)
        return self._entries[key]

    def _described(self, saved: SavedFile, weights: bool) -> FileEntry:
        folder, _, file = saved.name.rpartition("/")
        entry = FileEntry(
            place=saved.place,
            name=saved.name,
            folder=folder,
            title=file.removesuffix(".yaml"),
            about="",
            thumbnail="",
            nodes=0,
            modes=[],
            has_weights=weights,
        )
        try:
            graph = saved.graph()
        except GraphError as error:
            return entry.model_copy(update={"problem": error.problems[0].message})
        seen = {
            "title": graph.name or entry.title,
            "about": graph.about,
            "thumbnail": draw(graph, self.catalog(), _UNSIZED),
            "nodes": len(graph.nodes),
            "modes": list(graph.modes),
        }
        return entry.model_copy(update=seen)


def _decoded(content: str, name: str) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except ValueError:
        raise GraphError(Problem("cannot-read", Where(name[:100]), "the page sent no file; reload it")) from None


def _named(saved: SavedFile) -> FileReply:
    return FileReply(name=saved.name, version=saved.version)


def _without_folder(problem: Problem, folder: str, name: str) -> Problem:
    """A problem that names the file as its owner does, not where it lay for a moment."""

    def clean(text: str) -> str:
        for suffix in _CONFIGS:
            text = text.replace(str(Path(folder, f"config{suffix}")), name)
        return text.replace(folder, "")

    where = replace(problem.where, subject=clean(problem.where.subject), file=name if problem.where.file else None)
    return replace(problem, where=where, message=clean(problem.message))
