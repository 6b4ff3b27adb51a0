"""The texts that ``nano-flow init`` writes."""

from __future__ import annotations

WORKFLOW = """\
# yaml-language-server: $schema=schemas/workflow.schema.json
# Try it without keys:    nano-flow run workflow.yaml --offline
# See what it would cost: nano-flow plan workflow.yaml
nano_flow: 1
name: hello
description: Find out what a text is about, look at each point, and sum it up.

inputs:
  text:
    type: string
    description: What to read
    default: The new store keeps every order twice. Backups run at night. The old export is gone.

limits:
  budget: {usd: 0.10}

steps:
  points:
    prompt: |
      Which points does this text make?
      {{ inputs.text }}
    output_schema:
      type: object
      properties:
        points: {type: array, items: {type: string, maxLength: 80}, minItems: 1, maxItems: 5}
      required: [points]
      additionalProperties: false

  look:
    for_each: steps.points.output.points
    as: point
    prompt: In one sentence, why does this matter? {{ point }}

  summary:
    prompt: |
      Sum this up for a busy reader:
      {% for line in steps.look.output %}- {{ line }}
      {% endfor %}

outputs:
  summary: "{{ steps.summary.output }}"
"""

TEST = """\
# yaml-language-server: $schema=schemas/test.schema.json
# Runs on simulated models: nano-flow test
nano_flow: 1
workflow: workflow.yaml
cases:
  every point is looked at:
    inputs: {text: Two points.}
    replies:
      points: {points: [first, second]}
      look: [because of this, because of that]
      summary: Both matter.
    expect:
      status: succeeded
      steps:
        look: {times: 2, status: succeeded}
      outputs: {summary: {contains: Both matter}}
"""

ROUTING_TEST = """\
# yaml-language-server: $schema=schemas/test.schema.json
# What routing.yaml is held to; nothing is sent: nano-flow policy test
# Where the project is a git repository, `nano-flow policy diff` shows what a change of routing.yaml moves.
nano_flow: 1
cases:
  a slip of the pen is simple:
    prompt: Fix the typo in README.md
    expect: {tier: simple, score: {at_most: 1}}
  a function is standard:
    prompt: Write a Python function that reads a CSV file and returns the mean of each column.
    expect: {tier: standard}
  a system of many lines is complex:
    prompt: Design a microservice architecture with sharding and high availability; about 2000 lines of code.
    expect: {tier: complex}
  personal data stays local:
    prompt: Summarise the complaint of this customer.
    tags: [pii]
    expect: {provider: ollama, candidates: [ollama/llama3]}
"""

GITIGNORE = """\
# What nano-flow remembers of runs, and keys.
.nano-flow/
.env
"""
