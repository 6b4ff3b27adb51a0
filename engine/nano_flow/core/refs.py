"""Names of models and addresses of executions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NewType

Address = NewType("Address", str)
"""One execution of one step: ``epics[2].build[1].code``; the run itself is ``""``."""

ROOT = Address("")

_INDEX = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class ModelRef:
    """``provider/model``; the model may itself hold slashes (``huggingface/org/name``)."""

    provider: str
    model: str

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}"

    @classmethod
    def parse(cls, text: str) -> ModelRef:
        """``openai/gpt-5`` → provider ``openai``, model ``gpt-5``; ValueError where a half is missing."""
        provider, slash, model = text.partition("/")
        if not (provider and slash and model):
            raise ValueError(f'"{text}" is not provider/model')
        return cls(provider, model)


def child(parent: Address, step_id: str) -> Address:
    """The address of the step ``step_id`` inside ``parent``."""
    return Address(f"{parent}.{step_id}" if parent else step_id)


def nth(address: Address, index: int) -> Address:
    """The address of item, or iteration, ``index`` (from 0) of ``address``."""
    return Address(f"{address}[{index}]")


def path_of(address: str) -> str:
    """The step that ``address`` is an execution of: the address without its indices."""
    return _INDEX.sub("", address) if "[" in address else address


def around(address: str) -> Iterator[str]:
    """``address`` and every execution that it stands in, from inside out: ``a[1].b`` → ``a[1].b``, ``a[1]``, ``a``."""
    while address:
        yield address
        address = address[: max(address.rfind("."), address.rfind("["), 0)]
