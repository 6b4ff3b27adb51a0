"""The programs that read code from their arguments or their input, and how each of them is told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from nano_flow.plan.programs.wrappers import program_name


@dataclass(frozen=True, slots=True)
class Interpreter:
    """``letters``: short options before code; ``words``: long ones; ``takes``: options with a value of their own.

    ``code_from``: the first operand that is code, None where none is; an option of ``instead`` names a file of it;
    ``rest`` where options may stand behind operands, and all operands from there on are code, up to ``:::``.
    ``late`` where more options may stand between the option and the code (shells).
    ``again`` where code may be given by several options, also behind operands (``sed -e A -e B``).
    ``stdin`` where code is read from the input if none is given. ``value`` reads a variable in its language.
    """

    letters: str = ""
    words: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    code_from: int | None = None
    instead: tuple[str, ...] = ()
    rest: bool = False
    late: bool = False
    again: bool = False
    stdin: bool = False
    first_only: bool = False
    """Whether the word counts only where a program stands: ``apt install sed`` runs no sed."""
    value: str = ""

    def codes(self, operand: int) -> bool:
        """Whether the operand of this number, from 0, is code where no option gave any."""
        return self.code_from is not None and (operand >= self.code_from if self.rest else operand == self.code_from)


_OPTIONS = ("-o", "+o", "-O", "+O", "--rcfile", "--init-file")
_SHELL = Interpreter("c", ("--command", "--commands"), _OPTIONS, late=True, stdin=True)
_PYTHON = Interpreter("c", takes=("-W", "-X"), instead=("-m",), stdin=True, value='os.environ["VALUE"]')
_NODE = Interpreter(
    "ep",
    ("--eval", "--print", "eval"),
    ("-r", "--require", "--import", "-C"),
    stdin=True,
    value="process.env.VALUE",
)
_PERL = Interpreter("eE", takes=("-I",), again=True, stdin=True, value="$ENV{VALUE}")
_RUBY = Interpreter("e", takes=("-I", "-r"), again=True, stdin=True, value='ENV["VALUE"]')
_PHP = Interpreter("rRBE", ("--run", "--process-code"), ("-d", "-c"), stdin=True, value='getenv("VALUE")')
_OTHER = Interpreter("eE", ("--eval", "--execute", "--evaluate"), ("-l",), stdin=True, value="the variable VALUE")
_QUERY = Interpreter("e", ("--execute", "--eval"), again=True)
_DASH_C = Interpreter("c", ("--command", "--session-command"), ("-s", "-h", "-U", "-d", "-p"), again=True)
_CALL = Interpreter("c", ("--call", "--shell-mode"), ("-p", "--package"))
_AWK = Interpreter("e", ("--source",), ("-v", "-F"), 0, ("-f", "--file"), again=True, value='ENVIRON["VALUE"]')
_SED = Interpreter("e", ("--expression",), ("-l", "-i", "-E"), 0, ("-f", "--file"), again=True, first_only=True)
_SQLITE = Interpreter(words=("-cmd",), takes=("-separator", "-newline", "-init"), code_from=1, first_only=True)
_WATCH = Interpreter(takes=("-n", "--interval"), code_from=0)
_PARALLEL = Interpreter(takes=("-j", "--jobs", "-a", "-I", "-n", "-d"), code_from=0, rest=True, first_only=True)
_SSH_TAKES = tuple(f"-{letter}" for letter in "bcDEeFIiJLlmOopQRSWw")
_SSH = Interpreter(takes=_SSH_TAKES, code_from=1, rest=True, first_only=True)
_TAR = Interpreter(
    "I", ("--to-command", "--use-compress-program", "--checkpoint-action", "--info-script"), rest=True, again=True
)
_EDITOR = Interpreter("cS", ("--cmd",), ("-u", "-i", "-T", "-w", "-W"), again=True)
_DEBUGGER = Interpreter(words=("-ex", "-iex", "--eval-command", "--init-eval-command", "-o", "-s"), again=True)
_MAKE = Interpreter("E", ("--eval",), ("-C", "-f", "-I", "-o", "-W", "-j"), again=True)
_POWERSHELL = Interpreter("", ("-c", "-command", "-encodedcommand"), value="$env:VALUE")
_CMD = Interpreter("", ("/c", "/k", "/r"), value="%VALUE%")

_PROGRAMS: Mapping[str, Interpreter] = {
    **dict.fromkeys(("sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish", "csh", "tcsh", "rbash"), _SHELL),
    **dict.fromkeys(("python", "pypy", "ipython", "jython"), _PYTHON),
    **dict.fromkeys(("node", "nodejs", "deno", "bun", "tsx", "ts-node"), _NODE),
    **dict.fromkeys(("ruby", "irb"), _RUBY),
    **dict.fromkeys(("lua", "luajit", "rscript", "osascript", "julia", "elixir", "groovy"), _OTHER),
    **dict.fromkeys(("guile", "scala", "ghc", "raku", "octave", "gnuplot", "clojure", "swift"), _OTHER),
    **dict.fromkeys(("mysql", "mariadb", "mongosh", "mongo", "emacs"), _QUERY),
    **dict.fromkeys(("su", "runuser", "sg", "script", "flock", "psql", "duckdb", "expect"), _DASH_C),
    **dict.fromkeys(("npx", "npm", "pnpm"), _CALL),
    **dict.fromkeys(("awk", "gawk", "mawk", "nawk"), _AWK),
    **dict.fromkeys(("sed", "gsed"), _SED),
    **dict.fromkeys(("tar", "gtar", "bsdtar"), _TAR),
    **dict.fromkeys(("ssh", "autossh"), _SSH),
    **dict.fromkeys(("powershell", "pwsh"), _POWERSHELL),
    **dict.fromkeys(("vim", "vi", "nvim", "ex", "view", "gvim"), _EDITOR),
    **dict.fromkeys(("gdb", "lldb"), _DEBUGGER),
    **dict.fromkeys(("make", "gmake"), _MAKE),
    "sqlite": _SQLITE,
    "perl": _PERL,
    "php": _PHP,
    "watch": _WATCH,
    "parallel": _PARALLEL,
    "rsync": Interpreter("e", ("--rsh",), rest=True),
    "entr": Interpreter("s", first_only=True),
    "nix-shell": Interpreter("", ("--run", "--command")),
    "env": Interpreter("S", ("--split-string",), ("-u", "--unset", "-C", "--chdir")),
    "cmd": _CMD,
}
_VERSION = re.compile(r"[-0-9.]+$")


def interpreter(word: str) -> Interpreter | None:
    """What is known of the program ``word``: its folder and its version do not count."""
    name = program_name(word)
    return _PROGRAMS.get(name) or _PROGRAMS.get(_VERSION.sub("", name))
