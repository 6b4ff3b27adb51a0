"""What any step may say that holds templates."""

from __future__ import annotations

from nano_flow.documents.common import RowsFile
from nano_flow.documents.steps import OnErrorOutput, Step
from nano_flow.plan.kinds.kind import Fields, Reader
from nano_flow.plan.places import FOR_EACH, ON_ERROR, RETRY, UNTIL, WHEN


def common_fields(document: Step, fields: Fields, read: Reader) -> None:
    """What any step may say."""
    if document.when is not None:
        when = document.when
        source = when if isinstance(when, str) else str(when).lower()
        fields["when"] = read.expression(("when",), source, WHEN)
    if document.for_each is not None:
        items = document.for_each
        if isinstance(items, str):
            fields["for_each"] = read.expression(("for_each",), items, FOR_EACH)
        elif isinstance(items, RowsFile):
            fields["for_each_file"] = read.text(("for_each", "file"), items.file, FOR_EACH)
        else:
            fields["for_each"] = read.value(("for_each",), items, FOR_EACH)
    if document.repeat is not None and document.repeat.until is not None:
        fields["until"] = read.expression(("repeat", "until"), document.repeat.until, UNTIL)
    if document.retry is not None and document.retry.when is not None:
        fields["retry_when"] = read.expression(("retry", "when"), document.retry.when, RETRY)
    if isinstance(document.on_error, OnErrorOutput):
        fields["on_error"] = read.value(("on_error", "output"), document.on_error.output, ON_ERROR)
