"""A plan while it is made: the skeleton of its steps, and one table for what each pass found out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from nano_flow.core.diagnostics import Diagnostic, Severity, SourceRange
from nano_flow.core.messages import Json
from nano_flow.core.refs import ModelRef
from nano_flow.documents.load import WorkflowSource
from nano_flow.documents.steps import Step
from nano_flow.documents.workflow import WorkflowDocument
from nano_flow.plan.places import Place
from nano_flow.plan.plan import Plan, Value
from nano_flow.source.expressions import Template
from nano_flow.source.source_map import SourceDocument

if TYPE_CHECKING:
    from nano_flow.documents.routing import RoutingDocument
    from nano_flow.plan.catalogue import Catalogue
    from nano_flow.plan.reading.mcp_file import FileServer

Path = tuple[str | int, ...]
"""A place in a document."""
GraphRole = Literal["steps", "on_failure", "finally", "case"]


@dataclass(frozen=True, slots=True)
class CompileContext:
    """What a plan is made from besides the workflow's text; everything that touches the outside is handed in.

    ``read_file`` takes an absolute path and raises OSError; ``load_workflow`` takes that and the name to show, and
    also raises DocumentError. ``folder`` is absolute: what a relative ``source.file`` counts from (the working
    directory). ``root`` is the absolute folder of the project: no file outside it is read, whatever a workflow says.
    ``unpriced_models_pass`` is ``unknown: warn`` of the price list. ``forbidding`` says in words which rule of a policy
    keeps a model from a step with certain tags; nothing where none surely does. ``are_shipped``: the policies are those
    that ship, as they ship.
    """

    catalogue: Catalogue
    read_file: Callable[[str], str]
    load_workflow: Callable[[str, str], WorkflowSource]
    folder: str
    root: str
    routing: RoutingDocument | None = None
    is_priced: Callable[[ModelRef], bool] = lambda ref: True
    retires: Callable[[ModelRef], str] = lambda ref: ""
    """That a model is, or soon will be, no longer served, in words; nothing where it stays."""
    unpriced_models_pass: bool = False
    forbidding: Callable[[str, ModelRef, Sequence[str]], str] = lambda policy, model, tags: ""
    are_shipped: bool = False
    is_installed_tool: Callable[[str], bool] = lambda name: False
    """Whether an installed package offers a tool of this name; asked only about names that nobody else knows."""


@dataclass(frozen=True, slots=True)
class DraftStep:
    """One step of the skeleton. ``at`` is its place in the document, ``path`` its address without indices."""

    number: int
    id: str
    path: str
    at: Path
    document: Step
    graph: int
    case: str | None = None


@dataclass(slots=True)
class DraftGraph:
    """Steps that know each other. ``outer`` is the graph whose steps they see too, ``owner`` the step around them."""

    number: int
    at: Path
    role: GraphRole
    owner: int | None
    outer: int | None
    sequential: bool = False
    steps: list[int] = field(default_factory=list)
    ids: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Use:
    """A template that refers to something: ``step`` is None for the outputs of the file and for declared tools."""

    template: Template
    place: Place
    step: int | None
    tool: str = ""
    """The declared tool whose ``args`` it sees."""


@dataclass(frozen=True, slots=True)
class FileText:
    """A file that the workflow names: how diagnostics show it, and its text."""

    shown: str
    text: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What is known so far. Steps and graphs are numbered, outer before inner; tables are keyed by those numbers."""

    loaded: WorkflowSource
    context: CompileContext
    callers: tuple[str, ...] = ()
    """Absolute paths of the workflows that called this one, the outermost first."""
    under_budget: bool = False
    """True where the workflow that calls this one has a budget in dollars: the run's budget is shared."""
    steps: list[DraftStep] = field(default_factory=list)
    graphs: list[DraftGraph] = field(default_factory=list)
    inner: dict[int, list[int]] = field(default_factory=dict)
    """Step → the graphs inside it: a group's steps and handlers, a switch's cases."""
    texts: dict[Path, FileText] = field(default_factory=dict)
    """Place of a ``{file: …}`` → the file."""
    schemas: dict[Path, Mapping[str, Json]] = field(default_factory=dict)
    """Place of an ``output_schema``, ``parameters`` or ``input`` → the schema, read from its file where it has one."""
    servers: dict[str, FileServer] = field(default_factory=dict)
    """Declared tool → the MCP server that its file describes."""
    shared: dict[Path, Path] = field(default_factory=dict)
    """Place of a ``{use: …}`` → where under ``shared`` it stands."""
    fields: list[dict[str, Value]] = field(default_factory=list)
    """Step → its template fields."""
    file_fields: dict[str, Value] = field(default_factory=dict)
    """``outputs`` and the templates of ``tools.NAME``."""
    places: list[SourceRange] = field(default_factory=list)
    """Step → where it stands."""
    uses: list[Use] = field(default_factory=list)
    plans: dict[int, Plan] = field(default_factory=dict)
    """Step of kind ``workflow`` → the plan that it runs."""
    files: dict[str, str] = field(default_factory=dict)
    """Absolute path of every file that was read → its digest."""
    touched: dict[int, dict[int, None]] = field(default_factory=dict)
    """Step → the steps that its templates refer to."""
    quoted: dict[int | None, dict[int, None]] = field(default_factory=dict)
    """Step (None: the outputs of the file) → the steps whose values come into it, not only decide about it."""
    tags: list[tuple[str, ...]] = field(default_factory=list)
    """Step → its tags, its own and those that flow to it."""
    tags_written: list[tuple[str, ...]] = field(default_factory=list)
    """Step → those of its tags that stand at it or around it, and do not come with data."""
    tags_out: tuple[str, ...] = ()
    """The tags of what the file gives back."""
    needs: list[tuple[int, ...]] = field(default_factory=list)
    references: list[tuple[int, ...]] = field(default_factory=list)
    orders: list[list[int]] = field(default_factory=list)
    """Graph → its steps in a topological order; shorter than the graph where it has a cycle."""

    @property
    def document(self) -> WorkflowDocument:
        """The typed document."""
        return self.loaded.document

    @property
    def source(self) -> SourceDocument:
        """The document's text and positions."""
        return self.loaded.source

    @property
    def path(self) -> str:
        """The absolute path of the workflow's file."""
        return join(self.context.folder, self.source.file)

    def where(self, at: Path) -> SourceRange:
        """The range of the value at ``at``; where it has none of its own, of the nearest mapping around it."""
        return self.source.value_range(at)

    def key(self, at: Path) -> SourceRange:
        """The range of the key that ends ``at``."""
        return self.source.key_range(at)

    def written(self, step: int, *keys: str | int) -> Path:
        """The place of a step's key; under ``defaults`` where the step does not say it itself."""
        at = self.steps[step].at
        if self.document.defaults is None:
            return (*at, *keys)
        own = self.source.value(at)
        return (*at, *keys) if isinstance(own, dict) and keys[0] in own else ("defaults", *keys)

    def ancestors(self, step: int) -> Iterator[int]:
        """``step`` and every step around it, the innermost first."""
        number: int | None = step
        while number is not None:
            yield number
            number = self.graphs[self.steps[number].graph].owner


