"""What was taken out of stored data, as references: which secret stood where. A value itself is never kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from nano_flow.core.errors import UsageError
from nano_flow.core.messages import Json
from nano_flow.core.secrets.forms import forms_of

MASK = "***"
Step = str | int
Lookup = Callable[[str], str | None]
"""The value in force of a secret by its name, ``env:NAME`` or ``input:NAME``."""


class Mask(NamedTuple):
    """``***`` at ``start`` of the text at ``path`` stands for a piece of one spelling of the secret ``name``."""

    path: tuple[Step, ...]
    start: int
    name: str
    form: int
    begin: int
    end: int
    breaks: tuple[tuple[int, str], ...] = ()
    """Line breaks that stood inside of it: offset and text."""
    key: int = 0
    """Above 0: the text is the name of a member, the last step of ``path``; one less is the number of characters that
    were added to it because another member has the same name without the secrets."""

    def value(self, lookup: Lookup) -> str:
        """What stood there. Raises UsageError where the secret is not set any more."""
        source, stripped, _ = self.name.partition("|")
        secret = lookup(source)
        if secret is None:
            kind, _, name = source.partition(":")
            how = f"set the variable {name}" if kind == "env" else f"give it again with -i {name}=…"
            raise UsageError(
                f'what this run recorded holds the secret "{name}", of which only the name is kept: {how}, '
                "then resume; or do the step again with --from ADDRESS"
            )
        forms = forms_of(secret.strip() if stripped else secret)
        piece = forms[self.form][self.begin : self.end] if self.form < len(forms) else secret
        for offset, text in reversed(self.breaks):
            piece = piece[:offset] + text + piece[offset:]
        return piece


Masks = tuple[Mask, ...]


def masks_json(masks: Iterable[Mask]) -> Json:
    """As stores keep them."""
    return [[list(m.path), *m[1:6], [list(b) for b in m.breaks], m.key] for m in masks]


def read_masks(data: object) -> Masks:
    """What ``masks_json`` wrote. Raises ValueError for anything else."""
    if not isinstance(data, list):
        raise ValueError("the references to secrets are damaged")
    try:
        return tuple(
            Mask(tuple(path), int(start), str(name), int(form), int(begin), int(end), _breaks(breaks), int(key))
            for path, start, name, form, begin, end, breaks, key in data
        )
    except (TypeError, ValueError):
        raise ValueError("the references to secrets are damaged") from None


def _breaks(data: Sequence[Sequence[object]]) -> tuple[tuple[int, str], ...]:
    return tuple((int(str(offset)), str(text)) for offset, text in data)


def restored(value: Json, masks: Masks, lookup: Lookup) -> Json:
    """``value`` with what the masks stand for. Raises UsageError (a secret that is gone), ValueError (damaged data)."""
    # Texts before names, which paths lead through; from the last to the first, for what is put in moves what follows.
    texts = sorted((mask for mask in masks if not mask.key), key=lambda mask: -mask.start)
    names = sorted((mask for mask in masks if mask.key), key=lambda mask: (-len(mask.path), -mask.start))
    try:
        for mask in texts:
            value = _put(value, mask.path, lambda text, mask=mask: _filled(text, mask, lookup))  # type: ignore[misc]
        for path in dict.fromkeys(mask.path for mask in names):
            there = [mask for mask in names if mask.path == path]
            value = _put(value, path[:-1], lambda members, there=there: _renamed(members, there, lookup))  # type: ignore[misc]
    except (KeyError, IndexError, TypeError, AttributeError):
        raise ValueError("a reference to a secret leads nowhere") from None
    return value


def _put(value: Json, path: tuple[Step, ...], change: Callable[[Json], Json]) -> Json:
    if not path:
        return change(value)
    step = path[0]
    if isinstance(value, dict):
        return {**value, str(step): _put(value[str(step)], path[1:], change)}
    if not isinstance(value, list) or not isinstance(step, int):
        raise TypeError
    return [*value[:step], _put(value[step], path[1:], change), *value[step + 1 :]]


def _renamed(members: Json, masks: Sequence[Mask], lookup: Lookup) -> Json:
    if not isinstance(members, dict):
        raise TypeError
    old = str(masks[0].path[-1])
    if old not in members:
        raise KeyError(old)
    new: Json = old[: len(old) - (masks[0].key - 1)]
    for mask in masks:
        new = _filled(new, mask, lookup)
    return {str(new) if name == old else name: part for name, part in members.items()}


def _filled(text: Json, mask: Mask, lookup: Lookup) -> str:
    if not isinstance(text, str) or not text.startswith(MASK, mask.start):
        raise KeyError(mask.start)
    return text[: mask.start] + mask.value(lookup) + text[mask.start + len(MASK) :]
