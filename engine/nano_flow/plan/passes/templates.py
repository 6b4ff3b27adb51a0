"""Every template of the file, checked once, by step and field; the ones that refer to something are noted as uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from nano_flow.core.diagnostics import SourceRange
from nano_flow.core.errors import DocumentError
from nano_flow.documents.workflow import CommandTool, McpTool
from nano_flow.plan.draft import MOST_ERRORS, Draft, DraftStep, Found, Path, Use, address_of
from nano_flow.plan.kinds.kind import Reader
from nano_flow.plan.kinds.run import command_fields
from nano_flow.plan.kinds.table import KINDS
from nano_flow.plan.passes.common_fields import common_fields
from nano_flow.plan.places import OUTPUTS, SERVER, TOOL, TOOL_ENV, Place
from nano_flow.plan.plan import Value
from nano_flow.source.expressions import Template, check_expression, check_template

Check = Callable[..., Template]


def check_templates(draft: Draft) -> tuple[Draft, Found]:
    """Read all template fields; faults are reported where they stand, in the workflow or in a prompt's file."""
    collector = _Collector(draft)
    fields = [collector.step(step) for step in draft.steps]
    file_fields = collector.file()
    return replace(
        draft, fields=fields, places=collector.places, file_fields=file_fields, uses=collector.uses
    ), collector.found


class _Collector(Reader):
    """Reads values at places of one step after the other."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._step: DraftStep | None = None
        self._at: Path = ()
        self._where = draft.where(())
        self.places: list[SourceRange] = []
        self.uses: list[Use] = []
        self.found: Found = []

    def step(self, step: DraftStep) -> dict[str, Value]:
        self._step, self._at, self._where = step, step.at, self._draft.where(step.at)
        self.places.append(self._where)
        fields: dict[str, Value] = {}
        common_fields(step.document, fields, self)
        KINDS[step.document.kind].read(step.document, fields, self)
        return fields

    def file(self) -> dict[str, Value]:
        self._step, self._at, self._where = None, (), self._draft.where(())
        fields: dict[str, Value] = {}
        document = self._draft.document
        if document.outputs is not None:
            fields["outputs"] = self.value(("outputs",), document.outputs, OUTPUTS)
        for name, tool in (document.tools or {}).items():
            if isinstance(tool, CommandTool):
                self._at = ("tools", name)
                command: dict[str, Value] = {}
                command_fields(tool, command, self, body=TOOL, env=TOOL_ENV)
                fields[f"tools.{name}"] = command
            elif isinstance(tool, McpTool):
                self._at = ("tools", name)
                self.value(("mcp", "env"), tool.mcp.env or {}, SERVER)
                self.value(("mcp", "headers"), tool.mcp.headers or {}, SERVER)
        return fields

    def text(self, keys: Path, source: str, place: Place) -> Template:
        return self._template(check_template, keys, source, place)

    def expression(self, keys: Path, source: str, place: Place) -> Template:
        return self._template(check_expression, keys, source, place)

    def value(self, keys: Path, data: object, place: Place) -> Value:
        if isinstance(data, str):
            if "{" not in data:
                return data
            template = self.text(keys, data, place)
            return data if template.form == "literal" else template
        if isinstance(data, Mapping):
            return {str(key): self.value((*keys, key), inner, place) for key, inner in data.items()}
        if isinstance(data, Sequence):
            return [self.value((*keys, index), inner, place) for index, inner in enumerate(data)]
        return data  # type: ignore[return-value]  # a number, a boolean or null

    def prompt_elsewhere(self, keys: Path, place: Place) -> Template:
        home = self._draft.shared.get((*self._at, *keys), (*self._at, *keys))
        file = self._draft.texts.get(home)
        if file is None:
            written = self._draft.source.value(home)
            if isinstance(written, str):
                return self._template(check_template, home, written, place, at=home)
            return Template("", "literal", (), self._where)
        shown = file.shown
        where = SourceRange(shown, 1, 1, file.text.count("\n") + 1, 1)
        try:
            return self._used(check_template(file.text, where), place)
        except DocumentError as error:
            self.found.extend(replace(d, address=self._address(keys)) for d in error.diagnostics)
            return Template(file.text, "literal", (), where)

    def _template(self, check: Check, keys: Path, source: str, place: Place, at: Path | None = None) -> Template:
        if (check is check_template and "{" not in source) or len(self.found) >= MOST_ERRORS:
            return Template(source, "literal", (), self._where)
        at = at or self._place_of(keys)
        where = self._draft.where(at)
        try:
            return self._used(check(source, where, self._draft.source.locator(at)), place)
        except DocumentError as error:
            self.found.extend(replace(d, address=self._address(keys)) for d in error.diagnostics)
            return Template(source, "literal", (), where)

    def _used(self, template: Template, place: Place) -> Template:
        if template.references:
            step = None if self._step is None else self._step.number
            self.uses.append(Use(template, place, step, str(self._at[1]) if place.args else ""))
        return template

    def _place_of(self, keys: Path) -> Path:
        return (*self._at, *keys) if self._step is None else self._draft.written(self._step.number, *keys)

    def _address(self, keys: Path) -> str:
        return address_of((*self._at, *keys))
