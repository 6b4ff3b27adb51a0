"""The API under requests that nobody would write: no failure of the server, no answer that its document lacks."""

from __future__ import annotations

import re
from pathlib import Path

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from nano_flow.web.app import build_app
from nano_flow.web.security.tokens import Role
from tests.web.shop import TOKENS, opened

LEFT_OUT = re.compile("events|providers/check")
"""A stream does not end by itself, and nobody is asked from here."""
HEADERS = {"Authorization": f"Bearer {TOKENS[Role.admin].secret}", "Host": "127.0.0.1:8420"}
CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]


def test_no_request_breaks_the_server(tmp_path: Path) -> None:
    shop = opened(tmp_path)
    shop.run("broken.yaml", code=1)
    api = schemathesis.openapi.from_asgi("/api/openapi.json", build_app(shop.site()), headers=HEADERS)
    tried = []
    for found in api.get_all_operations():
        operation = found.ok()
        if LEFT_OUT.search(operation.path):
            continue

        @settings(
            max_examples=8,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def try_one(case: schemathesis.Case) -> None:
            case.call_and_validate(headers=HEADERS, checks=CHECKS)

        try_one()
        tried.append(operation.path)
    assert len(tried) >= 15
