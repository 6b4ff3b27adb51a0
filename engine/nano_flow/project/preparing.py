"""A run before it starts: its plan with the options of the command line, its inputs, its record."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from nano_flow.core.errors import UsageError
from nano_flow.core.messages import Json
from nano_flow.core.money import Money, money, usd
from nano_flow.core.strict_json import strict_json
from nano_flow.plan.inputs import bind_inputs
from nano_flow.plan.plan import Plan
from nano_flow.ports import RunRecord
from nano_flow.project.files import given_value, read_given
from nano_flow.project.naming import full_name
from nano_flow.project.opening import Opened, open_workflow, step_digests, step_kinds
from nano_flow.project.resuming.context import changed_context, context_digests, defaulted, variable_digests


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a command line, or a caller of the library, says of a run besides its inputs; kept for resumes."""

    offline: bool = False
    provider: str | None = None
    model: str | None = None
    budget: Money | None = None
    max_parallel: int | None = None
    no_cache: bool = False
    no_fallback: bool = False
    no_prompts: bool = False
    no_commands: bool = False
    """Under ``offline``: commands are simulated, too."""
    commit: str = ""
    """The commit that the run's own checkout is of, once it was made."""

    def as_json(self) -> dict[str, Json]:
        """For the run's record."""
        return {
            "offline": self.offline,
            "provider": self.provider,
            "model": self.model,
            "budget": None if self.budget is None else usd(self.budget),
            "max_parallel": self.max_parallel,
            "no_cache": self.no_cache,
            "no_fallback": self.no_fallback,
            "no_prompts": self.no_prompts,
            "no_commands": self.no_commands,
            **({"commit": self.commit} if self.commit else {}),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Json]) -> RunOptions:
        """From a run's record."""
        budget, parallel = data.get("budget"), data.get("max_parallel")
        provider, model = data.get("provider"), data.get("model")
        return cls(
            offline=bool(data.get("offline")),
            provider=provider if isinstance(provider, str) else None,
            model=model if isinstance(model, str) else None,
            budget=money(budget) if isinstance(budget, str) else None,
            max_parallel=parallel if isinstance(parallel, int) else None,
            no_cache=bool(data.get("no_cache")),
            no_fallback=bool(data.get("no_fallback")),
            no_prompts=bool(data.get("no_prompts")),
            no_commands=bool(data.get("no_commands")),
            commit=str(data.get("commit") or ""),
        )


@dataclass(frozen=True, slots=True)
class PreparedRun:
    """Everything that a run is made of. ``inputs`` hold secrets too; ``record`` does not."""

    opened: Opened
    plan: Plan
    inputs: Mapping[str, Json]
    options: RunOptions
    record: RunRecord
    secrets: Mapping[str, str] = field(default_factory=dict)
    """The values of secret inputs, by ``input:NAME``."""
    told: tuple[str, ...] = ()
    """What the reader of the run is told at its start."""


@dataclass(frozen=True, slots=True)
class GivenInputs:
    """Inputs as they were given: ``texts`` by ``-i name=value``, ``data`` by a file or a caller."""

    texts: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, Json] = field(default_factory=dict)

    def text_of(self, name: str) -> str | None:
        """What was given for a secret input; None where nothing was, or its file cannot be read: binding says so."""
        text = self.texts.get(name)
        if text is None:
            return str(self.data[name]) if name in self.data else None
        try:
            return read_given(text[1:]) if text.startswith("@") else text
        except OSError:
            return None


def prepare_opened(
    opened: Opened, given: GivenInputs, options: RunOptions, *, now: float, environ: Mapping[str, str] | None = None
) -> PreparedRun:
    """Bind the inputs of a workflow that is open already; ``environ`` gives what ``env:`` names. Raises UsageError."""
    _check(options)
    options = replace(options, model=full_name(options.model, options.provider, opened.policies))
    plan = with_options(opened.plan, options)
    inputs = _bound(plan, given)
    record = _record(opened, plan, inputs, options, now)
    context = context_digests(plan, {*given.texts, *given.data}) | _variables(opened, plan, environ)
    record = replace(record, context=context)
    return PreparedRun(opened, plan, inputs, options, record, _secrets(plan, inputs))


def prepare_resume(
    record: RunRecord,
    given: GivenInputs,
    options: RunOptions,
    config_dir: Path | None = None,
    *,
    as_recorded: bool = False,
    environ: Mapping[str, str] | None = None,
) -> tuple[PreparedRun, tuple[str, ...]]:
    """Open a recorded run again, and what changed since (steps, tools, defaults). Raises DocumentError, UsageError.

    ``as_recorded`` takes the documents that it ran with last, whatever became of their files.
    """
    opened = open_workflow(record.file, config_dir, record.documents if as_recorded else None)
    prepared = _resumed(record, opened, given, options)
    variables = _variables(opened, prepared.plan, environ)
    prepared = replace(prepared, record=replace(prepared.record, context={**prepared.record.context, **variables}))
    steps = changed_steps(record.steps, step_digests(opened.plan))
    return prepared, (*steps, *changed_context(record.context, prepared.record.context))


