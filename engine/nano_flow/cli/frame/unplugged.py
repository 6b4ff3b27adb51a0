"""Pydantic without plugins from elsewhere: looking for them takes a sixth of a short command."""

from __future__ import annotations

import sys
from types import ModuleType

_LOADER = "pydantic.plugin._loader"


def without_plugins() -> None:
    """Answer pydantic's question for plugins, before it is asked: the command has none.

    To look for them, pydantic reads the metadata of every installed package. Only the command does this: a program
    that imports the library decides for itself. Where pydantic asks for anything else, it gets what it always got.
    """
    if _LOADER not in sys.modules:
        sys.modules[_LOADER] = _NoPlugins(_LOADER)


class _NoPlugins(ModuleType):
    """Stands in the place of the module that looks for plugins."""

    @staticmethod
    def get_plugins() -> tuple[()]:
        """None."""
        return ()

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):  # what the machinery of imports asks of any module
            raise AttributeError(name)
        from importlib import import_module

        del sys.modules[_LOADER]
        return getattr(import_module(_LOADER), name)
