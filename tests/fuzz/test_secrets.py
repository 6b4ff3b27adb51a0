"""Whatever holds a secret, in whatever form: it is gone from what is kept, and comes back exactly."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from nano_flow.core.messages import Json
from nano_flow.core.redact import Redactor
from nano_flow.core.secrets.masks import masks_json, read_masks, restored
from tests.fuzz.cases import fuzzed

SECRETS = st.text(st.characters(codec="utf-8"), min_size=8, max_size=40)
SPELLINGS = st.sampled_from(
    [
        lambda s: s,
        lambda s: json.dumps(s),
        lambda s: json.dumps({"k": json.dumps(s, ensure_ascii=False)}),
        lambda s: quote(s, safe=""),
        lambda s: base64.b64encode(s.encode()).decode(),
        lambda s: base64.urlsafe_b64encode(b"ab" + s.encode() + b"c").decode(),
    ]
)


@fuzzed(300)
@given(
    st.lists(SECRETS, min_size=1, max_size=3, unique=True),
    st.lists(SPELLINGS, min_size=1, max_size=3),
    st.text(max_size=9),
)
def test_nothing_of_a_secret_is_kept_and_all_of_it_comes_back(
    secrets: list[str], spell: list[object], around: str
) -> None:
    names = {f"env:S{number}": secret for number, secret in enumerate(secrets)}
    texts = [around + form(secret) + around for form in spell for secret in secrets]  # type: ignore[operator]
    value: Json = {"texts": list(texts), **{text: [text] for text in texts}}
    redactor = Redactor(names)
    cleaned, masks = redactor.sealed(value)
    assert all(secret not in text for text in _strings(cleaned) for secret in secrets if "*" not in secret)
    assert restored(cleaned, read_masks(json.loads(json.dumps(masks_json(masks)))), names.get) == value


def _strings(value: Json) -> list[str]:
    if isinstance(value, dict):
        return [text for key, part in value.items() for text in (key, *_strings(part))]
    if isinstance(value, list):
        return [text for part in value for text in _strings(part)]
    return [value] if isinstance(value, str) else []
