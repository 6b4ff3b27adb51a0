"""A ``pricing.yaml`` on disk: read, listed, compared with published prices, and corrected."""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.errors import DocumentError, UsageError
from nano_flow.core.refs import ModelRef
from nano_flow.documents.load import PricingSource, checked
from nano_flow.documents.pricing import PriceEntry as PriceEntryDocument
from nano_flow.locate import PolicyFile
from nano_flow.pricing.market.adding import NEW_FILE, added, block
from nano_flow.pricing.market.drift import Checked, check_prices
from nano_flow.pricing.market.editing import Insertion, NewEntry, insert, insertion
from nano_flow.pricing.market.published import PublishedPrices
from nano_flow.pricing.prices import Prices
from nano_flow.pricing.rates import PriceEntry, PriceList, seconds
from nano_flow.pricing.reading import KINDS, price_advice, price_diagnostics
from nano_flow.project.extending import policy_source
from nano_flow.project.money.market import Lookup, genai_prices, litellm_prices
from nano_flow.source.layers import LayeredDocument, holds


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One line of a list of prices; ``entry`` None is a model without a price."""

    name: str
    entry: PriceEntry | None
    in_force: bool = True


@dataclass(frozen=True, slots=True)
class PriceChange:
    """What an update would change; ``skipped`` says what it leaves to you."""

    path: Path
    before: str
    after: str
    diff: str
    skipped: tuple[str, ...]

    def write(self) -> None:
        """Replace the file in one step. Raises UsageError where it cannot, or has changed meanwhile."""
        try:
            if not self.before and not self.path.exists():
                self.path.write_text(self.after, encoding="utf-8")
                return
            if self.path.read_text(encoding="utf-8") != self.before:
                raise UsageError(f"{self.path} changed while it was looked at; nothing was written")
            mode = self.path.stat().st_mode
            handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=".pricing-")
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(self.after)
            os.chmod(name, mode)
            os.replace(name, self.path)
        except OSError as error:
            raise UsageError(f"{self.path} cannot be written: {error.strerror}") from None


@dataclass(frozen=True, slots=True)
class PriceTable:
    """The prices in force and the file that states them."""

    file: PolicyFile
    source: PricingSource
    prices: Prices

    def lines(self, part: str, at: float, *, every: bool = False) -> list[PriceLine]:
        """Models whose name contains ``part``, with the entry in force ``at``, or with every entry."""
        found: list[PriceLine] = []
        for name, listed in self.prices.lists().items():
            if part.lower() in name.lower():
                found += _lines(listed, at, every=every)
        return found

    def check(self, now: float) -> list[tuple[str, list[Checked]]]:
        """Every source that is on this machine, and what it says of each model."""
        return [(name, check_prices(self.prices, now, look_up)) for name, look_up in _sources()]

    def update(self, names: Sequence[str], starts: date) -> PriceChange:
        """What would bring the prices of ``names`` (none: all models) to what LiteLLM publishes."""
        unknown = [name for name in names if name not in self.prices.lists()]
        if unknown:
            raise UsageError(f'no price is stated for "{unknown[0]}"; "nano-flow prices list" shows the names')
        sources = _sources()
        if not sources or not sources[0][0].startswith("LiteLLM"):
            raise UsageError("LiteLLM's price map is not on this machine: install litellm")
        at = seconds(starts)
        text = self.source.source.text
        insertions, skipped = list[Insertion](), list[str]()
        for found in check_prices(self.prices, at, sources[0][1]):
            if found.differences and (not names or found.name in names):
                new = self._insertion(found, text, starts)
                (insertions.append(new) if isinstance(new, Insertion) else skipped.append(new))
        return self._change(text, insert(text, insertions), skipped)

    def advice(self) -> list[Diagnostic]:
        """Prices that look as if they were meant for another number of tokens, each with its line."""
        return price_advice(self.source.document, self.source.source.value_range)

    def add(self, names: Sequence[str], starts: date, alike: Callable[[str], Sequence[ModelRef]]) -> PriceChange:
        """What would give ``names`` a price; ``alike`` are the names under which others may know a model."""
        known = self.prices.lists()
        entries, skipped = dict[str, NewEntry](), list[str]()
        for name in names:
            if name in known:
                skipped.append(f"{name} has a price already: nano-flow prices update {name}")
                continue
            theirs = next((found for ref in alike(name) if (found := _published(ref)) is not None), None)
            if theirs is None:
                raise UsageError(f"nobody here knows a price of {name}: write it under models: of pricing.yaml")
            entries[name] = NewEntry(starts.isoformat(), theirs.kinds, theirs.above, theirs.source)
        if self.file.found == "bundled":
            return self._added(PolicyFile("pricing.yaml", Path("pricing.yaml").absolute(), "project"), entries, skipped)
        return self._added(self.file, entries, skipped)

    def _added(self, file: PolicyFile, entries: Mapping[str, NewEntry], skipped: list[str]) -> PriceChange:
        """The change of ``file``, or a new file that adds to what ships."""
        source = self.source.source
        if file is not self.file:
            if file.path.exists():
                raise UsageError(f"{file.path} is there, and is not in force here: run this beside it")
            after = NEW_FILE + "\n".join(["models:", *block(entries, "  ")]) + "\n"
            return self._change("", after if entries else "", skipped, file)
        own = source.layers[0] if isinstance(source, LayeredDocument) else source
        text = added(own, own.data.get("models"), entries) if entries else own.text
        if text is None:
            raise UsageError(f"the models of {file.path} are written in braces: write one a line, then add to them")
        return self._change(own.text, text, skipped, file)

    def _is_own(self, name: str) -> bool:
        """Whether the file itself prices ``name``, and not one that it extends."""
        source = self.source.source
        return not isinstance(source, LayeredDocument) or holds(source.layers[0], ("models", name))

    def _insertion(self, found: Checked, text: str, starts: date) -> Insertion | str:
        if not self._is_own(found.name):
            return f"{found.name} is priced by the file that this one extends"
        stated = self.source.document.models[found.name]
        theirs = found.published
        assert isinstance(stated, list) and theirs is not None
        last = max(range(len(stated)), key=lambda place: stated[place].from_)
        if stated[last].from_ >= starts.isoformat():
            return f"{found.name} has an entry from {stated[last].from_} already; give a later day with --from"
        entry = NewEntry(
            starts=starts.isoformat(),
            kinds={**_own(stated[last]), **theirs.kinds},
            above=theirs.above,
            source=theirs.source,
            batch=None if stated[last].batch is None else f"{stated[last].batch:g}",
            per_request=None if stated[last].per_request is None else str(stated[last].per_request),
        )
        path = ("models", found.name, len(stated) - 1)
        line = insertion(text, path, entry, self.source.source.value_range)
        return line or f'{found.name} is not written as a list of lines that begin with "-": change it by hand'

    def _change(self, before: str, after: str, skipped: list[str], file: PolicyFile | None = None) -> PriceChange:
        """Checks that the changed text still is a table of prices."""
        file = file or self.file
        path = file.path
        if after != before:
            try:
                checked(policy_source(file, after.encode(), str(path)), "pricing")
            except DocumentError as error:
                raise UsageError(f"the file is written in a way that cannot be added to: {error}") from None
        shown = os.path.relpath(path)
        lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), shown, shown)
        return PriceChange(path, before, after, "".join(lines).rstrip("\n"), tuple(skipped))


def open_prices(files: Sequence[PolicyFile]) -> PriceTable:
    """Read the pricing file in force. Raises DocumentError."""
    file = next(file for file in files if file.name == "pricing.yaml")
    shown = os.path.relpath(file.path)
    source: PricingSource = checked(policy_source(file, shown=shown), "pricing")
    faults = price_diagnostics(source.document, source.source.value_range)
    if faults:
        raise DocumentError(faults)
    return PriceTable(file, source, Prices.from_document(source.document))


def _lines(listed: PriceList, at: float, *, every: bool) -> list[PriceLine]:
    current = next((entry for entry in reversed(listed.entries) if entry.starts <= at), None)
    if every and listed.entries:
        return [PriceLine(listed.name, entry, entry is current) for entry in listed.entries]
    return [PriceLine(listed.name, current)]


def _own(entry: PriceEntryDocument) -> dict[str, Decimal]:
    return {kind: price for kind in KINDS if (price := getattr(entry, kind)) is not None}


def _published(ref: ModelRef) -> PublishedPrices | None:
    return next((found for _, look_up in _sources() if (found := look_up(ref)) is not None), None)


def _sources() -> list[tuple[str, Lookup]]:
    return [source for source in (litellm_prices(), genai_prices()) if source is not None]
