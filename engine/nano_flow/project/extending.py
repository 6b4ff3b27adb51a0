"""``extends``: a policy file that adds to another one — the shipped, the user's, or a file of the project."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from nano_flow.bundled import bundled_path
from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.errors import DocumentError
from nano_flow.documents.common import token_count
from nano_flow.locate import PolicyFile, is_there, user_folder
from nano_flow.project.files import read_document, shown_path
from nano_flow.source.layers import layered
from nano_flow.source.source_map import Path as Keys
from nano_flow.source.source_map import SourceDocument
from nano_flow.source.yaml_nodes import read_yaml

MOST_LAYERS = 10
SHIPPED, USER = "shipped", "user"
USUAL_UNIT = "1M"


def policy_source(file: PolicyFile, data: bytes | str | None = None, shown: str = "") -> SourceDocument:
    """The document of a policy file with all that it extends. Raises DocumentError.

    ``data`` and ``shown`` stand for the file's own bytes and name where they come from elsewhere.
    """
    named = shown or shown_of(file)
    own = read_yaml(read_document(str(file.path), named) if data is None else data, named)
    return extended(own, file.name, file.path)


def extended(own: SourceDocument, name: str, path: Path) -> SourceDocument:
    """``own``, which stands at ``path``, with what it extends; itself where there is nothing. Raises DocumentError."""
    layers, seen = [own], [path.absolute()]
    while (base := _base(layers[-1], name, seen[-1])) is not None:
        if base in seen or len(layers) >= MOST_LAYERS:
            files = " → ".join(shown_path(str(file)) for file in (*seen, base))
            raise _fault(layers[-1], f"files that extend each other: {files}")
        try:
            layers.append(read_yaml(read_document(str(base), _shown(base)), _shown(base)))
        except DocumentError as error:
            if layers[-1] is own:
                raise _fault(own, f"what this extends cannot be read: {error.diagnostics[0].message}") from None
            raise
        seen.append(base)
    _same_unit(layers)
    return own if len(layers) == 1 else layered(layers, _named)


def extended_files(name: str, path: Path) -> tuple[Path, ...]:
    """The files that the policy file at ``path`` extends, the nearest first. Raises DocumentError."""
    found: list[Path] = []
    here = path.absolute()
    while len(found) < MOST_LAYERS and (base := _base_of(here, name)) is not None:
        found.append(base)
        here = base
    return tuple(found)


def _base_of(path: Path, name: str) -> Path | None:
    data = read_document(str(path), _shown(path))
    if b"extends" not in data and b"\\" not in data:  # a key may be written with escapes
        return None
    return _base(read_yaml(data, _shown(path)), name, path)


def described(file: PolicyFile) -> str:
    """A policy file and what it extends, for people; what cannot be read is told where it is used."""
    try:
        bases = extended_files(file.name, file.path)
    except DocumentError:
        bases = ()
    return "".join([shown_of(file), *(f" extends {_shown(base)}" for base in bases)])


def shown_of(file: PolicyFile) -> str:
    """The name of a policy file in messages."""
    return f"{file.name} (shipped)" if file.found == "bundled" else shown_path(str(file.path))


def _base(source: SourceDocument, name: str, path: Path) -> Path | None:
    """The file that ``source`` extends. Raises DocumentError where it cannot be told."""
    said = source.data.get("extends") if isinstance(source.data, Mapping) else None
    if said is None:
        return None
    if said == SHIPPED:
        return bundled_path(name)
    if said == USER:
        theirs = user_folder(os.environ) / name
        return theirs if is_there(theirs) else bundled_path(name)
    if not isinstance(said, str) or not said:
        raise _fault(source, f'expected "{SHIPPED}", "{USER}" or a file')
    base = path.parent / said
    if not is_there(base):
        raise _fault(source, f'"{said}" does not exist (the path counts from this file)')
    return Path(os.path.normpath(base.absolute()))


def _shown(path: Path) -> str:
    return f"{path.name} (shipped)" if path == bundled_path(path.name) else shown_path(str(path))


def _same_unit(layers: list[SourceDocument]) -> None:
    """Prices per another number of tokens would make the inherited ones wrong. Raises DocumentError."""
    units = [layer.data.get("per_tokens") if isinstance(layer.data, Mapping) else None for layer in layers]
    for layer, unit in zip(layers, units, strict=True):
        if unit is not None and len(layers) > 1 and token_count(unit) != token_count(units[-1] or USUAL_UNIT):
            said = units[-1] or USUAL_UNIT
            where = layer.value_range(("per_tokens",))
            message = f"the prices that this file adds to are per {said} tokens"
            hint = f"per_tokens: {said}, or a file of its own without extends"
            raise DocumentError([Diagnostic("error", "NF554", message, where, "per_tokens", hint)])


def _named(path: Keys) -> bool:
    """The lists whose items have names: the rules of policies, and kinds of task."""
    return len(path) == 3 and path[0] == "policies" and path[2] == "rules"


def _fault(source: SourceDocument, message: str) -> DocumentError:
    where = source.value_range(("extends",))
    hint = f"extends: {SHIPPED} adds to the file that ships"
    return DocumentError([Diagnostic("error", "NF553", message, where, "extends", hint)])
