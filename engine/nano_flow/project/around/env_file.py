"""Variables that stand in a file: one ``NAME=value`` a line, quotes and ``export`` allowed, nothing expanded.

Those of the ``.env`` beside a project fill up what the environment does not say. They are looked up by name, by
whatever declares one; they never become variables of this process, nor of a command that does not name them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from nano_flow.core.errors import UsageError
from nano_flow.locate import is_there
from nano_flow.project.files import read_text

ENV_FILE = ".env"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)", re.DOTALL)
_AFTER_QUOTE = re.compile(r"\s*(#.*)?")
_STEERS = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|IFS|ENV|PWD|OLDPWD|LANG|LANGUAGE|TERM|TMPDIR|TEMP|TMP|EDITOR|VISUAL|PAGER|TRACEPARENT|"
    r"(?:ALL|HTTP|HTTPS|NO|FTP)_PROXY|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|NODE_OPTIONS|PERL5OPT|PERL5LIB|RUBYOPT|RUBYLIB|"
    r"(?:LC|LD|DYLD|BASH|PYTHON|GIT|SSH|SSL|OPENSSL|XDG|OTEL|MALLOC|GCONV|NANO_FLOW|_NANO_FLOW|PYDANTIC)_?\w*",
    re.IGNORECASE,
)
"""What programs obey, and what nobody's workflow declares: from a file of a checkout it could lead anywhere."""


class Variables(dict[str, str]):
    """Variables by name: those of ``process``, then those of a file. ``passed_over`` are names that it may not set."""

    def __init__(self, process: Mapping[str, str], file: Mapping[str, str], path: Path | None = None) -> None:
        taken = {name: value for name, value in file.items() if not _STEERS.fullmatch(name)}
        super().__init__({**taken, **process})
        self.process = dict(process)
        self.path = path
        self.passed_over = tuple(name for name in file if name not in taken and process.get(name) != file[name])


def variables_beside(folder: Path, process: Mapping[str, str]) -> Variables:
    """Those of ``process``, filled up with the ``.env`` of ``folder``, where there is one. Raises UsageError."""
    path = folder / ENV_FILE
    if not is_there(path):
        return Variables(process, {})
    return Variables(process, read_env_file(path), path)


def of_process(environ: Mapping[str, str]) -> Mapping[str, str]:
    """``environ`` without what stands in a file: for programs that are handed their whole environment."""
    return environ.process if isinstance(environ, Variables) else environ


def read_env_file(path: Path) -> dict[str, str]:
    """The variables of ``path``; UsageError names the place that cannot be read, never its value."""
    try:
        text = read_text(str(path)).removeprefix("\ufeff")
    except OSError as error:
        raise UsageError(f'"{path}" cannot be read: {error.strerror or error}') from error
    variables = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        begin = len(line) - len(line.lstrip()) + 1
        match = _LINE.fullmatch(stripped)
        if match is None:
            raise UsageError(f"{path}:{number}:{begin}: expected NAME=value{_slip(stripped)}")
        variables[match[1]] = _value(match[2], f"{path}:{number}:{begin + match.start(2)}")
    return variables


def _slip(line: str) -> str:
    name = line.partition("=")[0].strip()
    if "=" not in line or not name:
        return "; a value that goes over several lines belongs into a file that a variable names"
    return "" if _NAME.fullmatch(name) else "; a name is made of letters, digits and _"


def _value(written: str, where: str) -> str:
    quote = written[:1]
    if quote not in ("'", '"') or not quote:
        value = re.split(r"\s+#", written, maxsplit=1)[0].strip()
    else:
        end = written.find(quote, 1)
        if end < 0:
            raise UsageError(f"{where}: expected NAME=value; the quote is not closed on its line")
        if _AFTER_QUOTE.fullmatch(written, end + 1) is None:
            raise UsageError(f"{where}: expected NAME=value; something follows the closing quote")
        value = written[1:end]
    if "\0" in value:
        raise UsageError(f"{where}: expected NAME=value; a value holds no NUL")
    return value
