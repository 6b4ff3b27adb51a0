"""``prompt``: an agent — model calls, a tool loop, structured output, checks, repair."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from nano_flow.core.calls import TURNS_PER_GENERATION
from nano_flow.core.errors import StepError
from nano_flow.core.messages import Json, Message
from nano_flow.core.outcomes import StepOutcome, Succeeded
from nano_flow.core.refs import ModelRef
from nano_flow.gateway.ask import ModelAnswer
from nano_flow.gateway.requests import agent_request
from nano_flow.gateway.sending.fingerprint import prompt_digest
from nano_flow.plan.call_specs import ReplySpec
from nano_flow.plan.kinds.prompt import PlannedPrompt
from nano_flow.steps.context import Execution
from nano_flow.steps.conversation.bill import charge
from nano_flow.steps.conversation.kept import ask_and_keep
from nano_flow.steps.conversation.prompts import (
    Said,
    first_messages,
    said_before,
    schema_note,
    upstream_tokens,
    written,
)
from nano_flow.steps.conversation.toolcalls import ToolDesk, readable_calls
from nano_flow.steps.conversation.verify import examined, tell
from nano_flow.steps.kind import Kind


async def execute(execution: Execution) -> StepOutcome:
    """Hold the conversation until its output is whole, valid and verified."""
    spec = execution.step.spec
    assert isinstance(spec, PlannedPrompt)
    toolbox = execution.services.toolbox
    tools = await toolbox.tools(spec.tools, execution.plan, execution.names) if spec.tools else {}
    before = said_before(execution, spec)
    messages = first_messages(execution, spec, before)
    agent = Agent(execution, spec, ToolDesk(execution, tools), messages, written(messages, before))
    output = await agent.converse()
    execution.conversations[execution.step.id] = Said(tuple(agent.messages), agent.written)
    return Succeeded(output)


@dataclass(slots=True)
class Agent:
    """One conversation in progress."""

    execution: Execution
    spec: PlannedPrompt
    desk: ToolDesk
    messages: list[Message]
    written: str
    """What the author wrote, here and in the steps that the conversation goes on with: it decides the tier."""
    turn: int = 0
    own_turns: int = 0
    served: bool = False
    """Whether a call of a tool was answered."""
    repairs: int = 0
    escalate: int = 0
    model: ModelRef | None = None
    facts: dict[str, Json] = field(default_factory=dict)

    async def converse(self) -> Json:
        """Turns, tool calls and repairs, until there is an output. StepError where there will be none."""
        self._learn_facts()
        asked = tuple(self.messages)
        while True:
            if self.own_turns >= self.spec.max_turns:
                raise StepError("max_turns", f"no final answer after {self.spec.max_turns} turns")
            answer = await self._ask()
            reply = answer.reply
            if reply.tool_calls and reply.finish_reason in ("tool_calls", "stop"):  # else its last call may be half
                await self._serve_tools(answer)
                continue
            self._refuse_what_is_not_whole(answer)
            self.messages.append(Message("assistant", reply.text, provider_data=reply.provider_data))
            turn = self._last_turn
            output, verdict = await examined(self.execution, reply.text, self._next_turn)
            if verdict is not None:
                tell(self.execution, answer, turn, prompt_digest(asked), verdict)
            if verdict is None or verdict.fault is None:
                return output
            self._repair(verdict.by, verdict.fault)

    def _learn_facts(self) -> None:
        names = self.execution.names
        iteration = names.get("iteration")
        self.facts = {
            "max_turns": self.spec.max_turns,
            "upstream_tokens": upstream_tokens(self.execution),
            "iteration": iteration if isinstance(iteration, int) else 0,
        }

    def _named(self) -> str | None:
        """The model that a template names; ``auto`` where it comes to nothing."""
        return None if self.spec.model is None else self.execution.text(self.spec.model).strip() or "auto"

    def _iteration(self) -> str:
        """What tells the kept replies of a loop's iterations apart: each of them wants one of its own."""
        iteration = self.execution.names.get("iteration")
        return f"iteration {iteration}" if isinstance(iteration, int) else ""

    def _next_turn(self) -> int:
        self.turn += 1
        return self._last_turn

    @property
    def _last_turn(self) -> int:
        return self.execution.generation * TURNS_PER_GENERATION + self.turn - 1

    async def _ask(self) -> ModelAnswer:
        execution = self.execution
        named = self._named()
        tools = tuple(tool.spec for tool in self.desk.tools.values())
        ask = replace(
            agent_request(execution.step, execution.address, tuple(self.messages), tools),
            turn=self._next_turn(),
            reply=self._wanted(),
            escalate=self.escalate,
            facts=self.facts,
            budgets=execution.budgets,
            script_turn=self.own_turns,
            written=self.written,
            cache_part=self._iteration(),
            keep_model=str(self.model) if self.model else None,
        )
        if named is not None:
            ask = replace(ask, route=replace(ask.route, model=named))
        self.own_turns += 1
        answer = await ask_and_keep(execution, ask)
        self.model = answer.model
        charge(execution, answer, ask.turn)
        return answer

    def _wanted(self) -> ReplySpec:
        """What is asked of the reply: a call of a tool is required until one was served, else it would never end."""
        reply = self.spec.reply
        if not self.served or reply.params.get("tool_choice", "auto") in ("auto", "none"):
            return reply
        return replace(reply, params={name: value for name, value in reply.params.items() if name != "tool_choice"})

    async def _serve_tools(self, answer: ModelAnswer) -> None:
        reply = answer.reply
        self.messages.append(
            Message("assistant", reply.text, readable_calls(reply.tool_calls), provider_data=reply.provider_data)
        )
        self.messages.extend(await self.desk.serve(reply.tool_calls, self._last_turn))
        self.served = True

    def _refuse_what_is_not_whole(self, answer: ModelAnswer) -> None:
        reply = answer.reply
        if reply.finish_reason == "length":
            cap = self.spec.reply.max_output_tokens
            raise StepError(
                "length",
                f'{answer.model} stopped at its output cap; raise "max_output_tokens"{f" ({cap})" if cap else ""}',
            )
        if reply.finish_reason == "content_filter":
            raise StepError("content_filter", f"{answer.model} refused to answer")
        if reply.finish_reason != "stop":
            raise StepError("incomplete", f"the reply of {answer.model} was cut off")

    def _repair(self, by: str, fault: str) -> None:
        broken = by == "schema"
        if self.repairs >= self.spec.repair_attempts:
            raise StepError("schema" if broken else "verify", f"{fault} (after {self.repairs} repairs)")
        self.repairs += 1
        last = self.spec.repair_attempts
        if self.spec.repair_escalate and (self.repairs > 1 or last == 1):
            self.escalate += 1
            self.model = None
        note = f"The reply is not what was asked for: {fault}.{schema_note(self.execution, self.spec)}"
        self.messages.append(Message("user", note if broken else fault))


KIND = Kind(execute, slot=True)
