"""Reads the sets of outcomes from a folder that lies outside the project."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

WEAK, STRONG = "mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview"
ULAB_PAIRS = (
    ("mistral-7b-instruct-v0.3", "llama-3.1-nemotron-51b-instruct"),
    ("llama-3.1-8b-instruct", "llama-3.1-nemotron-51b-instruct"),
    ("gemma-2-9b-it", "llama-3.3-nemotron-super-49b-v1"),
)
LARGE = 800
"""Prompts from which on a set holds its bounds; smaller ones only warn."""


@dataclass(frozen=True, slots=True)
class OutcomeSet:
    """Prompts, and what the weak and the strong model made of each (0 to 1); ``replies`` are the weak one's."""

    name: str
    prompts: tuple[str, ...]
    weak: tuple[float, ...]
    strong: tuple[float, ...]
    groups: tuple[str, ...] = ()
    replies: tuple[str, ...] = ()

    @property
    def gains(self) -> list[float]:
        """What the strong model gains, by prompt."""
        return [strong - weak for weak, strong in zip(self.weak, self.strong, strict=True)]

    def without(self, group: str) -> OutcomeSet:
        """The same without one group."""
        keep = [place for place, name in enumerate(self.groups) if name != group]
        return OutcomeSet(
            f"{self.name} without {group}",
            *(tuple(column[place] for place in keep) for column in (self.prompts, self.weak, self.strong, self.groups)),
        )


def read_sets(folder: Path) -> list[OutcomeSet]:
    """Every set that is there."""
    sets: list[OutcomeSet] = []
    if (folder / "routellm_mmlu").is_dir():
        mmlu = _mmlu(folder / "routellm_mmlu")
        sets += [mmlu, mmlu.without("moral_scenarios")]
    if (folder / "routellm_gsm8k").is_dir():
        sets.append(_gsm8k(folder / "routellm_gsm8k"))
    if (folder / "ulab_llmrouter").is_dir():
        sets += _ulab(folder / "ulab_llmrouter" / "train.json")
    if (folder / "routellm_mt_bench").is_dir():
        sets.append(_mt_bench(folder / "routellm_mt_bench"))
    return sets


def _mmlu(folder: Path) -> OutcomeSet:
    left_out = _contaminated(folder)
    rows = [
        (row[0], float(row[1] == "True"), float(row[2] == "True"), file.stem.removeprefix("mmlu_"))
        for file in sorted(folder.glob("mmlu_*.csv"))
        for row in _rows(file)
        if row[0] not in left_out
    ]
    prompts, weak, strong, groups = zip(*rows, strict=True)
    return OutcomeSet("MMLU", prompts, weak, strong, groups)


def _gsm8k(folder: Path) -> OutcomeSet:
    left_out = _contaminated(folder)
    rows = [
        (row[0], float(row[1] == "True"), float(row[2] == "True"), row[3])
        for row in _rows(folder / "gsm8k_responses.csv")
        if row[0] not in left_out
    ]
    prompts, weak, strong, replies = zip(*rows, strict=True)
    return OutcomeSet("GSM8K", prompts, weak, strong, ("",) * len(prompts), replies)


def _ulab(file: Path) -> list[OutcomeSet]:
    rows = json.loads(file.read_text("utf-8"))
    prompts = tuple(row["question"] for row in rows)
    return [
        OutcomeSet(
            f"ulab {_short(weak)}→{_short(strong)}",
            prompts,
            tuple(float(row["scores"][weak]) for row in rows),
            tuple(float(row["scores"][strong]) for row in rows),
            ("",) * len(rows),
        )
        for weak, strong in ULAB_PAIRS
    ]


def _short(model: str) -> str:
    return "-".join(part for part in model.split("-") if part not in ("instruct", "it", "llama", "super", "v1", "v0.3"))


def _mt_bench(folder: Path) -> OutcomeSet:
    """The first turns; the score of a conversation is the mean of its two judgements, of ten."""
    judged: dict[tuple[int, str], list[float]] = {}
    for row in _json_lines(folder / "judgements.jsonl"):
        judged.setdefault((row["question_id"], row["model"]), []).append(row["score"] / 10)
    questions = list(_json_lines(folder / "question.jsonl"))
    weak, strong = (tuple(sum(judged[row["question_id"], model]) / 2 for row in questions) for model in (WEAK, STRONG))
    return OutcomeSet(
        "MT-Bench",
        tuple(row["turns"][0] for row in questions),
        weak,
        strong,
        tuple(row["category"] for row in questions),
    )


def _rows(file: Path) -> Iterator[list[str]]:
    csv.field_size_limit(10**9)
    with file.open(newline="", encoding="utf-8") as text:
        reader = csv.reader(text)
        next(reader)
        yield from reader


def _contaminated(folder: Path) -> frozenset[str]:
    return frozenset(row["eval_prompt"] for row in _json_lines(folder / "contaminated_prompts.jsonl"))


def _json_lines(file: Path) -> Iterator[dict]:  # type: ignore[type-arg]
    with file.open(encoding="utf-8") as text:
        for line in text:
            yield json.loads(line)
