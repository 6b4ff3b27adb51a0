"""Which adapter a name means: literal tables of those that are built in, and what installed packages add."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TextIO
from urllib.parse import urlsplit

from nano_flow.core.errors import StoreError, UsageError
from nano_flow.core.events import Event
from nano_flow.locate import service_file
from nano_flow.plugins import installed, load
from nano_flow.ports import Cache, EventMetrics, EventSink, RecordedWork
from nano_flow.ports.store import Store

if TYPE_CHECKING:
    from nano_flow.caches.sqlite import SqliteCache

STORE_VARIABLE = "NANO_FLOW_STORE"
"""Names the store of all runs where no service.yaml does; without either there is one in each state folder."""
CACHE_VARIABLE = "NANO_FLOW_CACHE"
"""The same for kept replies."""
SINKS_VARIABLE = "NANO_FLOW_SINKS"
"""The names of installed sinks that see every event of every run."""


def _sqlite(state: Path, url: str) -> Store:
    from nano_flow.stores.sqlite.store import open_store as open_file

    return open_file(state)


def _postgres(state: Path, url: str) -> Store:
    try:
        from nano_flow.stores.postgres.store import PostgresStore
    except ImportError:
        raise UsageError('a store in PostgreSQL needs an extra: pip install "nano-flow[postgres]"') from None
    return PostgresStore(url)


STORES: Mapping[str, Callable[[Path, str], Store]] = {"": _sqlite, "postgresql": _postgres, "postgres": _postgres}
"""How a store is opened, by the scheme of its address; a store without an address lies in the state folder."""


def store_address(folder: Path, config_dir: Path | None, environ: Mapping[str, str]) -> str:
    """Where the store in force is: ``store`` of the service.yaml that holds in ``folder``, else the variable.

    Empty: in the state folder. Raises DocumentError for a file that cannot be read.
    """
    path = service_file(folder, config_dir, folder)
    return (_declared_store(path, environ) if path else "") or environ.get(STORE_VARIABLE, "")


def _declared_store(path: Path, environ: Mapping[str, str]) -> str:
    from nano_flow.project.files import read_document, shown_path

    shown = shown_path(str(path))
    content = read_document(str(path), shown)
    if b"store" not in content:  # looking back neither waits for a schema, nor for other parts of the file to be right
        return ""
    from nano_flow.project.service.reading import expanded

    return expanded(_store_in(content, shown), environ)


@lru_cache(maxsize=8)
def _store_in(content: bytes, shown: str) -> str:
    """A server asks for its store again and again; the file is read as a document once for each of its contents."""
    from nano_flow.documents.load import load_service

    return load_service(content, shown).document.store or ""


def store_named(name: str) -> Store:
    """The store that a person names: an address, a state folder, or the file in one. Raises UsageError."""
    if "://" in name:
        return store_at(name, Path())
    from nano_flow.stores.sqlite.store import SqliteStore
    from nano_flow.stores.sqlite.store import open_store as open_file

    path = Path(name)
    return SqliteStore(path) if path.is_file() else open_file(path)


def store_at(url: str, state: Path) -> Store:
    """The store at an address, or in a state folder where there is none. Raises UsageError."""
    scheme = urlsplit(url).scheme
    factory = None if url and not scheme else STORES.get(scheme) or _installed_store(scheme)
    if factory is None:
        known = ", ".join(f"{name}://…" for name in (*STORES, *installed("stores")) if name)
        what = f'no store of the kind "{scheme}"' if scheme else f'no store at "{url}", which is no address'
        raise UsageError(
            f'there is {what}: expected {known}; without "store:" and {STORE_VARIABLE} it lies in the state folder, '
            "which --state-dir names"
        )
    return factory(state, url)


def _installed_store(scheme: str) -> Callable[[Path, str], Store] | None:
    factory = load("stores", scheme)
    if not callable(factory):
        return None

    def opened(state: Path, url: str) -> Store:
        store: Store = factory(url)
        return store

    return opened


def open_cache(state: Path, url: str, tell: Callable[[str], None]) -> Cache:
    """The cache of replies at an address; one that cannot be opened is told of by ``tell``, and holds nothing.

    Empty: in the state folder. Raises UsageError for an address of no known kind.
    """
    scheme = urlsplit(url).scheme
    try:
        if not url:
            from nano_flow.caches.keyed import ExactCache
            from nano_flow.caches.sqlite import SqliteCache

            return ExactCache(SqliteCache(kept_at(state), tell))
        factory = load("caches", scheme) if scheme else None
        if not callable(factory):
            known = ", ".join(f"{name}://…" for name in installed("caches")) or "none is installed"
            what = f'no cache of the kind "{scheme}"' if scheme else f'no cache at "{url}", which is no address'
            raise UsageError(
                f'there is {what}: expected {known}, or neither {CACHE_VARIABLE} nor "cache:" for the one '
                "in the state folder"
            )
        from nano_flow.caches.guarded import GuardedCache

        return GuardedCache(factory(url), scheme, tell)
    except StoreError as error:
        from nano_flow.caches.absent import AbsentCache

        return AbsentCache(str(error), tell)


def recorded_work(events: Iterable[Event]) -> RecordedWork:
    """What ``events`` of a run recorded, as its next life would find it."""
    from nano_flow.stores.recorded import RecordedFold

    fold = RecordedFold()
    for event in events:
        fold.apply(event)
    return fold.work()


def named_sinks(environ: Mapping[str, str]) -> list[EventSink]:
    """The sinks of installed packages that the environment names. Raises UsageError for a name that nobody offers."""
    found: list[EventSink] = []
    for name in environ.get(SINKS_VARIABLE, "").replace(",", " ").split():
        factory = load("sinks", name)
        if not callable(factory):
            known = ", ".join(installed("sinks")) or "none is installed"
            raise UsageError(f'{SINKS_VARIABLE} names "{name}", which no installed package offers: {known}')
        found.append(factory(environ))
    return found


def console_sink(stream: TextIO, now: Callable[[], float], *, verbosity: int, live: bool) -> EventSink:
    """A run as lines for people."""
    from nano_flow.sinks.console import ConsoleSink

    return ConsoleSink(stream, now, verbosity=verbosity, live=live)


def json_lines_sink(stream: TextIO) -> EventSink:
    """A run as one JSON object for every event."""
    from nano_flow.sinks.jsonl import JsonLinesSink

    return JsonLinesSink(stream)


def open_kept(state: Path) -> SqliteCache | None:
    """The replies that are kept in the state folder; None where nothing ever was: looking must not make a file."""
    from nano_flow.caches.sqlite import SqliteCache

    path = kept_at(state)
    return SqliteCache(path) if path.exists() else None


def kept_at(state: Path) -> Path:
    """Where the replies of a state folder are kept."""
    return state / "cache.db"


def metrics_sink(port: int) -> EventSink:
    """Serves a run's metrics at ``http://127.0.0.1:PORT/metrics``. Raises UsageError."""
    from nano_flow.sinks.telemetry.serving import served_metrics

    return served_metrics(port)


def event_metrics() -> EventMetrics:
    """Counts of events for Prometheus. Raises UsageError where the extra ``serve`` is not installed."""
    try:
        from nano_flow.sinks.telemetry.metrics import Metrics
    except ImportError:
        raise UsageError('metrics need the extra "serve": pip install "nano-flow[serve]"') from None
    return Metrics()


def span_sinks(environ: Mapping[str, str], folder: Path) -> list[EventSink]:
    """Where a run's spans go: ``telemetry`` of the service.yaml in force, else OTEL_EXPORTER_OTLP_ENDPOINT.

    Raises UsageError where spans are wanted and the extra ``otel`` is not installed, DocumentError.
    """
    from nano_flow.project.service.reading import expanded, service_in_force

    service = service_in_force(folder, None, environ)
    endpoint = expanded(service.telemetry.otlp or "", environ) or environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    if not endpoint:
        return []
    from nano_flow.sinks.telemetry.otlp import otlp_sink

    return [otlp_sink(endpoint, content=service.telemetry.content)]
