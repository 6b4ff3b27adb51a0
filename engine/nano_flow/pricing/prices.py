"""What a call costs: the dated entry in force when it was made, exact to the nano-dollar."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nano_flow.core.messages import Usage
from nano_flow.core.money import Cost, Money, Unpriced
from nano_flow.core.refs import ModelRef
from nano_flow.plan.catalogue import Catalogue
from nano_flow.pricing.rates import PriceEntry, PriceList, Rates

if TYPE_CHECKING:
    from nano_flow.documents.pricing import PricingDocument

_MEMO_LIMIT = 10_000
"""Names that an open provider invents must not fill the memory."""


class Prices:
    """The price lists in force.

    A name is looked up exactly, then under the model it is ``like:``, then by the wildcard with most literal
    characters. What no list covers is ``Unpriced``: never zero. The exact sum of a call is rounded up, once, to a
    whole nano-dollar, so rows never add up to less than what they stand for.
    """

    def __init__(
        self,
        lists: Mapping[str, PriceList],
        *,
        like: Mapping[ModelRef, ModelRef] | None = None,
        refuse_unpriced: bool = True,
        trust_reported: bool = True,
    ) -> None:
        self._lists = dict(lists)
        self._like = dict(like or {})
        self._wildcards = sorted((n for n in lists if "*" in n), key=lambda n: -len(n.replace("*", "")))
        self._memo: dict[ModelRef, PriceList] = {}
        self.refuse_unpriced = refuse_unpriced
        """``unknown: refuse``: under a budget an unpriced model is not a candidate."""
        self.trust_reported = trust_reported
        """``reported: trust``: what a server says that a call cost settles a call without a price."""

    @classmethod
    def from_document(cls, document: PricingDocument, catalogue: Catalogue | None = None) -> Prices:
        """The prices that a ``pricing.yaml`` states; ``catalogue`` tells which models are priced like others."""
        from nano_flow.pricing.reading import price_lists

        cards = (
            [card for provider in catalogue.providers.values() for card in provider.models.values()]
            if catalogue
            else []
        )
        like = {card.ref: card.priced_as for card in cards if card.priced_as is not None}
        return cls(
            price_lists(document),
            like=like,
            refuse_unpriced=document.unknown == "refuse",
            trust_reported=document.reported == "trust",
        )

    def settled(self, ref: ModelRef, usage: Usage, at: float) -> Cost | Unpriced:
        """The bill of a call: by its price, else what the server itself reported, which is then named as its entry."""
        price = self.price(ref, usage, at)
        if isinstance(price, Unpriced) and usage.reported is not None and self.trust_reported:
            return Cost(usage.reported, f"{ref}@reported")
        return price

    def price(
        self, ref: ModelRef, usage: Usage, at: float, *, context_tokens: int | None = None, batch: bool = False
    ) -> Cost | Unpriced:
        """What ``usage`` of ``ref`` costs by the entry in force ``at`` (seconds since 1970, when the call was sent).

        ``context_tokens`` is the size that selects a tier, where it is not all that the usage says was read.
        """
        found = self._memo.get(ref) or self._resolve(ref)
        entries = found.entries
        if not entries:
            return Unpriced(found.unpriced)
        entry = entries[-1]
        if at < entry.starts:
            earlier = _in_force(found, at)
            if isinstance(earlier, Unpriced):
                return earlier
            entry = earlier
        schedule = entry.batch if batch and entry.batch else entry.standard
        tiers = schedule.tiers
        rates = (
            tiers[0][1]
            if len(tiers) == 1
            else schedule.rates(usage.context if context_tokens is None else context_tokens)
        )
        total = (
            schedule.fee
            + usage.input_tokens * rates[0]
            + usage.cached_input_tokens * rates[1]
            + usage.cache_write_tokens * rates[2]
            + usage.output_tokens * rates[3]
            + usage.reasoning_tokens * rates[4]
        )
        if usage.cache_write_1h_tokens or usage.audio_input_tokens or usage.audio_output_tokens:
            rest = _rare_kinds(usage, rates, entry.label)
            if isinstance(rest, Unpriced):
                return rest
            total += rest
        scale = schedule.scale
        return Cost(Money(total if scale == 1 else -(-total // scale)), entry.label)

    def plain(self, ref: ModelRef, input_tokens: int, output_tokens: int, at: float) -> Money | None:
        """What so many tokens, none of them cached, cost; None where that is unpriced. Quick: routing asks it often."""
        entry = self.entry(ref, at)
        if isinstance(entry, Unpriced):
            return None
        schedule = entry.standard
        rates = schedule.rates(input_tokens)
        return Money(-(-(schedule.fee + input_tokens * rates[0] + output_tokens * rates[3]) // schedule.scale))

    def worst_case(
        self, ref: ModelRef, input_tokens: int, output_cap: int, at: float, *, batch: bool = False
    ) -> Money | Unpriced:
        """The most that a call can cost that reads at most ``input_tokens`` and writes at most ``output_cap``.

        Input counts at the dearer of input, cache read and (five-minute) cache write, in the dearest tier that it
        can reach; the fee per request is included.
        """
        entry = self.entry(ref, at)
        if isinstance(entry, Unpriced):
            return entry
        schedule = entry.batch if batch and entry.batch else entry.standard
        total = schedule.fee + max(
            input_tokens * rates.dearest_input + output_cap * rates.dearest_output
            for above, rates in schedule.tiers
            if input_tokens > above
        )
        return Money(-(-total // schedule.scale))

    def entry(self, ref: ModelRef, at: float) -> PriceEntry | Unpriced:
        """The entry in force ``at``, or why there is none."""
        found = self._memo.get(ref) or self._resolve(ref)
        return _in_force(found, at)

    def priced(self, ref: ModelRef, at: float) -> bool:
        """Whether a call of ``ref`` has a price ``at`` that time."""
        return isinstance(self.entry(ref, at), PriceEntry)

    def lists(self) -> Mapping[str, PriceList]:
        """Everything that is stated, by name, in the document's order."""
        return self._lists

    def _resolve(self, ref: ModelRef) -> PriceList:
        found = self._find(ref)
        if len(self._memo) < _MEMO_LIMIT:
            self._memo[ref] = found
        return found

    def _find(self, ref: ModelRef) -> PriceList:
        exact = self._lists.get(str(ref))
        if exact is not None:
            return exact
        other = self._like.get(ref)
        if other is not None:
            found = self._without_like(other)
            if found is not None:
                return found
        return self._without_like(ref) or PriceList(str(ref), unpriced=f'"{ref}" has no entry in pricing.yaml')

    def _without_like(self, ref: ModelRef) -> PriceList | None:
        exact = self._lists.get(str(ref))
        if exact is not None:
            return exact
        for name in self._wildcards:
            if _covers(name, str(ref)):
                return self._lists[name]
        return None


