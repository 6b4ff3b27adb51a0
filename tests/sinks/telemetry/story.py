"""A short run as events: a fan-out of two agents, one of which fails once, with a tool."""

from __future__ import annotations

from nano_flow.core import events as e
from nano_flow.core.messages import ChatReply, Usage
from nano_flow.core.money import Money
from nano_flow.core.trace import RunTrace

TRACE = RunTrace.begin("run-1", 1.0)
PASSED = "anthropic/claude-sonnet-4-5"
REPLY = ChatReply("secret text", "stop", Usage(10, 5, 0, 20, 3), model="gpt-5-mini-2025-08-07")


def call(address: str, at: float, model: str = "openai/gpt-5-mini", attempt: int = 0) -> list[e.Event]:
    """A call that is answered after half a second, for 115 nano-dollars."""
    return [
        e.CallIntended(at, address, 0, attempt, model, "standard", "f", Money(900)),
        e.CallFinished(
            at + 0.5, address, 0, attempt, model, "standard", "f", REPLY, 0.5, Money(115), first_token_s=0.2
        ),
    ]


def story(trace: RunTrace = TRACE, status: str = "succeeded") -> list[e.Event]:
    """Every event of the run."""
    model = "openai/gpt-5-mini"
    return [
        e.RunStarted(1.0, "run-1", "review", "w.yaml", "sha256:x", {"a": "private"}, {}, trace=trace.to_json()),
        e.StepExpanded(1.1, "review", "review", "prompt", "for_each", 2),
        e.StepStarted(1.2, "review[0]", "review", "prompt", 0),
        e.RouteDecided(1.2, "review[0]", 0, "auto", 4.5, "standard", {}),
        *call("review[0]", 1.3),
        e.ToolIntended(1.9, "review[0]", 0, "c1", "read_file", "f", {"path": "private.txt"}),
        e.ToolCalled(2.0, "review[0]", 0, "c1", "read_file", "f", "private result", 0.1),
        e.StepFinished(2.1, "review[0]", "x", 0.9),
        e.StepStarted(1.2, "review[1]", "review", "prompt", 1),
        e.CallIntended(1.3, "review[1]", 0, 0, model, "standard", "f", Money(900)),
        e.CallFailed(1.4, "review[1]", 0, 0, model, "rate_limit", "slow down", 0.1, Money(7), Money(0), Usage(4)),
        e.StepRetried(1.4, "review[1]", 0, "rate_limit", "slow down", 0.1),
        e.RouteDecided(
            1.5, "review[1]", 0, "auto", 4.5, "standard", {"refused": [{"model": PASSED, "kind": "cooling"}]}
        ),
        *call("review[1]", 1.5, attempt=1),
        e.StepFailed(2.2, "review[1]", "schema", "private reply", 1.0, tolerated=True),
        e.StepCollected(2.3, "review", "succeeded", 1.2),
        e.StepSkipped(2.3, "ship", "ship", "approve", "condition"),
        e.RunFinished(2.4, status, None, None, None, None, 1.4),  # type: ignore[arg-type]
    ]
