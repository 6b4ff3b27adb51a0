"""Reads labelled outcomes, and trains a score beside the declared signals of a policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nano_flow.core.errors import UsageError
from nano_flow.project.policies import Policies
from nano_flow.review.training import Trained, prepare, train
from nano_flow.review.unseen import Advised, advise
from nano_flow.routing.labels.conversations import Basis
from nano_flow.routing.labels.outcomes import Outcome, Pair, make_pair, read_outcomes
from nano_flow.routing.signals import MatchSignal
from nano_flow.routing.within import WithinSignal

_QUESTION_WORDS = ("what", "which", "who", "whom", "whose", "when", "where", "why", "how")


@dataclass(frozen=True, slots=True)
class Learning:
    """A trained score and its data.

    Where they are the journal's, ``basis`` tells what the examples rest on, and ``scored`` between which declared
    scores they lie.
    """

    pair: Pair
    trained: Trained
    basis: Basis | None = None
    scored: tuple[float, float] = (0.0, 10.0)
    advised: Advised | None = None
    """The weight of a score of prompts; None for one of replies."""
    texts: bool = True
    """Whether words of the prompts were learned from."""


def read_labels(paths: Sequence[Path]) -> list[Outcome]:
    """All rows of all files. Raises UsageError with file and line."""
    found: list[Outcome] = []
    for path in paths:
        try:
            rows = read_outcomes(path.read_text("utf-8-sig"), str(path))
            found += [row if row.source else replace(row, source=path.name) for row in rows]
        except UnicodeDecodeError:
            raise UsageError(f'"{path}" cannot be read: it is not UTF-8 text') from None
        except OSError as error:
            raise UsageError(f'"{path}" cannot be read: {error.strerror}') from None
        except ValueError as error:
            raise UsageError(str(error)) from None
    return found


def learn(outcomes: Sequence[Outcome], policies: Policies, weak: str | None, strong: str | None) -> Learning:
    """Train on outcomes beside the declared signals of ``policies``. Raises UsageError where that cannot be done."""
    need_the_library()
    scorer = policies.routing.scorer
    try:
        pair = make_pair(outcomes, weak, strong)
        rows = prepare(pair.examples, lambda facts, reading: scorer.score(facts, reading)[0])
        groups = word_groups(policies)
        trained = train(pair, rows, groups)
    except ValueError as error:
        raise UsageError(str(error)) from None
    return Learning(pair, trained, advised=advise(rows, trained.held_out.scores, groups))


def need_the_library() -> None:
    """Raises UsageError where scikit-learn is not installed: it is an extra."""
    try:
        import sklearn  # noqa: F401
    except ImportError:
        raise UsageError("training needs scikit-learn: pip install 'nano-flow[train]'") from None


def word_groups(policies: Policies) -> dict[str, frozenset[bytes]]:
    """The declared word lists, and each question word by itself: what trees may count."""
    groups: dict[str, frozenset[bytes]] = {}
    for signal in policies.routing.scorer.signals:
        if isinstance(signal, MatchSignal) and signal.words:
            groups[f"{signal.name}_words"] = signal.words
        elif isinstance(signal, WithinSignal) and signal.listed.words:
            placed = (f"{signal.within}:{word}".encode() for word in signal.listed.words)
            groups[f"{signal.name}_words"] = frozenset(placed)
    return groups | {f"asks_{word}": frozenset({word.encode()}) for word in _QUESTION_WORDS}
