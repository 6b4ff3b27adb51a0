"""The store as a whole: what it is and holds, whether it is sound, and its move into another one."""

from __future__ import annotations

from collections.abc import Iterator

from nano_flow.adapters import store_named
from nano_flow.core.errors import StoreError, UsageError
from nano_flow.operations.place import Place
from nano_flow.ports.whole import StoreFacts

__all__ = ["StoreFacts", "check_store", "migrate_store", "store_facts"]


def store_facts(place: Place) -> StoreFacts:
    """What the store in force is and holds. Raises StoreError where there is none yet."""
    return place.store.facts()


def check_store(place: Place) -> Iterator[str]:
    """What is wrong with the store in force, one sentence each; nothing where all is well."""
    yield from place.store.faults()


def migrate_store(source: str, target: str) -> StoreFacts:
    """Carry everything of one store over into another; the source stays as it is. What the target holds then.

    A transfer that was interrupted is begun again and goes on. Raises UsageError where the source is still written,
    StoreError where something did not arrive.
    """
    old, new = store_named(source), store_named(target)
    if old.place == new.place:
        raise UsageError(f'"{old.place}" is one and the same store')
    if not old.exists():
        raise StoreError(old.place, "there is no store here; name its state folder, its file or its address")
    owned = old.facts().owned
    if owned:
        names = ", ".join(f'"{run_id}"' for run_id in owned[:5])
        raise UsageError(f"runs are at work in {old.place}: {names}; wait for them, or stop them with Ctrl-C, first")
    return new.fill(old)
