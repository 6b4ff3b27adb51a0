"""Code in a command: which of its arguments a program reads as code, and whether it reads its input so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nano_flow.plan.programs.known import Interpreter, interpreter
from nano_flow.plan.programs.settings import settings_of_code
from nano_flow.plan.programs.wrappers import program_name, programs

_STARTERS = frozenset({"-exec", "-execdir", "-ok", "-okdir", "--"})
"""Words of other programs after which a program stands."""
_ELSEWHERE = frozenset(
    {"docker", "podman", "kubectl", "oc", "ssh", "uv", "poetry", "pipenv", "nsenter", "chroot", "wsl"}
)
"""Programs that start another one somewhere among their arguments, with our input."""
_ENTRY = "--entrypoint"


@dataclass(frozen=True, slots=True)
class ScriptArgument:
    """The position of code in an argv, the words that make it code (``bash -c``), and how code reads a variable."""

    position: int
    program: str
    value: str


def script_arguments(argv: Sequence[str]) -> Iterator[ScriptArgument]:
    """The arguments of ``argv`` that are code.

    Every argument may be the interpreter: ``env``, ``sudo``, ``timeout 5`` or ``uv run`` before it hide nothing.
    """
    for start, known in _interpreters(argv):
        yield from _after(argv, start, known)
    yield from (ScriptArgument(position, program, "") for position, program in settings_of_code(argv))


def code_by_value(written: Sequence[str], argv: Sequence[str]) -> ScriptArgument | None:
    """What ``argv`` reads as code because a value named the program; ``written`` are its words with their templates."""
    in_place = set(programs(argv))
    for start, known in _interpreters(argv):
        if start in in_place and argv[start] != written[start]:
            for script in _after(argv, start, known):
                if argv[script.position] != written[script.position]:
                    return script
    return None


def reads_code_from_stdin(argv: Sequence[str]) -> ScriptArgument | None:
    """The program of ``argv`` that takes its input for code (``bash -s``, ``python -``, ``xargs -I {} sh -c``), if any.

    ``position`` is that of the program.
    """
    in_place = set(programs(argv))
    if program_name(argv[0]) in _ELSEWHERE:
        in_place |= set(range(1, len(argv)))
    for start, known in _interpreters(argv):
        if start not in in_place:
            continue
        if known.stdin and not any(_after(argv, start, known)) and _waits_for_code(argv[start + 1 :], known):
            return ScriptArgument(start, program_name(argv[start]), known.value)
        mark = _replaced_by_xargs(argv[:start])
        if mark is not None and _is_put_into_code(argv, start, known, mark):
            return ScriptArgument(start, f"xargs {program_name(argv[start])}", known.value)
    return None


def _interpreters(argv: Sequence[str]) -> Iterator[tuple[int, Interpreter]]:
    in_place = set(programs(argv))
    for start, argument in enumerate(argv):
        known = interpreter(argument.removeprefix(f"{_ENTRY}="))
        if known is None or (known.first_only and start not in in_place and argv[start - 1] not in _STARTERS):
            continue
        yield start, known


def _after(argv: Sequence[str], start: int, of: Interpreter) -> Iterator[ScriptArgument]:
    name = program_name(argv[start].removeprefix(f"{_ENTRY}="))
    # "docker run --entrypoint sh IMAGE -c …": the image, and options for it, stand before those of the shell.
    behind_image = argv[start].startswith(_ENTRY) or argv[max(0, start - 1)] == _ENTRY
    position, operands, coded = start + 1, 0, False
    while position < len(argv):
        argument = argv[position]
        flag = _flag(argument, of)
        if flag:
            code = position if len(flag) < len(argument) else _code(argv, position + 1, of)
            yield from [ScriptArgument(code, f"{name} {flag.rstrip('=')}", of.value)][: len(argv) - code]
            if not of.again:
                return
            position, coded = code + 1, True
            continue
        if (argument in of.instead and not of.again) or argument.startswith(":::"):
            return
        coded = coded or argument in of.instead
        if argument[:1] not in ("-", "+"):
            is_code = not coded and of.codes(operands)
            if is_code:
                yield ScriptArgument(position, name, of.value)
            if not (of.rest or of.again or behind_image or (of.code_from is not None and not is_code)):
                return
            operands += 1
        position += 2 if argument in of.takes or argument in of.instead else 1


def _flag(argument: str, of: Interpreter) -> str:
    """The option in ``argument`` after which code comes; shorter than it where the code is joined to the option."""
    lowered = argument.lower()
    for word in of.words:
        if lowered == word or lowered.startswith(f"{word}="):
            return argument[: len(word) + (lowered != word)]
    if not argument.startswith("-") or argument.startswith("--"):
        return ""
    for end, letter in enumerate(argument[1:], start=2):
        if letter in of.letters:
            more_options = set(argument[end:]) <= set(of.letters) or (of.late and "{" not in argument)
            return argument if more_options else argument[:end]
        if not letter.isalnum():
            break
    return ""


def _code(argv: Sequence[str], position: int, of: Interpreter) -> int:
    while of.late and position < len(argv) - 1 and argv[position][:1] in ("-", "+"):
        position += 2 if argv[position] in of.takes else 1
    return position


def _waits_for_code(arguments: Sequence[str], of: Interpreter) -> bool:
    """Whether nothing among ``arguments`` names code, so that it comes by the input."""
    position = 0
    while position < len(arguments):
        argument = arguments[position]
        if argument == "-" or (of.late and argument.startswith("-") and "s" in argument and argument[1] != "-"):
            return True
        if argument[:1] not in ("-", "+") or argument in of.instead or _flag(argument, of):
            return False
        position += 2 if argument in of.takes else 1
    return True


def _replaced_by_xargs(before: Sequence[str]) -> str | None:
    """The mark that ``xargs`` puts lines of its input in place of; empty where it appends them; None without xargs."""
    names = [program_name(word) for word in before]
    if "xargs" not in names:
        return None
    for word, following in zip(before, [*before[1:], ""], strict=True):
        if word in ("-I", "--replace", "-i"):
            return following if word == "-I" else "{}"
        if word.startswith(("-I", "--replace=")):
            return word.removeprefix("--replace=").removeprefix("-I")
    return ""


def _is_put_into_code(argv: Sequence[str], start: int, of: Interpreter, mark: str) -> bool:
    """Whether what ``xargs`` puts in lands in code: in the script itself, or where the script is missing."""
    scripts = list(_after(argv, start, of))
    if mark:
        return any(mark in argv[script.position] for script in scripts)
    return not scripts and any(_flag(argument, of) for argument in argv[start + 1 :])
