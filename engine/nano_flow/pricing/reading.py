"""From ``pricing.yaml`` as a document to price lists, and what a schema cannot see in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from nano_flow.core.diagnostics import Diagnostic, SourceRange
from nano_flow.core.money import usd
from nano_flow.documents.common import token_count
from nano_flow.documents.pricing import PriceEntry as PriceEntryDocument
from nano_flow.documents.pricing import PricingDocument, TokenPrices
from nano_flow.pricing.rates import PriceEntry, PriceList, StatedEntry, StatedPrices, build_entry

FREE = StatedPrices(Decimal(0), Decimal(0), audio_input=Decimal(0), audio_output=Decimal(0), cache_write_1h=Decimal(0))
_LEAST, _MOST = Decimal("0.001"), Decimal(5_000)
"""US dollars for a million tokens between which every known price lies."""
KINDS = (
    "input",
    "cached_input",
    "cache_write",
    "cache_write_1h",
    "output",
    "reasoning",
    "audio_input",
    "audio_output",
)
"""Every kind of token that a document may price, in its order."""


@dataclass(frozen=True, slots=True)
class PriceFault:
    """What is wrong with a price, and the path to it inside the document."""

    code: str
    path: tuple[str | int, ...]
    message: str


def price_lists(document: PricingDocument) -> dict[str, PriceList]:
    """One list per name; a document with faults gives lists that call their models unpriced."""
    lists: dict[str, PriceList] = {}
    for name, stated in document.models.items():
        if stated == "free":
            entry = build_entry(StatedEntry(f"{name}@free", None, {-1: FREE}))
            lists[name] = PriceList(name, (entry,))
        elif stated == "unpriced":
            lists[name] = PriceList(name, unpriced=f'pricing.yaml calls "{name}" unpriced')
        else:
            entries = [e for entry in stated if (e := _entry(name, entry, document.per_tokens)) is not None]
            entries.sort(key=lambda e: e.starts)
            lists[name] = PriceList(name, tuple(entries), "" if entries else f'no entry of "{name}" can be used')
    return lists


def price_faults(document: PricingDocument) -> Iterator[PriceFault]:
    """What the schema lets pass and yet cannot be a price: see NF521 to NF524 in ``docs/errors.md``."""
    if document.per_tokens == 0:
        yield PriceFault("NF521", ("per_tokens",), '"per_tokens" is how many tokens a price is for; expected e.g. 1M')
    for name, stated in document.models.items():
        if isinstance(stated, str):
            continue
        days: dict[str, int] = {}
        for index, entry in enumerate(stated):
            path = ("models", name, index)
            yield from _entry_faults(entry, path)
            if entry.from_ in days:
                message = f'"{name}" has two entries from {entry.from_}: only one can be in force'
                yield PriceFault("NF524", (*path, "from"), message)
            days[entry.from_] = index


def price_diagnostics(
    document: PricingDocument, value_range: Callable[[tuple[str | int, ...]], SourceRange]
) -> list[Diagnostic]:
    """The faults of a document as errors at their place; ``value_range`` is its ``SourceDocument``'s."""
    return [
        Diagnostic("error", fault.code, fault.message, value_range(fault.path), ".".join(map(str, fault.path)))
        for fault in price_faults(document)
    ]


def price_advice(
    document: PricingDocument, value_range: Callable[[tuple[str | int, ...]], SourceRange]
) -> list[Diagnostic]:
    """Prices that look as if they were meant for another number of tokens."""
    found = []
    for name, stated in document.models.items():
        for index, entry in enumerate(stated if isinstance(stated, list) else ()):
            for kind in ("input", "output"):
                said = _unit_fault(getattr(entry, kind), document.per_tokens)
                if said is not None:
                    path = ("models", name, index, kind)
                    where, at = value_range(path), ".".join(map(str, path))
                    found.append(Diagnostic("warning", "NF525", f'"{name}": {said[0]}', where, at, said[1]))
    return found


def _unit_fault(price: Decimal | None, per_tokens: int) -> tuple[str, str] | None:
    """What is odd about a price, and what was probably meant."""
    if not price or not per_tokens:
        return None
    per_million = price * 1_000_000 / per_tokens
    if per_million < _LEAST:
        hint = "did you mean per_tokens: 1?" if per_tokens > 1 else ""
        return f"${price:f} for {per_tokens:,} tokens is far below any known price", hint
    if per_million > _MOST:
        hint = "did you mean per_tokens: 1M?" if per_tokens < 1_000_000 else ""
        return f"${price:f} for {per_tokens:,} tokens is far above any known price", hint
    return None


def _entry_faults(entry: PriceEntryDocument, path: tuple[str | int, ...]) -> Iterator[PriceFault]:
    if _day(entry.from_) is None:
        yield PriceFault("NF522", (*path, "from"), f'"{entry.from_}" is not a day of the calendar')
    missing = [kind for kind in ("input", "output") if getattr(entry, kind) is None]
    if missing and entry.per_request is None:
        names = " and ".join(f'"{kind}"' for kind in missing)
        yield PriceFault("NF523", path, f'an entry needs {names}, or a fee "per_request": what is unknown is not free')


def _entry(name: str, stated: PriceEntryDocument, per_tokens: int) -> PriceEntry | None:
    day = _day(stated.from_)
    if day is None or not per_tokens:
        return None
    base = _kinds(stated)
    if stated.per_request is None and not {"input", "output"} <= base.keys():
        return None
    base = {"input": Decimal(0), "output": Decimal(0)} | base
    tiers = {-1: StatedPrices(**base)}
    for size, prices in (stated.above or {}).items():
        tiers[token_count(int(size) if size.isdigit() else size)] = StatedPrices(**(base | _kinds(prices)))
    entry = StatedEntry(
        label=f"{name}@{stated.from_}",
        starts=day,
        tiers=tiers,
        per_request=stated.per_request or Decimal(0),
        batch=None if stated.batch is None else Decimal(str(stated.batch)),
        source=stated.source or "",
    )
    return build_entry(entry, per_tokens)


def _kinds(prices: TokenPrices) -> dict[str, Decimal]:
    return {kind: price for kind in KINDS if (price := getattr(prices, kind)) is not None}


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def stated_prices(entry: PriceEntry, above: int = -1) -> dict[str, str]:
    """The prices of ``entry`` above a context size (-1: usually), in dollars for a million tokens, by kind."""
    rates = dict(entry.standard.tiers)[above]
    shown: dict[str, str] = {}
    for kind in KINDS:
        rate = getattr(rates, kind)
        if rate >= 0:
            shown[kind] = _per_million(rate, entry.standard.scale)
    return shown


def _per_million(rate: int, scale: int) -> str:
    exact = Decimal(rate) * 1_000_000 / scale
    whole = int(exact)
    return usd(whole) if exact == whole else f"{exact / 10**9:f}".rstrip("0")
