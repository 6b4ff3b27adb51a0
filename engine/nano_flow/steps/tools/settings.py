"""The ``env`` and ``headers`` of tools: ``${VAR}`` is expanded, templates are rendered, neither inside the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nano_flow.core.diagnostics import SourceRange
from nano_flow.core.errors import StepError
from nano_flow.core.messages import Json
from nano_flow.core.text import as_text
from nano_flow.source.expressions import Template, check_template
from nano_flow.steps.order import Names

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


@dataclass(frozen=True, slots=True)
class Settings:
    """Renders the settings of one tool; ``where`` is where it is declared."""

    tool: str
    where: SourceRange
    environ: Mapping[str, str]
    names: Names
    render: Callable[[Template, Names], Json]

    def all(self, written: Mapping[str, str]) -> dict[str, str]:
        """Each setting, ready to be used. Raises StepError."""
        return {name: self.text(source) for name, source in written.items()}

    def text(self, source: str) -> str:
        """One setting as text."""
        return as_text(self.value(source))

    def filled(self, source: str) -> str:
        """A text that holds variables and no templates."""
        return _VARIABLE.sub(lambda match: self._variable(match[1], match[2]), source)

    def _variable(self, name: str, default: str | None) -> str:
        value = self.environ.get(name) or default
        if value is None:
            raise StepError(
                "tool",
                f'the tool "{self.tool}" needs the variable {name}, which is not set; '
                f"set it, or give a default: ${{{name}:-…}}",
            )
        return value

    def value(self, source: str) -> Json:
        """One setting; values of variables are data, whatever they hold."""
        values: list[Json] = []

        def stand_in(match: re.Match[str]) -> str:
            values.append(self._variable(match[1], match[2]))
            return f"{{{{ variables[{len(values) - 1}] }}}}"

        template = check_template(_VARIABLE.sub(stand_in, source), self.where)
        return self.render(template, {**self.names, "variables": values})


def variables(written: Mapping[str, str]) -> set[str]:
    """The names of the environment that settings take their values from."""
    return {match[1] for source in written.values() for match in _VARIABLE.finditer(source)}
