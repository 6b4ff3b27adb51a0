"""The tables of a PostgreSQL store, and how a database becomes one."""

from __future__ import annotations

from collections.abc import Sequence

from nano_flow.core.errors import StoreError
from nano_flow.stores.sql.database import Database

SCRIPTS: Sequence[Sequence[str]] = (
    (
        """CREATE TABLE runs (
             number BIGINT GENERATED ALWAYS AS IDENTITY,
             run_id TEXT COLLATE "C" PRIMARY KEY, workflow TEXT COLLATE "C" NOT NULL, file TEXT NOT NULL,
             created_at DOUBLE PRECISION NOT NULL, plan_digest TEXT NOT NULL, status TEXT NOT NULL,
             simulated BOOLEAN NOT NULL, head TEXT NOT NULL,
             finished_at DOUBLE PRECISION, active_s DOUBLE PRECISION NOT NULL DEFAULT 0, error TEXT, stop_reason TEXT,
             stop_address TEXT, cancel_requested_at DOUBLE PRECISION,
             owner_token TEXT, owner_host TEXT, owner_pid BIGINT, owner_started TEXT, owner_until DOUBLE PRECISION
           )""",
        "CREATE INDEX runs_by_time ON runs (created_at, number)",
        """CREATE TABLE events (
             run_id TEXT COLLATE "C" NOT NULL, seq BIGINT NOT NULL, kind TEXT NOT NULL,
             address TEXT COLLATE "C" NOT NULL, at DOUBLE PRECISION NOT NULL, body TEXT NOT NULL,
             PRIMARY KEY (run_id, seq)
           )""",
        """CREATE TABLE ledger (
             run_id TEXT COLLATE "C" NOT NULL, seq BIGINT NOT NULL, workflow TEXT COLLATE "C" NOT NULL,
             step TEXT COLLATE "C" NOT NULL, address TEXT COLLATE "C" NOT NULL, turn BIGINT NOT NULL,
             attempt BIGINT NOT NULL, model TEXT COLLATE "C" NOT NULL, provider TEXT COLLATE "C" NOT NULL,
             requested TEXT NOT NULL, outcome TEXT NOT NULL, error TEXT NOT NULL, at DOUBLE PRECISION NOT NULL,
             day TEXT COLLATE "C" NOT NULL, duration_s DOUBLE PRECISION NOT NULL,
             cost BIGINT CHECK (cost >= 0), possibly_spent BIGINT NOT NULL CHECK (possibly_spent >= 0),
             saved BIGINT NOT NULL CHECK (saved >= 0), simulated BOOLEAN NOT NULL,
             input_tokens BIGINT NOT NULL, cached_input_tokens BIGINT NOT NULL, cache_write_tokens BIGINT NOT NULL,
             cache_write_1h_tokens BIGINT NOT NULL, output_tokens BIGINT NOT NULL, reasoning_tokens BIGINT NOT NULL,
             audio_input_tokens BIGINT NOT NULL, audio_output_tokens BIGINT NOT NULL, measured BOOLEAN NOT NULL,
             price_entry TEXT NOT NULL, unpriced TEXT COLLATE "C" NOT NULL, PRIMARY KEY (run_id, seq)
           )""",
        "CREATE INDEX ledger_by_time ON ledger (at)",
        """CREATE TABLE approvals (
             run_id TEXT COLLATE "C" NOT NULL, address TEXT COLLATE "C" NOT NULL, message TEXT NOT NULL,
             options TEXT NOT NULL, input_schema TEXT, asked_at DOUBLE PRECISION NOT NULL, expires_at DOUBLE PRECISION,
             decision TEXT, input TEXT, comment TEXT, answered_by TEXT, answered_at DOUBLE PRECISION,
             PRIMARY KEY (run_id, address)
           )""",
        "CREATE SEQUENCE nano_flow_changes",
    ),
    (
        """CREATE TABLE marks (
             kind TEXT COLLATE "C" NOT NULL, name TEXT COLLATE "C" NOT NULL, at DOUBLE PRECISION NOT NULL,
             value TEXT NOT NULL, PRIMARY KEY (kind, name)
           )""",
        "CREATE INDEX runs_by_status ON runs (status, created_at)",
        """CREATE TABLE charges (
             run_id TEXT COLLATE "C" NOT NULL, address TEXT COLLATE "C" NOT NULL, turn BIGINT NOT NULL,
             attempt BIGINT NOT NULL, at DOUBLE PRECISION NOT NULL, workflow TEXT COLLATE "C" NOT NULL,
             provider TEXT COLLATE "C" NOT NULL, tags TEXT NOT NULL, amount BIGINT NOT NULL CHECK (amount >= 0),
             settled INTEGER NOT NULL, PRIMARY KEY (run_id, address, turn, attempt, at)
           )""",
        "CREATE INDEX charges_by_time ON charges (at)",
    ),
    (
        """CREATE TABLE seats (
             token TEXT COLLATE "C" PRIMARY KEY, name TEXT COLLATE "C" NOT NULL, labels TEXT NOT NULL,
             runs INTEGER NOT NULL, host TEXT NOT NULL, pid BIGINT NOT NULL, started TEXT NOT NULL,
             until DOUBLE PRECISION NOT NULL
           )""",
        """CREATE TABLE scopes (
             run_id TEXT COLLATE "C" NOT NULL, name TEXT COLLATE "C" NOT NULL, body TEXT NOT NULL,
             PRIMARY KEY (run_id, name)
           )""",
        """CREATE TABLE placed (
             run_id TEXT COLLATE "C" NOT NULL, address TEXT COLLATE "C" NOT NULL, label TEXT COLLATE "C" NOT NULL,
             scope TEXT COLLATE "C" NOT NULL, asked TEXT NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL,
             good INTEGER NOT NULL, stop TEXT NOT NULL, past BIGINT NOT NULL,
             number BIGINT NOT NULL, placed_at DOUBLE PRECISION NOT NULL, token TEXT COLLATE "C", outcome TEXT,
             PRIMARY KEY (run_id, address)
           )""",
        "CREATE INDEX placed_ready ON placed (label, placed_at) WHERE state = 'ready'",
        "CREATE INDEX placed_taken ON placed (token) WHERE state = 'taken'",
        "CREATE INDEX placed_handed_in ON placed (run_id, number) WHERE number >= 0",
    ),
)
"""Script *n* (from 0) brings a store of version *n* to version *n* + 1; one that shipped is never edited."""

