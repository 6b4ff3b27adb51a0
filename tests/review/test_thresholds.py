"""Thresholds from scores: shares, budgets and labels, on rows whose best thresholds are known."""

from __future__ import annotations

from nano_flow.review.thresholds import Scored, by_budget, by_labels, by_shares, mean_cost, shares, tier_of

CURRENT = [3.0, 7.0]
PRICES = (1, 10, 100)
EVEN = [Scored(n / 10, PRICES) for n in range(100)]


def labelled(*, low: float, high: float) -> list[Scored]:
    return [Scored(n / 10, PRICES, 0 if n / 10 < low else 1 if n / 10 < high else 2) for n in range(100)]


def test_below_excludes_its_own_score() -> None:
    assert [tier_of(score, CURRENT) for score in (2.99, 3.0, 6.99, 7.0, 10.0)] == [0, 1, 1, 2, 2]


def test_shares_are_met_where_scores_can_be_parted() -> None:
    assert shares(EVEN, by_shares(EVEN, (0.6, 0.3, 0.1))) == [0.6, 0.3, 0.1]
    assert shares(EVEN, by_shares(EVEN, (0.2, 0.8, 0.0)))[0] == 0.2


def test_equal_scores_stay_together_and_thresholds_rise() -> None:
    below = by_shares([Scored(10.0)] * 5 + [Scored(0.0)] * 5, (0.5, 0.0, 0.5))
    assert below == sorted(set(below))
    below = by_shares([Scored(10.0)] * 5, (1.0, 0.0, 0.0))
    assert below == sorted(set(below))
    assert below[-1] <= 10


def test_a_budget_is_kept_and_used() -> None:
    below = by_budget(EVEN, CURRENT, 20.0)
    assert below is not None
    cost = mean_cost(EVEN, below)
    assert cost is not None
    assert 18 < cost <= 20
    assert round(below[1] - below[0], 2) == 4.0
    assert by_budget(EVEN, CURRENT, 0.5) is None
    assert by_budget([Scored(1.0)], CURRENT, 1000.0) is None


def test_a_large_budget_gives_everything_to_the_last_tier_that_it_can() -> None:
    assert by_budget(EVEN, CURRENT, 1e9) == [0.05, 0.1]


def test_labels_are_met() -> None:
    rows = labelled(low=2.0, high=5.5)
    below = by_labels(rows, rows, CURRENT)
    assert below is not None
    assert all(tier_of(row.score, below) == row.label for row in rows)


def test_of_equally_good_thresholds_those_in_force_stay() -> None:
    rows = [Scored(1.0, None, 0), Scored(5.0, None, 1), Scored(9.0, None, 2)]
    assert by_labels(rows, rows, CURRENT) == CURRENT


def test_labels_within_a_budget() -> None:
    rows = labelled(low=2.0, high=5.5)
    free = by_labels(rows, rows, CURRENT)
    assert free is not None
    cost = mean_cost(rows, free)
    assert cost is not None
    below = by_labels(rows, rows, CURRENT, cost / 2)
    assert below is not None
    held = mean_cost(rows, below)
    assert held is not None
    assert cost / 4 < held <= cost / 2
    assert below[0] < below[1]
    assert by_labels(rows, rows, CURRENT, cost) == free
    assert by_labels(rows, rows, CURRENT, 0.1) is None
