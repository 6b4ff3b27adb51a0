"""The files that ship with the package: in a wheel under ``_bundled/``, in a checkout at its root."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_IN_WHEEL = _PACKAGE / "_bundled"
_IN_CHECKOUT = _PACKAGE.parent.parent


def bundled_path(name: str) -> Path:
    """The file ``name``: ``providers.yaml``, ``routing.yaml``, ``pricing.yaml`` or ``schemas/….schema.json``."""
    root = _IN_WHEEL if _IN_WHEEL.is_dir() else _IN_CHECKOUT
    return root / name


def bundled_text(name: str) -> str:
    """The text of the file ``name`` that ships; FileNotFoundError where the installation is incomplete."""
    return bundled_path(name).read_text(encoding="utf-8")
