"""Exact token counts for the models whose encoding is known, from files that are already installed."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from nano_flow.core.refs import ModelRef
from nano_flow.pricing.tokens import Count, estimate_tokens

_PIECE = 65_536
"""Longer runs of blanks overflow the stack of the tokenizer's pattern matcher; a cut costs at most a token."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """A published encoding: its file, as LiteLLM brings it, the digest of that file, and how text is split."""

    name: str
    file: str
    sha256: str
    pattern: str


_WORD = r"[^\r\n\p{L}\p{N}]?"
_ENDING = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
_LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"

O200K = Encoding(
    "o200k_base",
    "fb374d419588a4632f3f557e76b4b70aebbca790",
    "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    "|".join(
        (
            f"{_WORD}{_UPPER}*{_LOWER}+{_ENDING}",
            f"{_WORD}{_UPPER}+{_LOWER}*{_ENDING}",
            r"\p{N}{1,3}",
            r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
            r"\s*[\r\n]+",
            r"\s+(?!\S)",
            r"\s+",
        )
    ),
)
CL100K = Encoding(
    "cl100k_base",
    "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
    "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    "|".join(
        (
            r"'(?i:[sdmt]|ll|ve|re)",
            r"[^\r\n\p{L}\p{N}]?+\p{L}++",
            r"\p{N}{1,3}+",
            r" ?[^\s\p{L}\p{N}]++[\r\n]*+",
            r"\s++$",
            r"\s*[\r\n]",
            r"\s+(?!\S)",
            r"\s",
        )
    ),
)
_FAMILIES = (
    ("gpt-4o", O200K),
    ("gpt-4.1", O200K),
    ("gpt-4.5", O200K),
    ("gpt-4", CL100K),
    ("gpt-3.5", CL100K),
    ("gpt-5", O200K),
    ("o1", O200K),
    ("o3", O200K),
    ("o4", O200K),
    ("chatgpt", O200K),
)


def encoding_of(ref: ModelRef) -> Encoding | None:
    """The encoding of a model of OpenAI's, by its name; None where nobody published one.

    For a model that is ``like:`` another, ask for the other.
    """
    if ref.provider not in ("openai", "azure"):
        return None
    for prefix, encoding in _FAMILIES:
        if ref.model.startswith(prefix):
            return encoding
    return None


@dataclass(slots=True)
class Tokenizers:
    """Counters by model, loaded when first asked for (about 0.4 s for ``o200k_base``); nothing is downloaded."""

    _loaded: dict[str, Count | None] = field(default_factory=dict)

    def counter(self, ref: ModelRef) -> Count:
        """How to count tokens for ``ref``: exactly where its encoding is at hand, else ``estimate_tokens``."""
        encoding = encoding_of(ref)
        if encoding is None:
            return estimate_tokens
        if encoding.name not in self._loaded:
            self._loaded[encoding.name] = load(encoding)
        return self._loaded[encoding.name] or estimate_tokens

    def exact(self, ref: ModelRef) -> bool:
        """Whether counts for ``ref`` are exact."""
        return self.counter(ref) is not estimate_tokens


def load(encoding: Encoding) -> Count | None:
    """A counter for ``encoding``; None where tiktoken or the file is missing, or the file is not the published one."""
    folder = _folder()
    if folder is None or importlib.util.find_spec("tiktoken") is None:
        return None
    try:
        content = (folder / encoding.file).read_bytes()
    except OSError:
        return None
    if hashlib.sha256(content).hexdigest() != encoding.sha256:
        return None
    import tiktoken

    words = content.split()
    ranks = dict(zip(map(base64.b64decode, words[::2]), map(int, words[1::2]), strict=True))
    table = tiktoken.Encoding(encoding.name, pat_str=encoding.pattern, mergeable_ranks=ranks, special_tokens={})
    return _in_pieces(table.encode_ordinary)


def _folder() -> Path | None:
    """Where LiteLLM keeps tokenizer files, found without importing it."""
    spec = importlib.util.find_spec("litellm")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "litellm_core_utils" / "tokenizers"


def _in_pieces(encode: Callable[[str], list[int]]) -> Count:
    def count(text: str) -> int:
        if len(text) <= _PIECE:
            return len(encode(text))
        return sum(len(encode(text[start : start + _PIECE])) for start in range(0, len(text), _PIECE))

    return count