def _in_force(found: PriceList, at: float) -> PriceEntry | Unpriced:
    for entry in reversed(found.entries):
        if at >= entry.starts:
            return entry
    if not found.entries:
        return Unpriced(found.unpriced)
    day, first = (datetime.fromtimestamp(s, UTC).date().isoformat() for s in (at, found.entries[0].starts))
    return Unpriced(f'"{found.name}" has no price on {day}: its first entry is of {first}')


def _rare_kinds(usage: Usage, rates: Rates, label: str) -> int | Unpriced:
    total = 0
    for tokens, rate, kind in (
        (usage.cache_write_1h_tokens, rates.cache_write_1h, "cache_write_1h"),
        (usage.audio_input_tokens, rates.audio_input, "audio_input"),
        (usage.audio_output_tokens, rates.audio_output, "audio_output"),
    ):
        if tokens and rate < 0:
            return Unpriced(f'{tokens} tokens of kind "{kind}" were billed, for which {label} states no price')
        total += tokens * rate if tokens else 0
    return total


def _covers(pattern: str, name: str) -> bool:
    """Whether ``pattern``, in which ``*`` stands for any characters, is all of ``name``."""
    first, *rest = pattern.split("*")
    if not name.startswith(first):
        return False
    position = len(first)
    for part in rest[:-1]:
        found = name.find(part, position)
        if found < 0:
            return False
        position = found + len(part)
    return len(name) - position >= len(rest[-1]) and name.endswith(rest[-1])
