"""Who gets in: every line of the promise about loopback, tokens, origins and model text."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from nano_flow.core.errors import UsageError
from nano_flow.web.security import bodies
from nano_flow.web.security.gate import cookie_name
from nano_flow.web.security.origins import Origins
from nano_flow.web.security.tokens import Role, form_token, highest_role, is_form_token, read_token_file
from tests.web.shop import BASE, HOSTILE, PORT, TOKENS, Shop

PATHS = ("/", "/runs", "/questions", "/cost", "/live", "/static/live.js", "/runs/last", "/runs/last/say")


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_shown_without_a_token(seen: tuple[Shop, str, str], path: str) -> None:
    for headers in ({}, {"authorization": "Bearer wrong"}, {"cookie": f"{cookie_name(PORT)}=wrong"}):
        answer = seen[0].client(None).get(path, headers=headers)
        assert answer.status_code == 401
        assert "nano-flow serve printed" in answer.text


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_needs_no_token_and_says_nothing(seen: tuple[Shop, str, str], path: str) -> None:
    assert seen[0].client(None).get(path).json() == {"status": "ok"}


def test_the_token_of_the_address_becomes_a_cookie_and_the_address_is_clean(seen: tuple[Shop, str, str]) -> None:
    client = seen[0].client(None)
    secret = TOKENS[Role.read].secret
    answer = client.get(f"/runs?status=failed&token={secret}")
    assert answer.status_code == 200 and "url=/runs?status=failed" in answer.text
    assert secret not in answer.text
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and "Path=/" in cookie
    assert client.get("/runs").status_code == 200  # the client keeps the cookie
    assert seen[0].client(None).get("/?token=wrong").status_code == 401
    assert "//elsewhere" not in client.get(f"//elsewhere/?token={secret}").text.replace('"/elsewhere', "")


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:8420", "localhost:1", "", "[::1", "127.0.0.1:99999999"]
)
def test_another_name_for_this_machine_is_refused(seen: tuple[Shop, str, str], host: str) -> None:
    answer = seen[0].client().get("/", headers={"host": host})
    assert answer.status_code == 403 and "not known under that name" in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1:8420", "localhost:8420", "[::1]:8420"])
def test_the_names_of_loopback_are_known(seen: tuple[Shop, str, str], host: str) -> None:
    assert seen[0].client().get("/", headers={"host": host}).status_code == 200


def test_a_server_for_others_is_known_by_its_address_and_never_by_a_foreign_name() -> None:
    origins = Origins("0.0.0.0", PORT)
    assert origins.fault("GET", {"host": "10.1.2.3:8420"}) is None
    assert origins.fault("GET", {"host": "rebound.example:8420"}) is not None


@pytest.mark.parametrize(
    "headers",
    [{"origin": "http://evil.example"}, {"origin": "null"}, {"origin": "http://["}, {"sec-fetch-site": "cross-site"}],
)
def test_what_another_site_sends_is_refused(seen: tuple[Shop, str, str], headers: dict[str, str]) -> None:
    shop, asks, _ = seen
    answer = shop.client(Role.admin).post(f"/runs/{asks}/answer/ask", headers=headers, data={"option": "publish"})
    assert answer.status_code == 403 and "other sites" in answer.text


def test_a_form_needs_its_own_token_and_the_role(seen: tuple[Shop, str, str]) -> None:
    shop, asks, _ = seen
    action = f"/runs/{asks}/answer/ask"
    other = form_token(TOKENS[Role.answer].secret, f"/runs/{asks}/cancel")
    for token in ("", "wrong", other):
        answer = shop.client(Role.answer).post(action, data={"option": "publish", "form_token": token})
        assert answer.status_code == 422 and "not one of this server" in answer.text
    mine = form_token(TOKENS[Role.read].secret, action)
    answer = shop.client(Role.read).post(action, data={"option": "publish", "form_token": mine})
    assert answer.status_code == 403 and "--allow answer" in answer.text
    with shop.store.reader() as reader:
        assert len(reader.pending_approvals(asks)) == 1


def test_every_answer_forbids_inline_code_frames_and_guessing(seen: tuple[Shop, str, str]) -> None:
    for path in ("/", "/static/nano-flow.css", "/healthz", "/nowhere"):
        headers = seen[0].client().get(path).headers
        policy = headers["content-security-policy"]
        assert "script-src 'self'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "same-origin"
    assert seen[0].client().get("/").headers["cache-control"] == "no-store"


def test_no_page_holds_inline_code_or_foreign_addresses(seen: tuple[Shop, str, str]) -> None:
    shop, asks, failed = seen
    for path in ("/", "/runs", "/questions", "/cost", f"/runs/{asks}", f"/runs/{failed}", f"/runs/{failed}/fail"):
        text = shop.client(Role.admin).get(path).text
        assert not re.search(r"<[^>]+\s(on[a-z]+|style)=|javascript:", text), path
        assert not re.search(r"<script(?![^>]*src=)", text), path
        assert not re.search(r'(src|href|action)="(https?:)?//', text), path


def test_text_of_models_and_commands_is_text(seen: tuple[Shop, str, str]) -> None:
    shop, asks, failed = seen
    for path in ("/", "/runs", f"/runs/{failed}", f"/runs/{failed}/fail"):
        text = shop.client().get(path).text
        assert HOSTILE not in text and "&lt;script&gt;" in text, path
    assert "Publish &lt;b&gt;2&lt;/b&gt; notes?" in shop.client().get("/questions").text
    assert "<b>2</b> notes" not in shop.client().get(f"/runs/{asks}").text


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static//etc/passwd",
        "/static/vendor/%2e%2e%2f%2e%2e%2fapp.py",
        "/runs/..%2f..%2fetc%2fpasswd",
        "/runs/last/..%2f..%2fetc",
        "/runs/%00",
        "/runs?since=;ls",
        "/runs?status=' OR 1=1",
        "/cost?by=cost;DROP TABLE ledger",
    ],
)
def test_no_parameter_reaches_files_commands_or_statements(seen: tuple[Shop, str, str], path: str) -> None:
    answer = seen[0].client(Role.admin).get(path)
    assert answer.status_code in (404, 422)
    assert "root:" not in answer.text and "Traceback" not in answer.text and "build_app" not in answer.text


def test_a_body_is_bounded_whatever_it_declares(seen: tuple[Shop, str, str]) -> None:
    shop, asks, _ = seen
    big = b"x" * (bodies.LARGEST_BODY + 1)
    client = shop.client(Role.admin)
    assert client.post(f"/runs/{asks}/cancel", content=big).status_code == 413
    pieces = (big[:100_000] for _ in range(20))
    assert client.post(f"/runs/{asks}/cancel", content=pieces).status_code == 413


def test_a_slow_body_is_given_up(seen: tuple[Shop, str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.01)

    async def never() -> dict[str, object]:
        await asyncio.Event().wait()
        return {}

    with pytest.raises(bodies.TooSlow):
        asyncio.run(bodies.whole_body(never, None))


def test_roles_are_ordered_and_named() -> None:
    assert Role.read < Role.answer < Role.run < Role.admin
    assert highest_role([]) == Role.read
    assert highest_role(["answer", "run"]) == Role.run
    with pytest.raises(UsageError, match='"root" is no role'):
        highest_role(["root"])


def test_a_token_file_is_read_only_if_nobody_else_can(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"# for the team\nrun {'a' * 30} alice\n\nread {'b' * 30}\n")
    file.chmod(0o644)
    with pytest.raises(UsageError, match="chmod 600"):
        read_token_file(file)
    file.chmod(0o600)
    tokens = read_token_file(file)
    alice = tokens.holder("a" * 30)
    assert alice is not None and (alice.role, alice.name) == (Role.run, "alice")
    assert tokens.holder("") is None and tokens.holder("a" * 29) is None
    for bad, said in (("root x", "expected"), ("read short", "20 characters"), ("", "holds no token")):
        file.write_text(bad)
        with pytest.raises(UsageError, match=said):
            read_token_file(file)
    with pytest.raises(UsageError, match="cannot be read"):
        read_token_file(tmp_path / "absent")


def test_a_form_token_is_bound_to_its_holder_and_its_form() -> None:
    made = form_token("secret", "/a")
    assert is_form_token("secret", "/a", made)
    assert not is_form_token("secret", "/b", made) and not is_form_token("other", "/a", made)
    assert not is_form_token("secret", "/a", "\udcff")


def test_the_base_is_the_one_of_the_contract() -> None:
    assert BASE == "http://127.0.0.1:8420"


def _changing() -> list[str]:
    """Every address of the pages that takes something, with names filled in."""
    from starlette.routing import Route

    from nano_flow.web.app import _PAGES

    routes = [route for route in _PAGES if isinstance(route, Route) and route.methods and "POST" in route.methods]
    return [re.sub(r"{[^}]+}", "last", route.path) for route in routes if not route.path.startswith("/hooks/")]


@pytest.mark.parametrize("path", _changing())
def test_whatever_takes_a_form_wants_its_token(seen: tuple[Shop, str, str], path: str) -> None:
    """A new form cannot be forgotten: the routes themselves are asked."""
    for data in ({}, {"form_token": "x" * 64}, {"form_token": form_token(TOKENS[Role.admin].secret, "/elsewhere")}):
        answer = seen[0].client(Role.admin).post(path, data=data)
        assert answer.status_code == 422 and "not one of this server" in answer.text, path


@pytest.mark.parametrize("path", [path for path in _changing() if not path.startswith("/policy/")])
def test_whatever_changes_something_is_refused_to_who_reads(seen: tuple[Shop, str, str], path: str) -> None:
    mine = form_token(TOKENS[Role.read].secret, path)
    answer = seen[0].client(Role.read).post(path, data={"form_token": mine})
    assert answer.status_code == 403 and "--allow" in answer.text, path


_ONLY_LOOKS = ("/workflows/plan", "/workflows/validate", "/policy/")


def test_the_api_changes_nothing_for_a_reader_and_nothing_by_a_cookie(seen: tuple[Shop, str, str]) -> None:
    shop, _, _ = seen
    tried = 0
    for path, methods in shop.client().get("/api/openapi.json").json()["paths"].items():
        if "post" not in methods or any(part in path for part in _ONLY_LOOKS):
            continue
        address = "/api" + re.sub(r"{[^}]+}", "last", path)
        body = {"option": "publish", "workflow": "note.yaml"}
        body = {name: value for name, value in body.items() if ("answers" in path) == (name == "option")}
        wanted = body if path == "/v1/runs" or "answers" in path else {}
        refused = shop.client(Role.read).post(address, json=wanted)
        assert refused.status_code == 403 and refused.json()["code"] == "role", address
        cookie = {"cookie": f"{cookie_name(PORT)}={TOKENS[Role.admin].secret}"}
        refused = shop.client(None).post(address, json=wanted, headers=cookie)
        assert refused.status_code == 403 and refused.json()["code"] == "bearer", address
        tried += 1
    assert tried >= 6


def test_every_page_and_answer_wants_a_token(seen: tuple[Shop, str, str]) -> None:
    from starlette.routing import Route

    from nano_flow.web.app import _PAGES

    shop = seen[0]
    paths = [re.sub(r"{[^}]+}", "last", route.path) for route in _PAGES if isinstance(route, Route)]
    paths += ["/metrics", "/mcp", "/live", "/api/openapi.json"]
    paths += ["/api" + re.sub(r"{[^}]+}", "last", p) for p in shop.client().get("/api/openapi.json").json()["paths"]]
    for path in paths:
        if not path.startswith("/hooks/"):
            assert shop.client(None).get(path).status_code == 401, path
            assert shop.client(None).post(path).status_code == 401, path