_LOCK = 0x6E616E6F
_OURS = ("runs", "events", "ledger", "approvals", "marks", "charges", "seats", "scopes", "placed")


def version_of(database: Database) -> int:
    """The version of the store in a database; 0 where there is none. Raises StoreError for tables of somebody else."""
    if _there(database, "nano_flow_store"):
        row = database.execute("SELECT version FROM nano_flow_store").fetchone()
        return 0 if row is None else int(row["version"])
    foreign = [name for name in _OURS if _there(database, name)]
    if foreign:
        raise StoreError(
            database.place,
            f'the database holds a table "{foreign[0]}" of another program; name a schema of its own: '
            "postgresql://…?schema=nano_flow",
        )
    return 0


def judge(database: Database, version: int, known: int = len(SCRIPTS)) -> None:
    """Raise StoreError where a newer nano-flow made the store."""
    if version > known:
        raise StoreError(
            database.place,
            f"the store has version {version}, this nano-flow reads up to {known}; it was left untouched: "
            "use the newer nano-flow",
        )


def migrate(database: Database, schema: str, scripts: Sequence[Sequence[str]] = SCRIPTS) -> None:
    """Every script that is missing, in one transaction; who comes at the same moment waits and finds it done."""
    with database.transaction():
        database.execute("SELECT pg_advisory_xact_lock(?)", (_LOCK,))
        if schema:
            database.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")  # a name that ``read_address`` has looked at
        version = version_of(database)
        judge(database, version, len(scripts))
        if version == len(scripts):
            return
        for script in scripts[version:]:
            for statement in script:
                database.execute(statement)
        if version == 0:
            database.execute("CREATE TABLE nano_flow_store (version INTEGER NOT NULL)")
            database.execute("INSERT INTO nano_flow_store VALUES (?)", (len(scripts),))
        else:
            database.execute("UPDATE nano_flow_store SET version = ?", (len(scripts),))


def _there(database: Database, table: str) -> bool:
    """Whether there is a table of this name where ours would be made; another schema on the way does not count."""
    row = database.execute(
        "SELECT 1 FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = ?", (table,)
    ).fetchone()
    return row is not None