def _variables(opened: Opened, plan: Plan, environ: Mapping[str, str] | None) -> dict[str, str]:
    """Digests of what ``env:`` names; of secrets and credentials none, for a new key changes nothing."""
    cards = opened.policies.catalogue.providers.values()
    credentials = {name for card in cards for parts in card.roles for name in parts.values()}
    return {} if environ is None else variable_digests(plan, environ, credentials)


def changed_steps(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Addresses (without indices) of steps that were added, removed or defined anew."""
    return tuple(sorted(path for path in {*before, *now} if before.get(path) != now.get(path)))


def with_options(plan: Plan, options: RunOptions) -> Plan:
    """The plan under the bounds of the command line; a budget given there replaces the document's amount."""
    limits = plan.limits
    if options.budget is not None:
        limits = replace(limits, budget=replace(limits.budget, usd=options.budget))
    if options.max_parallel is not None:
        limits = replace(limits, max_parallel=options.max_parallel)
    return plan if limits is plan.limits else replace(plan, limits=limits)


def read_inputs_file(path: str) -> dict[str, Json]:
    """``--inputs FILE``, ``-`` for standard input: a mapping in JSON or YAML. Raises UsageError, DocumentError."""
    from nano_flow.source.yaml_nodes import read_yaml

    try:
        text = read_given("/dev/stdin" if path == "-" else path)
    except OSError as error:
        raise UsageError(f'"{path}" cannot be read: {error.strerror or error}') from None
    data = _read_json(text, path) if path.endswith(".json") else read_yaml(text, path).data
    if not isinstance(data, dict):
        raise UsageError(f'"{path}" must hold a mapping of input names to values')
    return data


def _read_json(text: str, path: str) -> Json:
    try:
        return strict_json(text)
    except json.JSONDecodeError as error:
        message = f'"{path}" is not JSON: {error.msg.lower()} at line {error.lineno}, column {error.colno}'
        raise UsageError(message) from None
    except ValueError as error:
        raise UsageError(f'"{path}" is not JSON: {error}') from None


def _bound(plan: Plan, given: GivenInputs) -> dict[str, Json]:
    values = dict(given.data)
    problems = []
    for name, text in given.texts.items():
        declared = plan.inputs.get(name)
        try:
            values[name] = given_value(declared, text)
        except OSError as error:
            problems.append(f'input "{name}": "{text[1:]}" cannot be read: {error.strerror or error}')
        except ValueError as error:
            problems.append(str(error))
    if not problems:
        try:
            return bind_inputs(plan.inputs, values)
        except ValueError as error:
            problems.append(str(error))
    raise UsageError("; ".join(problems))


def _check(options: RunOptions) -> None:
    if options.no_commands and not options.offline:
        raise UsageError("--no-commands belongs to --offline: a run that asks real models starts its commands, too")


def _record(opened: Opened, plan: Plan, inputs: Mapping[str, Json], options: RunOptions, now: float) -> RunRecord:
    public = {name: None if plan.inputs[name].secret else value for name, value in inputs.items()}
    return RunRecord(
        run_id=secrets.token_hex(5),
        workflow=plan.name,
        file=os.path.abspath(plan.file),
        created_at=now,
        plan_digest=plan.digest,
        status="running",
        simulated=options.offline,
        inputs=public,
        options=options.as_json(),
        documents={**opened.texts, **opened.policies.texts},
        policy=opened.policies.record(),
        steps=step_digests(plan),
        kinds=step_kinds(plan),
    )


def _resumed(record: RunRecord, opened: Opened, given: GivenInputs, options: RunOptions) -> PreparedRun:
    plan = with_options(opened.plan, options)
    open_ones = defaulted(record.context)
    kept = {
        name: value
        for name, value in record.inputs.items()
        if name in plan.inputs and not plan.inputs[name].secret and name not in open_ones
    }
    inputs = _bound(plan, GivenInputs(given.texts, {**kept, **given.data}))
    changed = replace(
        record,
        plan_digest=plan.digest,
        options=options.as_json(),
        documents={**opened.texts, **opened.policies.texts},
        policy=opened.policies.record(),
        steps=step_digests(plan),
        kinds=step_kinds(plan),
        context=context_digests(plan, {*kept, *given.texts, *given.data} if record.context else record.inputs),
    )
    return PreparedRun(opened, plan, inputs, options, changed, _secrets(plan, inputs))


def _secrets(plan: Plan, inputs: Mapping[str, Json]) -> dict[str, str]:
    return {
        f"input:{name}": str(inputs[name]) for name, spec in plan.inputs.items() if spec.secret and inputs.get(name)
    }
