"""``http_get`` reaches listed hosts only, at addresses that were checked, on every hop."""

from __future__ import annotations

import asyncio
import csv
import json
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nano_flow.core.errors import OutputLimit, StepError
from nano_flow.core.messages import Json
from nano_flow.tools.http import HttpGet
from nano_flow.tools.web import fetch
from nano_flow.tools.web.addresses import refusal
from nano_flow.tools.web.urls import AllowList, read_target
from tests.tools.network import PUBLIC, FakeNetwork, answer, redirect

PAYLOADS = Path(__file__).parents[1] / "corpus" / "payloads" / "ssrf.csv"
ROWS = [json.loads(row["payload_json"]) for row in csv.DictReader(PAYLOADS.open(encoding="utf-8"))]
URLS = [row.split(" (")[0] for row in ROWS if "://" in row and not row.startswith(("REDIRECT", "REBIND", "PROXY"))]
NAMES = {
    "localhost": [["127.0.0.1", "::1"]],
    "metadata.google.internal": [["169.254.169.254"]],
    "localtest.me": [["127.0.0.1"]],
    "inside.example": [["10.0.0.5"]],
}


def get(url: str, *allow: str, network: FakeNetwork | None = None, deadline_s: float = 30.0) -> Json:
    fake = network or FakeNetwork(dict(NAMES), [answer()])
    return asyncio.run(HttpGet(allow, fake.network(), deadline_s).call({"url": url}))


def text(url: str = "http://api.example.com/", *answers: bytes, allow: str = "*") -> object:
    result = get(url, allow, network=FakeNetwork(answers=list(answers)))
    assert isinstance(result, dict)
    return result["text"]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("allow", ["*", "api.example.com"])
def test_no_payload_is_connected_to(url: str, allow: str) -> None:
    fake = FakeNetwork(dict(NAMES), [answer()])
    with pytest.raises(StepError) as raised:
        get(url, allow, network=fake)
    assert raised.value.kind == "tool"
    assert fake.dialled == []


@pytest.mark.parametrize("url", URLS)
def test_no_payload_is_redirected_to(url: str) -> None:
    fake = FakeNetwork(dict(NAMES), [redirect(url.replace("\n", ""), "307 Temporary Redirect"), answer()])
    with pytest.raises(StepError):
        get("http://api.example.com/", "*", network=fake)
    assert [address for address, _, _ in fake.dialled] == [PUBLIC]


def test_a_name_that_changes_its_address_is_asked_once() -> None:
    fake = FakeNetwork({"rebind.example": [[PUBLIC], ["127.0.0.1"]]}, [answer()])
    get("http://rebind.example/", "*", network=fake)
    assert (fake.asked, fake.dialled) == (["rebind.example"], [(PUBLIC, 80, None)])


def test_a_name_that_changes_its_address_before_a_redirect_is_checked_again() -> None:
    fake = FakeNetwork({"rebind.example": [[PUBLIC], ["127.0.0.1"]]}, [redirect("/next"), answer()])
    with pytest.raises(StepError, match=r'"rebind.example" is refused: its address is loopback'):
        get("http://rebind.example/", "*", network=fake)


def test_proxies_of_the_environment_lead_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    fake = FakeNetwork(answers=[answer()])
    get("https://api.example.com/", "api.example.com", network=fake)
    assert fake.dialled == [(PUBLIC, 443, "api.example.com")]


@pytest.mark.parametrize(
    "url",
    ["http://api.example.com/\r\nX: y", "http://api.example.com\r\n/", "http://a b/", "http://api.example.com/\x7f"],
)
def test_nothing_is_smuggled_into_a_request(url: str) -> None:
    with pytest.raises(StepError, match="control characters"):
        get(url, "*")


def test_what_is_sent() -> None:
    fake = FakeNetwork(answers=[answer()])
    get("http://API.example.com.:8080/ä?q=%20ö#part", "api.example.com:8080", network=fake)
    assert fake.wires[0].sent.decode().split("\r\n") == [
        "GET /%C3%A4?q=%20%C3%B6 HTTP/1.1",
        "Host: api.example.com:8080",
        "User-Agent: nano-flow",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Connection: close",
        "",
        "",
    ]
    assert fake.wires[0].closed


@pytest.mark.parametrize(
    ("entry", "url", "good"),
    [
        ("api.example.com", "https://api.example.com/x", True),
        ("api.example.com", "https://api.example.com:8443/", False),
        ("api.example.com", "https://xapi.example.com/", False),
        ("api.example.com", "https://api.example.com.evil.org/", False),
        ("api.example.com:8443", "https://api.example.com:8443/", True),
        ("api.example.com:8443", "https://api.example.com/", False),
        ("*.example.com", "https://a.b.example.com/", True),
        ("*.example.com", "https://example.com/", False),
        ("*.example.com", "https://badexample.com/", False),
        ("*", "https://anything.org/", True),
        ("*", "https://anything.org:8443/", False),
        ("API.Example.com.", "https://api.example.com/", True),
        ("93.184.216.34", "http://93.184.216.34/", True),
        ("[2606:2800::1]:8080", "http://[2606:2800:0:0::1]:8080/", True),
    ],
)
def test_the_allow_list(entry: str, url: str, good: bool) -> None:
    if good:
        assert get(url, entry)
    else:
        with pytest.raises(StepError, match="is not in the allow-list"):
            get(url, entry)