Found = list[Diagnostic]
Pass = Callable[[Draft], tuple[Draft, Found]]
"""A pass takes a draft and returns one that knows more, with what it found to be wrong."""


LONGEST_MESSAGE = 600
MOST_ERRORS = 200
"""Errors of one kind that are collected: naming what was probably meant 10,000 times would take minutes."""


def first_errors(diagnostics: Iterable[Diagnostic]) -> Found:
    """``diagnostics`` up to the MOST_ERRORS-th error."""
    found: Found = []
    errors = 0
    for diagnostic in diagnostics:
        found.append(diagnostic)
        errors += diagnostic.severity == "error"
        if errors >= MOST_ERRORS:
            break
    return found


def join(folder: str, path: str) -> str:
    """``path`` counted from ``folder``, without ``.``, ``..`` and doubled slashes; both with forward slashes."""
    whole = path if path.startswith("/") else f"{folder}/{path}"
    parts: list[str] = []
    for part in whole.split("/"):
        if part == "..":
            if parts:
                parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def problem(
    code: str, message: str, where: SourceRange, *, at: Path = (), hint: str = "", severity: Severity = "error"
) -> Diagnostic:
    """A diagnostic on one line, whatever the values are that it quotes; ``at`` becomes its address."""
    return Diagnostic(severity, code, _one_line(message), where, address_of(at), _one_line(hint))


def _one_line(text: str) -> str:
    if text.isprintable() and len(text) < LONGEST_MESSAGE:
        return text
    from nano_flow.core.shown.printable import clip

    return clip(text, LONGEST_MESSAGE)


def address_of(at: Path) -> str:
    """``("steps", "a", "verify", 0)`` → ``steps.a.verify[0]``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in at).removeprefix(".")
