"""A loopback server that speaks OpenAI's chat completions and keeps a ledger of its own: what it would bill."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

INPUT_NANO = 1_000
OUTPUT_NANO = 4_000
"""Nano-dollars a token: 1 and 4 dollars a million."""


@dataclass
class Bill:
    """Every request that was answered, or would have been: a client that hangs up is billed all the same."""

    rows: list[tuple[str, int, int]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    delay_s: float = 0.02

    def enter(self, prompt: str, cap: int) -> tuple[int, int]:
        """Usage of one request: all of the prompt's words and more, a reply of any length up to its cap."""
        with self.lock:
            number = len(self.rows)
            read = 8 + len(prompt.split())
            written = 1 + (number * 7919) % cap
            self.rows.append((prompt, read, written))
        return read, written

    @property
    def spent(self) -> int:
        """Nano-dollars."""
        return sum(read * INPUT_NANO + written * OUTPUT_NANO for _, read, written in self.rows)


Body = dict[str, Any]


def _whole(body: Body, usage: Body) -> tuple[bytes, str]:
    message = {"role": "assistant", "content": "done"}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    reply = {"id": "x", "object": "chat.completion", "created": 1, "model": body["model"], "choices": [choice]}
    return json.dumps({**reply, "usage": usage}).encode(), "application/json"


def _streamed(body: Body, usage: Body) -> tuple[bytes, str]:
    """The same as events; usage comes last, as with ``include_usage``."""
    base = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
    said = {"index": 0, "delta": {"role": "assistant", "content": "done"}, "finish_reason": None}
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    chunks: list[Body] = [
        {**base, "choices": [said]},
        {**base, "choices": [end]},
        {**base, "choices": [], "usage": usage},
    ]
    lines = [*(json.dumps(chunk) for chunk in chunks), "[DONE]"]
    return "".join(f"data: {line}\n\n" for line in lines).encode(), "text/event-stream"


def _handler(bill: Bill) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            cap = body.get("max_completion_tokens") or body["max_tokens"]
            read, written = bill.enter(body["messages"][-1]["content"], cap)
            time.sleep(bill.delay_s)
            usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
            data, kind = _streamed(body, usage) if body.get("stream") else _whole(body, usage)
            try:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            return

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024

    def handle_error(self, request: object, client_address: object) -> None:
        return


@contextmanager
def billing_server() -> Iterator[tuple[str, Bill]]:
    """The server's base URL and its bill."""
    bill = Bill()
    server = _Server(("127.0.0.1", 0), _handler(bill))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", bill
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def write_project(folder: Path, url: str, workflow: str) -> None:
    """``w.yaml``, and a provider ``loop`` whose one model is priced and answered by the server at ``url``."""
    (folder / "w.yaml").write_text(workflow)
    (folder / "pricing.yaml").write_text("nano_flow: 1\nmodels: {loop/m: [{from: 2020-01-01, input: 1, output: 4}]}\n")
    (folder / "providers.yaml").write_text(f"""nano_flow: 1
providers:
  loop:
    api: openai
    credentials: [LOOP_KEY]
    base_url: {url}
    models: {{m: {{context_window: 32k, max_output_tokens: 4k}}}}
""")
