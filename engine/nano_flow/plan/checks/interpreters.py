"""Programs that read one of their arguments as code, and which argument that is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Interpreter:
    """``letters``: short options before code; ``words``: long ones; ``takes``: options with a value of their own.

    ``positional`` where the first argument is code, unless an option of ``instead`` names a file of it; ``late`` where
    more options may stand between the option and the code (shells). ``value`` reads a variable in its language.
    """

    letters: str = ""
    words: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    positional: bool = False
    instead: tuple[str, ...] = ()
    late: bool = False
    value: str = ""


@dataclass(frozen=True, slots=True)
class ScriptArgument:
    """The position of code in an argv, the words that make it code (``bash -c``), and how code reads a variable."""

    position: int
    program: str
    value: str


_OPTIONS = ("-o", "+o", "-O", "+O", "--rcfile", "--init-file")
_SHELL = _Interpreter("c", ("--command", "--commands"), _OPTIONS, late=True)
_PYTHON = _Interpreter("c", takes=("-W", "-X"), value='os.environ["VALUE"]')
_NODE = _Interpreter(
    "ep", ("--eval", "--print", "eval"), ("-r", "--require", "--import", "-C"), value="process.env.VALUE"
)
_PERL = _Interpreter("eE", takes=("-I",), value="$ENV{VALUE}")
_RUBY = _Interpreter("e", takes=("-I", "-r"), value='ENV["VALUE"]')
_PHP = _Interpreter("rRBE", ("--run", "--process-code"), ("-d", "-c"), value='getenv("VALUE")')
_OTHER = _Interpreter("eE", ("--eval", "--execute", "--evaluate"), ("-l",), value="the variable VALUE")
_DASH_C = _Interpreter("c", ("--command", "--session-command"), ("-s", "-h", "-U", "-d", "-p"))
_AWK = _Interpreter("e", ("--source",), ("-v", "-F"), True, ("-f", "--file"), value='ENVIRON["VALUE"]')
_WATCH = _Interpreter(takes=("-n", "--interval"), positional=True)
_POWERSHELL = _Interpreter("", ("-c", "-command", "-encodedcommand"), value="$env:VALUE")
_CMD = _Interpreter("", ("/c", "/k", "/r"), value="%VALUE%")

_PROGRAMS: Mapping[str, _Interpreter] = {
    **dict.fromkeys(("sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish", "csh", "tcsh"), _SHELL),
    **dict.fromkeys(("python", "pypy", "ipython", "jython"), _PYTHON),
    **dict.fromkeys(("node", "nodejs", "deno", "bun", "tsx", "ts-node"), _NODE),
    **dict.fromkeys(("ruby", "irb"), _RUBY),
    **dict.fromkeys(("lua", "luajit", "rscript", "osascript", "julia", "elixir", "groovy"), _OTHER),
    **dict.fromkeys(("guile", "scala", "ghc", "raku", "mysql", "mariadb"), _OTHER),
    **dict.fromkeys(("su", "runuser", "script", "flock", "psql"), _DASH_C),
    **dict.fromkeys(("awk", "gawk", "mawk", "nawk"), _AWK),
    **dict.fromkeys(("powershell", "pwsh"), _POWERSHELL),
    "perl": _PERL,
    "php": _PHP,
    "watch": _WATCH,
    "cmd": _CMD,
}
_VERSION = re.compile(r"[-0-9.]+$")


def script_arguments(argv: Sequence[str]) -> Iterator[ScriptArgument]:
    """The arguments of ``argv`` that are code.

    Every argument may be the interpreter: ``env``, ``sudo``, ``timeout 5`` or ``uv run`` before it hide nothing.
    """
    for start, argument in enumerate(argv):
        name = _name(argument)
        interpreter = _PROGRAMS.get(name) or _PROGRAMS.get(_VERSION.sub("", name))
        if interpreter is not None:
            yield from _after(argv, start, name, interpreter)


def _name(argument: str) -> str:
    name = argument.replace("\\", "/").rpartition("/")[2].lower()
    return name.removesuffix(".exe")


def _after(argv: Sequence[str], start: int, name: str, of: _Interpreter) -> Iterator[ScriptArgument]:
    position = start + 1
    while position < len(argv):
        argument = argv[position]
        flag = _flag(argument, of)
        if flag and len(flag) < len(argument):
            yield ScriptArgument(position, f"{name} {flag.rstrip('=')}", of.value)
            return
        if flag:
            code = _code(argv, position + 1, of)
            if code < len(argv):
                yield ScriptArgument(code, f"{name} {argument}", of.value)
            return
        if argument in of.instead:
            return
        if argument[:1] not in ("-", "+"):
            if of.positional:
                yield ScriptArgument(position, name, of.value)
            return
        position += 2 if argument in of.takes else 1


def _flag(argument: str, of: _Interpreter) -> str:
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


def _code(argv: Sequence[str], position: int, of: _Interpreter) -> int:
    while of.late and position < len(argv) - 1 and argv[position][:1] in ("-", "+"):
        position += 2 if argv[position] in of.takes else 1
    return position