@pytest.mark.parametrize(
    "entry", ["", "a b", "http://x", "*.127.0.0.1", "x:99999", "*.", "x/y", "user@x", "[::1", "0x7f.1"]
)
def test_entries_that_are_no_host_are_refused(entry: str) -> None:
    with pytest.raises(StepError, match=r"expected a host such as api.example.com"):
        AllowList((entry,))


@pytest.mark.parametrize(
    ("allow", "url", "dialled"),
    [
        (("127.0.0.1:8080",), "http://127.0.0.1:8080/", "127.0.0.1"),
        (("localhost",), "http://localhost/", "127.0.0.1"),
        (("localhost:9",), "http://LOCALHOST.:9/", "127.0.0.1"),
        (("inside.example", "10.0.0.5"), "http://inside.example/", "10.0.0.5"),
        (("[::1]",), "http://[::1]/", "::1"),
        (("127.0.0.1",), "http://[::ffff:127.0.0.1]/", None),
        (("inside.example",), "http://inside.example/", None),
        (("inside.example", "10.0.0.5:8080"), "http://inside.example/", None),
        (("*", "127.0.0.1"), "http://localtest.me/", "127.0.0.1"),
        (("*", "localhost"), "http://localtest.me/", None),
        (("*",), "http://localhost/", None),
    ],
)
def test_private_addresses_only_where_they_are_listed_themselves(
    allow: tuple[str, ...], url: str, dialled: str | None
) -> None:
    fake = FakeNetwork(dict(NAMES), [answer()])
    if dialled is None:
        with pytest.raises(StepError):
            get(url, *allow, network=fake)
        assert fake.dialled == []
    else:
        get(url, *allow, network=fake)
        assert fake.dialled[0][0] == dialled


def test_of_several_addresses_only_good_ones_are_tried() -> None:
    names = {"many.example": [["10.0.0.1", "not an address", "93.184.216.1", "93.184.216.2"]]}
    fake = FakeNetwork(names, [answer()], refusing={"93.184.216.1"})
    get("http://many.example/", "*", network=fake)
    assert fake.dialled == [("93.184.216.2", 80, None)]
    with pytest.raises(StepError, match=r"connection refused|Connection refused"):
        get("http://many.example/", "*", network=FakeNetwork(names, refusing={"93.184.216.1", "93.184.216.2"}))


@pytest.mark.parametrize("names", [[[]], [["nonsense"]]])
def test_names_without_an_address(names: list[list[str]]) -> None:
    with pytest.raises(StepError, match="has no address"):
        get("http://odd.example/", "*", network=FakeNetwork({"odd.example": names}))


