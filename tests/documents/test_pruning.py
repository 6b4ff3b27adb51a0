"""Large documents: what is wrong is found wherever it stands, told in order, and in the same words every time."""

from __future__ import annotations

import pytest

from nano_flow.core.diagnostics import Diagnostic
from nano_flow.core.errors import DocumentError
from nano_flow.documents.gate.pruning import MAX_ENTRIES, prune
from nano_flow.documents.load import load_workflow

HEAD = "nano_flow: 1\nname: t\nsteps:\n"


def errors(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(DocumentError) as caught:
        load_workflow(text, "w.yaml")
    return caught.value.diagnostics


def test_small_data_is_kept_whole() -> None:
    data = {"a": {"b": [1, 2]}, "c": 3}
    assert prune(data, [(("a", "b", 1), False)]).data == data


def test_good_entries_are_cut_and_bad_ones_counted() -> None:
    data = {"steps": {f"s{n}": n for n in range(200)}, "name": "x"}
    pruned = prune(data, [(("steps", f"s{n}", "form"), False) for n in range(100, 190)])
    assert list(pruned.data["steps"]) == [f"s{n}" for n in range(100, 160)]
    assert (pruned.data["name"], pruned.left_out) == ("x", 90 - MAX_ENTRIES)


def test_fixed_keys_that_are_fine_stay() -> None:
    data = {"prompt": "x", **{f"k{n}": 1 for n in range(100)}}
    pruned = prune(data, [((f"k{n}",), True) for n in range(100)])
    assert list(pruned.data) == ["prompt", *(f"k{n}" for n in range(MAX_ENTRIES))]


def test_a_cut_list_keeps_its_numbers() -> None:
    pruned = prune({"a": list(range(500))}, [(("a", "list[form]", 300), False)])
    assert pruned.data == {"a": list(range(300, 360))}
    assert pruned.original(("a", 2)) == ("a", 302)
    assert pruned.original(("b", 2, "c")) == ("b", 2, "c")


def test_the_last_item_of_a_long_list_is_found() -> None:
    (found,) = errors(f"{HEAD}  a:\n    prompt: x\n    needs: [{'b, ' * 400}1]\n")
    assert (found.address, found.where.column) == ("steps.a.needs[400]", 13 + 3 * 400)


def test_what_is_shown_is_the_beginning_and_in_order() -> None:
    many = "".join(f"  s{n}:\n    prompt: x\n" + "".join(f"    k{m}: 1\n" for m in range(5)) for n in range(80))
    found = errors(HEAD + many)
    assert [diagnostic.address for diagnostic in found[:-1]] == [
        f"steps.s{n}.k{m}" for n in range(40) for m in range(5)
    ]
    assert found[-1].message == "and 20 more errors"


def test_where_nobody_counted_that_is_said() -> None:
    assert errors(f"{HEAD}  a:\n    prompt: x\n    needs: [{'1, ' * 400}]\n")[-1].message == "and more errors"
