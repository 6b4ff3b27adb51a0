"""What a step falls back to: models that exist, each once, and none that is worse without the author knowing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.documents.steps import PromptStep
from nano_flow.plan.checks.routes.model_names import card_of, unknown_name, unknown_ref
from nano_flow.plan.draft import Draft, DraftStep, Path, problem


def check_fallback(draft: Draft, step: DraftStep, document: PromptStep) -> Iterator[Diagnostic]:
    """The models under ``fallback``, or the chain that it names."""
    at = draft.written(step.number, "fallback")
    written = document.fallback
    if isinstance(written, str) and "/" not in written:
        yield from _chain(draft, written, at)
        return
    models = [written] if isinstance(written, str) else list(written or ())
    places: list[Path] = [at] if isinstance(written, str) else [(*at, i) for i in range(len(models))]
    for name, place in zip(models, places, strict=True):
        yield from unknown_ref(draft, name, place)
    yield from _repeated(draft, document.model or "", models, places)
    yield from _weaker(draft, document, models, places)


def _chain(draft: Draft, name: str, at: Path) -> Iterator[Diagnostic]:
    routing = draft.context.routing
    if routing is None:
        return
    chains = routing.chains or {}
    yield from unknown_name(draft, "chain", name, chains, at)
    missing = [model for model in chains.get(name, ()) if card_of(draft, model) is None]
    if missing:
        message = f'the chain "{name}" names "{missing[0]}", which no provider serves'
        yield problem("NF341", message, draft.where(at), at=at, hint="declare it in providers.yaml")


def _repeated(draft: Draft, first: str, models: Sequence[str], places: Sequence[Path]) -> Iterator[Diagnostic]:
    seen = {first}
    for name, place in zip(models, places, strict=True):
        if name in seen:
            message = f'the fallback comes back to "{name}": each model is asked at most once per call'
            yield problem("NF346", message, draft.where(place), at=place, hint="leave it out")
        seen.add(name)


def _weaker(draft: Draft, document: PromptStep, models: Sequence[str], places: Sequence[Path]) -> Iterator[Diagnostic]:
    first = card_of(draft, document.model or "")
    needed = {"tools"} if document.tools else set()
    if document.output_schema is not None:
        needed.add("json_schema")
    for name, place in zip(models, places, strict=True):
        card = card_of(draft, name)
        if card is None or draft.context.catalogue.providers[card.ref.provider].adapter == "sim":
            continue
        missing = sorted(needed - card.can) if card.can is not None else []
        if missing:
            message = f'the fallback "{name}" lacks {", ".join(missing)}, which this step uses'
            yield problem("NF347", message, draft.where(place), at=place, severity="warning")
        elif first is not None and (first.context_window or 0) > (card.context_window or first.context_window or 0):
            message = (
                f'the fallback "{name}" has a smaller window than "{first.ref}": '
                f"{card.context_window:,} against {first.context_window:,} tokens"
            )
            yield problem("NF347", message, draft.where(place), at=place, severity="warning")