def test_an_unknown_name(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeNetwork()

    async def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(fake, "resolve", unknown)
    with pytest.raises(StepError, match=r'the host "odd.example" is not known'):
        get("http://odd.example/", "*", network=fake)


class TestAnswers:
    def test_status_and_type_come_with_the_text(self) -> None:
        fake = FakeNetwork(answers=[redirect("/new"), answer("gone", "404 Not Found", ["Content-Type: text/plain"])])
        assert get("http://api.example.com/", "*", network=fake) == {
            "status": 404,
            "url": "http://api.example.com/new",
            "content_type": "text/plain",
            "text": "gone",
        }

    def test_bodies(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(fetch, "BODY_CAP", 8)
        chunked = ["Transfer-Encoding: chunked"]
        assert text("http://a.b/", answer(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", headers=chunked)) == "abcde"
        for large in (answer(b"9\r\n123456789\r\n0\r\n\r\n", headers=chunked), answer("123456789")):
            with pytest.raises(OutputLimit, match=r"the answer of http://a\.b/ is larger than") as raised:
                text("http://a.b/", large)
            assert isinstance(raised.value.partial, dict) and raised.value.partial["text"] == "12345678"
        assert text("http://a.b/", b"HTTP/1.0 200 OK\r\n\r\nold") == "old"
        assert text("http://a.b/", b"HTTP/1.1 100 Continue\r\n\r\n" + answer("x")) == "x"
        assert text("http://a.b/", answer(b"", "204 No Content", ["Content-Length: 9"])) == ""

    def test_encodings(self) -> None:
        assert text("http://a.b/", answer(b"\xe4", headers=["Content-Type: text/html; charset=iso-8859-1"])) == "ä"
        assert text("http://a.b/", answer("ä", headers=["Content-Type: text/html; charset=nonsense"])) == "ä"
        assert text("http://a.b/", answer(b"\xff", headers=["Content-Type: text/html; charset=idna"])) == "\ufffd"

    @pytest.mark.parametrize(
        ("raw", "message"),
        [
            (answer(b"\x89PNG\0", headers=["Content-Type: image/png"]), "is not text but image/png"),
            (answer(b"a\0b"), "is not text but text/plain"),
            (answer(headers=["Content-Encoding: gzip"]), "compressed"),
            (answer(b"abc", headers=["Content-Length: 9"]), "cut off"),
            (answer(b"abc", headers=["Content-Length: -9"]), "length that is no number"),
            (answer(b"5\r\nab", headers=["Transfer-Encoding: chunked"]), "cut off"),
            (answer(b"-5\r\nab", headers=["Transfer-Encoding: chunked"]), "without a size"),
            (answer(b"zz\r\nab", headers=["Transfer-Encoding: chunked"]), "without a size"),
            (answer(b"\r\nab", headers=["Transfer-Encoding: chunked"]), "without a size"),
            (b"SSH-2.0-OpenSSH_9\r\n\r\n", "is not HTTP"),
            (b"HTTP/1.1 999999\r\n\r\n", "is not HTTP"),
            (b"", "cut off"),
            (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, "a head without end"),
            (redirect("//["), r"redirects to '//\[', which is no URL"),
            (redirect("http://user:key@a.b/"), "holds credentials"),
            (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", "more than 100 headers"),
        ],
    )
    def test_servers_that_misbehave(self, raw: bytes, message: str) -> None:
        with pytest.raises(StepError, match=message) as raised:
            text("http://a.b/", raw)
        assert raised.value.kind == "tool"

    def test_redirects_end(self) -> None:
        loop = [redirect("http://api.example.com/")] * 9
        with pytest.raises(StepError, match="redirected more than 5 times"):
            text("http://api.example.com/", *loop)
        assert text("http://api.example.com/", *loop[:5], answer("there")) == "there"

    def test_a_redirect_to_a_host_that_is_not_listed(self) -> None:
        with pytest.raises(StepError, match=r'"evil.example" is not in the allow-list: api.example.com'):
            text("http://api.example.com/", redirect("//evil.example/"), allow="api.example.com")

    def test_a_redirect_without_a_place_is_an_answer(self) -> None:
        assert text("http://a.b/", answer("here", "302 Found")) == "here"

    def test_a_server_that_says_nothing(self) -> None:
        with pytest.raises(StepError, match=r"no whole answer within 0\.01 seconds"):
            get("http://a.b/", "*", network=FakeNetwork(silent=True), deadline_s=0.01)


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"real " + self.path.encode())

    def log_message(self, *_: object) -> None:
        return


def test_the_systems_network_on_loopback() -> None:
    with HTTPServer(("127.0.0.1", 0), _Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host = f"127.0.0.1:{server.server_port}"
        result = asyncio.run(HttpGet((host,)).call({"url": f"http://{host}/x"}))
        with pytest.raises(StepError) as raised:
            asyncio.run(HttpGet((host,)).call({"url": f"https://{host}/x"}))
        server.shutdown()
    assert isinstance(result, dict) and result["text"] == "real /x"
    assert "ssl" in str(raised.value).lower() or "wrong version" in str(raised.value).lower()


def test_tls_proves_the_name_at_the_checked_address(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[object, ...]] = []

    async def connection(host: str, port: int, **more: object) -> None:
        seen.append((host, port, more["server_hostname"], isinstance(more["ssl"], ssl.SSLContext)))
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(asyncio, "open_connection", connection)
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(fetch.system_dial(PUBLIC, 443, "api.example.com"))
    assert seen == [(PUBLIC, 443, "api.example.com", True)]


def test_the_tool_says_what_it_is() -> None:
    tool = HttpGet(("a.example", "b.example"))
    assert tool.spec.description.endswith("a.example, b.example")
    assert (tool.repeatable, tool.writes({})) == (True, None)
    assert read_target("http://a.example?x").path == "/?x"
    with pytest.raises(StepError, match="longer than"):
        read_target("http://a.example/" + "x" * 9_000)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.ip_addresses())
def test_no_address_that_is_not_global_passes(address: object) -> None:
    found = ip_address(str(address))
    if not found.is_global or found.is_multicast:
        assert refusal(found)


@pytest.mark.parametrize(
    "address",
    [
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "2001:0:1::1",
        "::7f00:1",
        "2606::5efe:a00:1",
        "168.63.129.16",
        "fec0::1",
        "ff02::1",
        "4000::1",
        "100.100.100.200",
        "192.88.99.1",
        "255.255.255.255",
        "fe80::1%eth0",
    ],
)
def test_addresses_in_disguise(address: str) -> None:
    assert refusal(ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "100.128.0.1", "172.32.0.1"])
def test_public_addresses(address: str) -> None:
    assert refusal(ip_address(address)) == ""
