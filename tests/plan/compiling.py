"""Compiling texts in tests: a small catalogue, a small routing, files that are only names."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent

from nano_flow.core.refs import ModelRef
from nano_flow.documents.load import WorkflowSource, load_providers, load_routing, load_workflow
from nano_flow.plan.catalogue_build import build_catalogue
from nano_flow.plan.compile import CompileResult, compile_workflow
from nano_flow.plan.draft import CompileContext
from nano_flow.plan.plan import Plan

OVERSIGHTS = frozenset({"NF336", "NF337", "NF338", "NF339", "NF353"})
"""What test_oversights.py is about; texts of other tests declare what they do not use."""
HEAD = "nano_flow: 1\nname: t\n"
PROVIDERS = """
nano_flow: 1
providers:
  openai:
    litellm: openai
    models:
      mini: {context_window: 100k, can: [tools, json_schema], params: {refuses: [temperature, top_p]}}
      large: {context_window: 200k, can: [tools, json_schema, vision]}
      plain: {context_window: 8k, can: []}
  azure:
    litellm: azure
    models: {deployed: {deployment: d, like: openai/mini}, one: {params: {one_of: [temperature, top_p]}}}
  ollama: {litellm: ollama, open: true}
  cohere: {litellm: cohere, models: {old: {can: []}, r: {can: [tools]}}}
  sim: {adapter: sim, models: {small: {can: []}}}
"""
ROUTING = """
nano_flow: 1
tags: [pii, review, law]
tiers:
  simple: {below: 5, models: [openai/mini, sim/small]}
  local: {below: 6, models: [ollama/llama3]}
  complex: {models: [openai/large, cohere/old]}
chains: {openai: [openai/large, openai/mini], broken: [openai/large, openai/gone]}
policies: {default: {choose: first}, private: {choose: first}}
"""


def context(files: Mapping[str, str], priced: tuple[str, ...], *, warn: bool = False) -> CompileContext:
    """A context whose project is the folder ``/project``, with ``files`` below it and the working directory in it."""

    def read(path: str) -> str:
        name = path.removeprefix("/project/")
        if name not in files:
            raise FileNotFoundError(2, "No such file or directory")
        return files[name]

    def load(path: str, shown: str) -> WorkflowSource:
        return load_workflow(read(path), shown)

    return CompileContext(
        catalogue=build_catalogue(load_providers(PROVIDERS, "providers.yaml").document),
        read_file=read,
        load_workflow=load,
        folder="/project",
        root="/project",
        routing=load_routing(ROUTING, "routing.yaml").document,
        is_priced=lambda ref: str(ref) in priced or ref == ModelRef("sim", "small"),
        unpriced_models_pass=warn,
    )


def compile_text(
    text: str,
    files: Mapping[str, str] | None = None,
    *,
    file: str = "w.yaml",
    priced: tuple[str, ...] = ("openai/mini", "openai/large"),
    warn: bool = False,
) -> CompileResult:
    """Compile ``text``; without a head of its own it gets one of two lines."""
    text = dedent(text).lstrip("\n")
    if not text.startswith("nano_flow"):
        text = HEAD + text
    return compile_workflow(load_workflow(text, file), context(files or {}, priced, warn=warn))


def found(text: str, files: Mapping[str, str] | None = None, **how: object) -> list[str]:
    """What is wrong, as ``line:column CODE message``; a warning's code is followed by a question mark."""
    return [
        f"{d.where.line}:{d.where.column} {d.code}{'?' if d.severity == 'warning' else ''} {d.message}"
        for d in compile_text(text, files, **how).diagnostics  # type: ignore[arg-type]
        if d.code not in OVERSIGHTS
    ]


def hints(text: str, files: Mapping[str, str] | None = None) -> list[str]:
    """The hints of what is wrong."""
    return [d.hint for d in compile_text(text, files).diagnostics if d.code not in OVERSIGHTS]


def plan_of(text: str, files: Mapping[str, str] | None = None, **how: object) -> Plan:
    """The plan of a text without errors."""
    result = compile_text(text, files, **how)  # type: ignore[arg-type]
    assert result.plan is not None, [str(d) for d in result.diagnostics]
    return result.plan
