"""The catalogue from ``providers.yaml``: models that are ``like:`` another inherit what they do not say themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from nano_flow.core.diagnostics import Diagnostic, SourceRange
from nano_flow.core.errors import DocumentError
from nano_flow.core.messages import Json
from nano_flow.core.refs import ModelRef
from nano_flow.documents.providers import ModelDocument, ProviderDocument, ProvidersDocument
from nano_flow.plan.catalogue import Catalogue, ModelCard, ProviderCard
from nano_flow.plan.credentials import Ways, read_ways
from nano_flow.plan.draft import Found, Path, problem
from nano_flow.plan.names.nearest import did_you_mean

Locate = Callable[[Path], SourceRange]
_SETTINGS = ("base_url", "api_version", "region", "location", "project", "organization")
_EXTRAS = ("seed", "latency", "error_rate", "faults", "script")
_NOWHERE = SourceRange("providers.yaml", 1, 1, 1, 1)


def build_catalogue(document: ProvidersDocument, locate: Locate | None = None) -> Catalogue:
    """The catalogue. Raises DocumentError for a ``like:`` that leads nowhere, or round in a circle.

    ``locate`` gives the range of the value at a path of the document (``SourceDocument.value_range``).
    """
    catalogue, found = resolve_catalogue(document, locate)
    if found:
        raise DocumentError(found)
    return catalogue


def resolve_catalogue(document: ProvidersDocument, locate: Locate | None = None) -> tuple[Catalogue, list[Diagnostic]]:
    """The catalogue and what is wrong with it; models that inherit from nothing keep what they say themselves."""
    resolver = _Resolver(document, locate or (lambda path: _NOWHERE))
    providers = {name: _provider(name, provider, resolver) for name, provider in document.providers.items()}
    aliases = {name: (said,) if isinstance(said, str) else tuple(said) for name, said in _aliases(document)}
    catalogue = Catalogue(providers, aliases)
    for name, models in aliases.items():
        resolver.found += _unknown_alias(catalogue, name, models, resolver.locate)
    return catalogue, resolver.found


def _aliases(document: ProvidersDocument) -> Iterable[tuple[str, str | list[str]]]:
    return (document.aliases or {}).items()


def _unknown_alias(catalogue: Catalogue, name: str, models: tuple[str, ...], locate: Locate) -> Iterator[Diagnostic]:
    at = ("aliases", name)
    if name == "auto":
        yield problem("NF555", '"auto" is the word for routing and cannot be an alias', locate(at), at=at)
    for model in models:
        if catalogue.model(ModelRef.parse(model)) is None:
            known = [str(card.ref) for provider in catalogue.providers.values() for card in provider.models.values()]
            message = f'the alias "{name}" means "{model}", which is not declared'
            yield problem("NF555", message, locate(at), at=at, hint=did_you_mean(model, known))


class _Resolver:
    def __init__(self, document: ProvidersDocument, locate: Locate) -> None:
        self._document = document
        self._locate = self.locate = locate
        self._cards: dict[ModelRef, ModelCard] = {}
        self.found: Found = []

    def card(self, ref: ModelRef) -> ModelCard:
        """The resolved card of a declared model; the chain of ``like:`` is walked without recursion."""
        if ref in self._cards:
            return self._cards[ref]
        chain = {ref: None}
        last = ref
        while (base := self._base(last)) is not None and base not in self._cards:
            if base in chain:
                links = list(chain)
                self._circle(links[links.index(base) :])
                break
            chain[base] = None
            last = base
        card = self._cards.get(base) if base is not None else None
        for link in reversed(chain):
            card = self._cards[link] = _inherited(_card(link, self._model(link)), card)
        return self._cards[ref]

    def _base(self, ref: ModelRef) -> ModelRef | None:
        like = self._model(ref).like
        if like is None:
            return None
        base = ModelRef.parse(like)
        provider = self._document.providers.get(base.provider)
        if provider is not None and base.model in (provider.models or {}):
            return base
        at = ("providers", ref.provider, "models", ref.model, "like")
        providers = self._document.providers.items()
        known = [n for name, other in providers for m in other.models or {} if (n := f"{name}/{m}") != str(ref)]
        message = f'"{ref}" is like "{like}", which is not declared'
        hint = did_you_mean(like, known) or "`extends: shipped` at the top keeps the models that ship beside your own"
        self.found.append(problem("NF550", message, self._locate(at), at=at, hint=hint))
        return None

    def ways(self, card: ProviderCard, document: ProviderDocument) -> Ways:
        """The credentials of a provider, with the part that each variable plays."""
        ways, faults = read_ways(document.credentials, card.service or None)
        at = ("providers", card.name, "credentials")
        self.found += [problem("NF552", said, self._locate(at), at=at, hint=hint) for said, hint in faults]
        return ways

    def _circle(self, circle: list[ModelRef]) -> None:
        first = min(circle, key=str)
        at = ("providers", first.provider, "models", first.model, "like")
        path = " → ".join(map(str, (*circle, circle[0])))
        self.found.append(problem("NF551", f"models that are like each other: {path}", self._locate(at), at=at))

    def _model(self, ref: ModelRef) -> ModelDocument:
        models = self._document.providers[ref.provider].models or {}
        return models[ref.model]


def _provider(name: str, document: ProviderDocument, resolver: _Resolver) -> ProviderCard:
    limits = document.limits
    settings = {key: value for key in _SETTINGS if (value := getattr(document, key)) is not None}
    card = ProviderCard(
        name=name,
        litellm=document.litellm,
        api=document.api,
        adapter=document.adapter,
        settings=settings,
        rpm=limits.rpm if limits else None,
        tpm=limits.tpm if limits else None,
        in_flight=limits.in_flight if limits else None,
        timeout_s=document.timeout,
        first_token_timeout_s=document.first_token_timeout,
        headers=dict(document.headers or {}),
        open=document.open,
        models={model: resolver.card(ModelRef(name, model)) for model in document.models or {}},
        extra=_extra(document),
    )
    ways = resolver.ways(card, document)
    return replace(card, credentials=ways.names, roles=ways.roles, platform=ways.platform)


def _extra(document: ProviderDocument) -> Mapping[str, object]:
    extra: dict[str, object] = dict(document.options or {})
    for key in _EXTRAS:
        value = getattr(document, key)
        if value is not None:
            extra[key] = value
    return extra


def _card(ref: ModelRef, document: ModelDocument) -> ModelCard:
    params: dict[str, Json] = document.params.model_dump(exclude_none=True) if document.params else {}
    refuses, one_of = params.pop("refuses", []), params.pop("one_of", [])
    latency = document.latency
    return ModelCard(
        ref=ref,
        context_window=document.context_window,
        max_output_tokens=document.max_output_tokens,
        can=None if document.can is None else frozenset(document.can),
        refuses=frozenset(str(name) for name in refuses) if isinstance(refuses, list) else frozenset(),
        one_of=frozenset(str(name) for name in one_of) if isinstance(one_of, list) else frozenset(),
        renames={name: str(other) for name, other in params.items()},
        first_token_s=latency.first_token if latency else None,
        total_s=latency.total if latency else None,
        deployment=document.deployment,
        rpm=document.limits.rpm if document.limits else None,
        tpm=document.limits.tpm if document.limits else None,
        in_flight=document.limits.in_flight if document.limits else None,
        timeout_s=document.timeout,
        first_token_timeout_s=document.first_token_timeout,
        strength=document.strength,
        retires=document.retires,
    )


def _inherited(card: ModelCard, base: ModelCard | None) -> ModelCard:
    """What ``card`` does not say is as ``base`` has it; refusals add up, and the price is the base's."""
    if base is None:
        return card
    return replace(
        card,
        context_window=base.context_window if card.context_window is None else card.context_window,
        max_output_tokens=base.max_output_tokens if card.max_output_tokens is None else card.max_output_tokens,
        can=base.can if card.can is None else card.can,
        refuses=base.refuses | card.refuses,
        one_of=card.one_of or base.one_of,
        renames={**base.renames, **card.renames},
        first_token_s=base.first_token_s if card.first_token_s is None else card.first_token_s,
        total_s=base.total_s if card.total_s is None else card.total_s,
        strength=base.strength if card.strength is None else card.strength,
        priced_as=base.priced_as or base.ref,
    )
