"""A run once more, from its start: the same workflow, inputs and options, or some of them changed."""

from __future__ import annotations

from dataclasses import replace

from nano_flow.core.errors import UsageError
from nano_flow.operations.place import Place
from nano_flow.operations.runs.starting import GivenInputs, RunOptions, StartOrder
from nano_flow.project.resuming.place import found_file


def rerun_order(place: Place, name: str, given: GivenInputs) -> StartOrder:
    """What to start so that ``name`` runs again; ``given`` wins over what it was given. Raises UsageError."""
    with place.store.reader() as reader:
        run_id = reader.find_run(name).run_id
        record = reader.run_record(run_id)
    if record is None:
        raise UsageError(f'there is no run "{run_id}"; "nano-flow runs list" shows them')
    # A secret input is kept as null: it has to be given again. Defaults are those of the file as it is now.
    defaulted = {name.removeprefix("inputs.") for name in record.context if name.startswith("inputs.")}
    kept = {
        name: value
        for name, value in record.inputs.items()
        if value is not None and name not in defaulted and name not in given.texts
    }
    data = GivenInputs(given.texts, {**kept, **given.data})
    options = replace(RunOptions.from_json(record.options), commit="")  # a checkout is made anew
    return StartOrder(found_file(record, place.state), data, options)
