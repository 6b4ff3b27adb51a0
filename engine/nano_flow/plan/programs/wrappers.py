"""Programs that start another program, and where that one stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

_TAKES: Mapping[str, tuple[str, ...]] = {
    "env": ("-u", "--unset", "-C", "--chdir"),
    "sudo": ("-u", "-g", "-h", "-p", "-C", "-D", "-R", "-T", "-U", "-r", "-t"),
    "doas": ("-u", "-C"),
    "xargs": ("-a", "-d", "-E", "-I", "-L", "-n", "-P", "-s"),
    "timeout": ("-k", "--kill-after", "-s", "--signal"),
    "nice": ("-n", "--adjustment"),
    "ionice": ("-c", "-n", "-p"),
    "stdbuf": ("-i", "-o", "-e"),
    "nohup": (),
    "setsid": (),
    "time": ("-f", "-o"),
    "chronic": (),
    "unshare": (),
    "strace": ("-e", "-o", "-p", "-s"),
    "busybox": (),
}
"""Wrapper → its options that take a word of their own."""
_OPERANDS: Mapping[str, int] = {"timeout": 1}
"""How many words of its own a wrapper has before the program."""
_ASSIGNING = frozenset({"env", "sudo", "doas"})
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")


def program_name(word: str) -> str:
    """``/usr/bin/env`` → ``env``, ``Cmd.exe`` → ``cmd``."""
    name = word.replace("\\", "/").rpartition("/")[2].lower()
    return name.removesuffix(".exe")


def programs(words: Sequence[str]) -> Iterator[int]:
    """The positions of the programs of a command: the first word, and what each wrapper starts."""
    position = 0
    while position < len(words):
        yield position
        if program_name(words[position]) not in _TAKES:
            return
        position = _after_wrapper(words, position)


def wrapped(words: Sequence[str]) -> frozenset[int]:
    """The positions at which ``env``, ``sudo`` and ``doas`` read variables of the program that they start."""
    starts = list(programs(words))
    return frozenset(
        position
        for start, end in pairwise([*starts, len(words)])
        if program_name(words[start]) in _ASSIGNING
        for position in range(start + 1, end)
    )


def operands_from(words: Sequence[str]) -> int:
    """The position after the written ``--`` of the program that is started in the end; the length where there is none.

    The ``--`` of a wrapper (``env --``, ``xargs --``) ends the wrapper's own options, not those of the program behind.
    """
    *_, last = (0, *programs(words))
    for number in range(last + 1, len(words)):
        if words[number] == "--":
            return number + 1
    return len(words)


def _after_wrapper(words: Sequence[str], start: int) -> int:
    """Where the program stands that the wrapper at ``start`` starts."""
    name = program_name(words[start])
    position, operands = start + 1, _OPERANDS.get(name, 0)
    while position < len(words):
        word = words[position]
        if word == "--":
            return position + 1 + operands
        if word.startswith("-"):
            position += 2 if word in _TAKES[name] else 1
        elif name in _ASSIGNING and _ASSIGNMENT.match(word):
            position += 1
        elif operands:
            operands -= 1
            position += 1
        else:
            break
    return position
