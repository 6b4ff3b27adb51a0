"""Writes a trained score as the document ``complexity.learned.yaml``, for people to read and for git to compare."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nano_flow.review.learning import Learning
from nano_flow.review.training import HeldOut, Measured
from nano_flow.routing.labels.measures import Threshold, enough
from nano_flow.routing.learned import FORMAT, LearnedScore, Node, interpolate


@dataclass(frozen=True, slots=True)
class Form:
    """What the comments say of the score: the key that reads it, the option that trained it, its scale."""

    key: str
    option: str
    scale: str


COMPLEXITY = Form("complexity", "", "each score is reached as often as by the declared signals")
CASCADE = Form("cascade", " --cascade", "each point is a tenth of the held-out replies")


def learned_text(learning: Learning, form: Form = COMPLEXITY) -> str:
    """The whole document."""
    held, score, pair = learning.trained.held_out, learning.trained.score, learning.pair
    lines = [
        f"# Written by `nano-flow policy train{form.option}`; read by `{form.key}.learned` of routing.yaml.",
        f"learned: {FORMAT}",
        f"data: {{weak: {_quoted(pair.weak)}, strong: {_quoted(pair.strong)}, prompts: {held.rows}, "
        f"groups: {held.groups}, digest: {_quoted(pair.digest())}}}",
        *_basis(learning),
        f"recipe: {_quoted(learning.trained.recipe.name)}",
        f"supports: {_quoted(enough(held.rows))}",
        *_held_out(held),
        "thresholds:                    # from this score on, the share is recovered 19 times in 20",
        *(f"  - {_threshold(threshold, score)}" for threshold in held.thresholds),
        f"curve:                         # raw sum to score; {form.scale}",
        *(f"  - [{_number(value)}, {_number(height)}]" for value, height in score.curve),
        *_model(score),
    ]
    return "\n".join(_filled(lines)) + "\n"


def _basis(learning: Learning) -> list[str]:
    basis = learning.basis
    if basis is None:
        return []
    return [
        "journal:                       # assumed: the weak model passed, the strong one was never asked, so no gain",
        f"  {{escalated: {basis.escalated}, compared: {basis.compared}, assumed: {basis.assumed}, "
        f"left_out: {basis.left_out}}}",
    ]


def _held_out(held: HeldOut) -> list[str]:
    unseen = "nor was any prompt of their group" if held.grouped else "at random"
    better = held.better
    return [
        f"held_out:                      # prompts that were not trained on, {unseen}",
        f"  learned: {_measured(held.learned)}",
        f"  declared: {_measured(held.declared)}",
        f"  length: {_measured(held.length)}",
        f"  better_by: {{apgr: {_figure(better.value if better else None)}, "
        f"at_least: {_figure(better.low if better else None)}}}",
    ]


def _model(score: LearnedScore) -> list[str]:
    used = {name for tree in score.trees for name in _names(tree, score.features)}
    words = [(word.decode("utf-8", "replace"), weight) for word, weight in _by_weight(score.words)]
    return [
        "model:                         # raw = base + declared * score of the signals + words + a leaf of each tree",
        f"  base: {_number(score.base)}",
        f"  declared: {_number(score.declared)}",
        "  groups:",
        *(f"    {name}: [{_words(group)}]" for name, group in score.groups.items() if name in used),
        "  words:",
        *(f"    {_quoted(word)}: {_number(weight)}" for word, weight in words),
        "  trees:                       # [fact, threshold, value where at most it, value above]",
        *(f"    - {_tree(tree, score.features)}" for tree in score.trees),
    ]


def _filled(lines: Sequence[str]) -> list[str]:
    """A key that nothing follows holds nothing: an empty mapping or list."""
    empty = {"  groups:": "{}", "  words:": "{}", "thresholds:": "[]", "  trees:": "[]"}
    result = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        key = line.split("#")[0].rstrip()
        deeper = len(following) - len(following.lstrip()) > len(line) - len(line.lstrip())
        result.append(f"{key} {empty[key]}" if key in empty and not deeper else line)
    return result


def _measured(measured: Measured) -> str:
    return f"{{apgr: {_figure(measured.apgr)}, cpt50: {_figure(measured.cpt50)}, cpt80: {_figure(measured.cpt80)}}}"


def _figure(value: float | None) -> str:
    return "null" if value is None else f"{value:.4f}"


def _threshold(threshold: Threshold, score: LearnedScore) -> str:
    return (
        f"{{recovers: {threshold.target}, from_score: {interpolate(score.curve, threshold.score):.2f}, "
        f"strong_share: {threshold.strong_share:.3f}, measured: {threshold.recovered:.3f}, "
        f"at_least: {threshold.low:.3f}}}"
    )


def _by_weight(words: Mapping[bytes, float]) -> list[tuple[bytes, float]]:
    return sorted(words.items(), key=lambda item: (-item[1], item[0]))


def _words(words: frozenset[bytes]) -> str:
    return ", ".join(_quoted(word.decode("utf-8", "replace")) for word in sorted(words))


def _tree(node: Node, features: Sequence[str]) -> str:
    if isinstance(node, float):
        return _number(node)
    place, threshold, below, above = node
    return f"[{features[place]}, {_number(threshold)}, {_tree(below, features)}, {_tree(above, features)}]"


def _names(node: Node, features: Sequence[str]) -> set[str]:
    if isinstance(node, float):
        return set()
    return {features[node[0]]} | _names(node[2], features) | _names(node[3], features)


def _number(value: float) -> str:
    text = repr(value)
    return text.replace("e-0", "e-") if "e" in text else text


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
