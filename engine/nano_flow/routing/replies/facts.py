"""Facts of a reply: what can be counted in it that tells a doubtful answer from a sound one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter

from nano_flow.routing.reading import estimate_tokens, read_text


@dataclass(frozen=True, slots=True)
class ReplyFacts:
    """Counts and shares of one reply; ``json_valid`` and ``agreement`` are None where they do not apply."""

    reply_tokens: int
    reply_words: int
    steps: int
    equations: int
    wrong_equations: int
    unfinished: int
    hedges: int
    questions: int
    numbers: int
    distinct_numbers: int
    repeated_lines: int
    corrections: int
    ends_with_number: int
    marked_answer: int
    length_ratio: float
    json_valid: int | None = None
    agreement: float | None = None


REPLY_FEATURES: Mapping[str, Callable[[ReplyFacts], object]] = {
    field.name: attrgetter(field.name) for field in fields(ReplyFacts)
}

_NUMBER = r"-?\$?\d[\d,]*(?:\.\d+)?%?"
_EQUATION = re.compile(rf"((?:{_NUMBER})(?: ?[-+*/x×÷] ?\(?(?:{_NUMBER})\)?){{1,6}}) ?= ?({_NUMBER})")
_HEDGES = re.compile(
    r"\b(?:not sure|unsure|cannot determine|can't determine|unclear|it depends|might be|may be|possibly|probably|"
    r"i think|assuming|assume|approximately|insufficient|not enough information|however)\b",
    re.IGNORECASE,
)
_CORRECTIONS = re.compile(r"\b(?:wait|actually|sorry|apologi[sz]e|mistake|correction|let me re)\b", re.IGNORECASE)
_MARKED = re.compile(r"####|\bfinal answer\b|\\boxed|\banswer is\b", re.IGNORECASE)
_READ_AT_MOST = 40_000


def reply_facts(
    reply: str, prompt: str = "", *, stopped: bool = True, others: Sequence[str] = (), wants_json: bool = False
) -> ReplyFacts:
    """Count a reply. ``stopped`` is False where the provider cut it off; ``others`` are further samples."""
    text = reply[:_READ_AT_MOST]
    reading = read_text(text)
    asked = read_text(prompt[:_READ_AT_MOST])
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    equations = _EQUATION.findall(_bare(text))
    numbers = re.findall(r"\d+(?:\.\d+)?", text.replace(",", ""))
    last = lines[-1] if lines else ""
    return ReplyFacts(
        reply_tokens=estimate_tokens(reading),
        reply_words=reading.word_count,
        steps=len(lines),
        equations=len(equations),
        wrong_equations=sum(not _holds(left, right) for left, right in equations),
        unfinished=int(not stopped or not _whole(last)),
        hedges=len(_HEDGES.findall(text)),
        questions=text.count("?"),
        numbers=len(numbers),
        distinct_numbers=len(set(numbers)),
        repeated_lines=len(lines) - len(set(lines)),
        corrections=len(_CORRECTIONS.findall(text)),
        ends_with_number=int(re.search(r"\d[^A-Za-z]{0,4}$", last) is not None),
        marked_answer=int(_MARKED.search(text) is not None),
        length_ratio=reading.word_count / (asked.word_count or 1),
        json_valid=_json_valid(reply) if wants_json else None,
        agreement=_agreement(reply, others) if others else None,
    )


def _bare(text: str) -> str:
    """Without the calculator marks ``<<2*3=6>>`` that some models write, and without mark-up around numbers."""
    return re.sub(r"<<[^<>]{0,200}>>|[\\$*]{2}|\\[()\[\]]", "", text.replace("$", ""))


def _amount(text: str) -> float:
    number = text.replace(",", "").replace("$", "")
    return float(number[:-1]) / 100 if number.endswith("%") else float(number)


def _holds(left: str, right: str) -> bool:
    """Whether ``3 * 4 + 2 = 14`` is true within rounding; what cannot be read counts as true."""
    tokens = re.findall(rf"{_NUMBER}|[-+*/x×÷]", left.replace("(", "").replace(")", "").replace(" ", ""))
    values, operators = [], []
    for token in tokens:
        if token[-1] in "+*/x×÷-" and len(token) == 1:
            operators.append(token)
        else:
            values.append(_amount(token))
    if len(values) != len(operators) + 1 or "(" in left:
        return True
    result = _reduce(values, operators)
    wanted = _amount(right)
    return result is None or abs(result - wanted) <= max(0.011, abs(wanted) * 0.011) or abs(result * 100 - wanted) < 0.6


def _reduce(values: list[float], operators: list[str]) -> float | None:
    """Products first, then sums; None for a division by zero."""
    terms = [values[0]]
    signs = []
    for operator, value in zip(operators, values[1:], strict=True):
        if operator in "*x×":
            terms[-1] *= value
        elif operator in "/÷":
            if value == 0:
                return None
            terms[-1] /= value
        else:
            terms.append(value)
            signs.append(operator)
    total = terms[0]
    for sign, term in zip(signs, terms[1:], strict=True):
        total += term if sign == "+" else -term
    return total


def _whole(last: str) -> bool:
    """Whether a last line ends like one that was meant to be the last."""
    return last.endswith((".", "!", "?", ")", "]", "}", '"', "'", "`", "*", ":", "。", "！", "？")) or bool(
        re.search(r"[\w%$]$", last) and (len(last) < 60 or last.startswith("#"))
    )


def _json_valid(reply: str) -> int:
    try:
        json.loads(reply)
    except ValueError:
        return 0
    return 1


def _agreement(reply: str, others: Sequence[str]) -> float:
    """The share of further samples that come to the same last number, or share most words where there is none."""
    mine = _conclusion(reply)
    return sum(_conclusion(other) == mine for other in others) / len(others)


def _conclusion(reply: str) -> str:
    numbers = re.findall(r"\d+(?:\.\d+)?", reply.replace(",", ""))
    return numbers[-1] if numbers else " ".join(sorted(read_text(reply).folded.decode("utf-8", "replace").split()))
