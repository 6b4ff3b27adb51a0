"""The policy files that ``nano-flow init`` writes: they add to those that ship."""

from __future__ import annotations

from collections.abc import Sequence

PROVIDERS = """\
# yaml-language-server: $schema=schemas/providers.schema.json
# Where models are served. What stands here is added to what ships with nano-flow: nano-flow providers list
nano_flow: 1
extends: shipped
providers: {}
  # A model more, like one that is known:
  # openai:
  #   models:
  #     gpt-6: {like: openai/gpt-5.5}
  # A server of your own:
  # house:
  #   litellm: openai
  #   base_url: http://localhost:8000/v1
  #   open: true
"""

ROUTING = """\
# yaml-language-server: $schema=schemas/routing.schema.json
# Which model answers which prompt. What stands here is added to what ships: nano-flow policy explain "a prompt"
nano_flow: 1
extends: shipped
"""

ONE_PROVIDER = """\
policies:
  default:
    rules:
      # Personal data is left to the shipped rule: it stays on this machine.
      - {{name: one-provider, when: "'pii' not in tags", provider: {provider}, because: this project uses {provider}}}
"""

PRICING = """\
# yaml-language-server: $schema=schemas/pricing.schema.json
# What models cost. What stands here is added to what ships: nano-flow prices list
nano_flow: 1
extends: shipped
models: {}
  # US dollars for a million tokens:
  # openai/gpt-6:
  #   - {from: 2026-12-01, input: 1.25, output: 10.00}
"""


def policy_texts(provider: str | None) -> dict[str, str]:
    """The three files; with ``provider``, only its models are asked."""
    routing = ROUTING + (ONE_PROVIDER.format(provider=provider) if provider else "")
    return {"providers.yaml": PROVIDERS, "routing.yaml": routing, "pricing.yaml": PRICING}


def env_example(ways: Sequence[Sequence[str]]) -> str:
    """The variables of a provider, to be copied to ``.env``; of several ways the first is not commented out."""
    lines = ["# Copy this file to .env and fill it in; .env is not committed."]
    for number, way in enumerate(ways):
        lines += [f"{'# or: ' if number else ''}{name}=" for name in way]
    return "\n".join(lines) + "\n"
