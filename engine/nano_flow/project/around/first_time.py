"""What is said once in each store: that texts are kept now, to whoever had runs before they were."""

from __future__ import annotations

from nano_flow.core.errors import StoreError
from nano_flow.ports.store import Mark, RunFilter, Store
from nano_flow.project.service.retention import TEXTS_S

_TOLD = (
    "what models are asked is kept with each run from now on: in the store, without secrets, for {days} days; "
    "`record: {{prompts: false}}` or --no-prompts stops it, nano-flow runs prune --texts drops it"
)
_TEXTS_ARE_KEPT = Mark("notice", "texts are kept", 0.0)


def told_once(store: Store, run_id: str, now: float, texts_s: float | None) -> str:
    """What the run ``run_id`` says at its start; empty where it was said, or where the store has no earlier run.

    ``texts_s`` is how long texts are kept, None for as long as usual. A store that cannot be written says nothing.
    """
    mark = _TEXTS_ARE_KEPT
    try:
        with store.reader() as reader:
            if reader.marks(mark.kind, (mark.name,)):
                return ""
            earlier = any(run.run_id != run_id for run in reader.list_runs(RunFilter()))
        store.remember(Mark(mark.kind, mark.name, now))
    except StoreError:
        return ""
    days = round((TEXTS_S if texts_s is None else texts_s) / 86_400)
    return _TOLD.format(days=days) if earlier else ""
