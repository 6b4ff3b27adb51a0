"""A store: ``NANO_FLOW_STORE=folder:///var/lib/runs`` keeps all runs in one folder, whatever project they are of."""

from __future__ import annotations

from urllib.parse import urlsplit

from nano_flow.ports.store import Store
from nano_flow.stores.sqlite.store import open_store


def folder_store(url: str) -> Store:
    """The store in the folder of the address."""
    return open_store(urlsplit(url).path)
