"""The names of spans and attributes, in one place.

Those that begin with ``gen_ai`` mirror open-telemetry/semantic-conventions-genai at commit
9430220eb6f3f8a0e41d2e0e548aeb5cb9ca5f14 (docs/gen-ai/gen-ai-spans.md, gen-ai-agent-spans.md); ``nano_flow`` ones are
ours. Token counts follow the convention: input includes cached and written tokens, output includes reasoning.
"""

from __future__ import annotations

OPERATION = "gen_ai.operation.name"
INVOKE_WORKFLOW = "invoke_workflow"
INVOKE_AGENT = "invoke_agent"
CHAT = "chat"
EXECUTE_TOOL = "execute_tool"

WORKFLOW = "gen_ai.workflow.name"
AGENT = "gen_ai.agent.name"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
RESPONSE_MODEL = "gen_ai.response.model"
FINISH_REASONS = "gen_ai.response.finish_reasons"
FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHE_READ = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE = "gen_ai.usage.cache_creation.input_tokens"
REASONING = "gen_ai.usage.reasoning.output_tokens"
TOOL = "gen_ai.tool.name"
TOOL_CALL_ID = "gen_ai.tool.call.id"
TOOL_ARGUMENTS = "gen_ai.tool.call.arguments"
TOOL_RESULT = "gen_ai.tool.call.result"
OUTPUT_MESSAGES = "gen_ai.output.messages"
ERROR = "error.type"

RUN = "nano_flow.run.id"
RUN_STATUS = "nano_flow.run.status"
STOP_REASON = "nano_flow.run.stop_reason"
RESUMED = "nano_flow.run.resumed"
PLAN = "nano_flow.plan.digest"
ADDRESS = "nano_flow.address"
KIND = "nano_flow.step.kind"
ITEMS = "nano_flow.step.items"
SKIPPED = "nano_flow.step.skipped"
TURN = "nano_flow.turn"
ATTEMPT = "nano_flow.attempt"
REQUESTED = "nano_flow.model.requested"
SCORE = "nano_flow.route.score"
TIER = "nano_flow.route.tier"
COST = "nano_flow.cost.usd"
COST_NANO = "nano_flow.cost.nano_usd"
UNPRICED = "nano_flow.cost.unpriced"
SIMULATED = "nano_flow.simulated"
CACHED = "nano_flow.cached"
SAVED = "nano_flow.saved.usd"

# The convention has names of its own for services that we name otherwise.
PROVIDERS = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "vertex": "gcp.vertex_ai",
}
