"""What was said to models: each message once per store, compressed; texts of one step as what differs between them."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from nano_flow.core.calls import TEXTS
from nano_flow.core.events import PromptSent
from nano_flow.core.refs import path_of
from nano_flow.stores.sql.database import Database

_WINDOW = 32_768
_SMALL = 12
"""Bits of a window, 4,096 bytes, up to which small tables do."""
_KNOWN = 50_000
_AT_ONCE = 64
"""Rows of a statement."""

TextRow = tuple[str, float, str]
"""Digest, when it was kept, and the text: the digest of what it differs from, a colon, and the compressed rest."""


class Texts:
    """Turns messages into rows; remembers which ones are in the store already."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._bases: dict[tuple[str, int], tuple[str, bytes]] = {}

    def taken(self, event: PromptSent) -> tuple[PromptSent, list[TextRow]]:
        """The event with digests in the place of its messages, and the rows that are not in the store yet."""
        digests, rows = [], []
        for position, message in enumerate(event.messages):
            raw = message.encode("utf-8", "surrogatepass")
            digest = hashlib.sha256(raw).hexdigest()[:24]
            digests.append(digest)
            if digest not in self._known:
                self._known.add(digest)
                rows.append(self._row(digest, raw, (path_of(event.address), position), event.at))
        return replace(event, messages=tuple(digests)), rows

    def forget(self) -> None:
        """What was taken may not have arrived; and nothing is remembered for ever."""
        self._known.clear()
        self._bases.clear()

    def _row(self, digest: str, raw: bytes, place: tuple[str, int], at: float) -> TextRow:
        if len(self._known) > _KNOWN:
            self.forget()
        base = self._bases.setdefault(place, (digest, raw))
        if base[0] == digest:
            return digest, at, ":" + _packed(raw, b"")
        return digest, at, f"{base[0]}:{_packed(raw, base[1])}"


def write(database: Database, rows: Sequence[TextRow]) -> None:
    """Keep ``rows``, inside a transaction of the caller's; one that is there is kept for longer."""
    # A statement may name a row once. The first text stays, as in the store: a later one may be a difference to a text
    # that is one to this.
    first: dict[str, TextRow] = {}
    for row in rows:
        known = first.setdefault(row[0], row)
        first[row[0]] = (known[0], max(known[1], row[1]), known[2])
    each = list(first.values())
    for start in range(0, len(each), _AT_ONCE):
        chunk = each[start : start + _AT_ONCE]
        database.execute(
            f"INSERT INTO marks (kind, name, at, value) VALUES {','.join(['(?, ?, ?, ?)'] * len(chunk))}"
            " ON CONFLICT (kind, name) DO UPDATE SET at = excluded.at WHERE excluded.at > marks.at",
            [value for digest, at, text in chunk for value in (TEXTS, digest, at, text)],
        )


def read(database: Database, digests: Iterable[str]) -> dict[str, str]:
    """The texts of ``digests``; those that were dropped are not there."""
    found: dict[str, str] = {}
    for digest in dict.fromkeys(digests):
        raw = _raw(database, digest)
        if raw is not None:
            found[digest] = raw.decode("utf-8", "surrogatepass")
    return found


def drop(database: Database, before: float) -> int:
    """Drop the texts from before then, but those that newer ones are written as differences to. How many it were."""
    return database.execute(
        "DELETE FROM marks WHERE kind = ? AND at < ? AND name NOT IN"
        " (SELECT substr(value, 1, 24) FROM marks WHERE kind = ? AND at >= ?)",
        (TEXTS, before, TEXTS, before),
    ).rowcount


def drop_unused(database: Database, used: Iterator[PromptSent]) -> None:
    """Drop the texts that no event speaks of any more, and that no other is written as a difference to."""
    wanted = {digest for event in used for digest in event.messages}
    rows = database.execute("SELECT name, substr(value, 1, 24) FROM marks WHERE kind = ?", (TEXTS,)).fetchall()
    wanted |= {str(row[1]) for row in rows if row[0] in wanted and not str(row[1]).startswith(":")}
    for row in rows:
        if row[0] not in wanted:
            database.execute("DELETE FROM marks WHERE kind = ? AND name = ?", (TEXTS, row[0]))


def _raw(database: Database, digest: str) -> bytes | None:
    row = database.execute("SELECT value FROM marks WHERE kind = ? AND name = ?", (TEXTS, digest)).fetchone()
    if row is None:
        return None
    base, _, packed = str(row[0]).partition(":")
    dictionary = _raw(database, base) if base else b""
    return None if dictionary is None else _unpacked(packed, dictionary)


def _packed(raw: bytes, dictionary: bytes) -> str:
    known = dictionary[-_WINDOW:]
    # A window no larger than the text: the usual one is a quarter of a megabyte of fresh memory for each message.
    bits = min(15, max(10, (len(raw) + len(known)).bit_length()))
    usual = (6, zlib.DEFLATED, bits, 5 if bits <= _SMALL else 8, zlib.Z_DEFAULT_STRATEGY)
    packer = zlib.compressobj(*usual, known) if known else zlib.compressobj(*usual)
    return base64.b85encode(packer.compress(raw) + packer.flush()).decode("ascii")


def _unpacked(text: str, dictionary: bytes) -> bytes:
    unpacker = zlib.decompressobj(zdict=dictionary[-_WINDOW:]) if dictionary else zlib.decompressobj()
    return unpacker.decompress(base64.b85decode(text)) + unpacker.flush()
