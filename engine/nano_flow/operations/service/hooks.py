"""Webhooks: a signed request from outside starts a workflow of service.yaml, once for each delivery."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from nano_flow.core.diagnostics import SourceRange
from nano_flow.core.errors import StepError, UsageError
from nano_flow.core.messages import Json
from nano_flow.documents.service import WebhookDocument
from nano_flow.operations.place import Place
from nano_flow.operations.runs.starting import GivenInputs, StartOrder
from nano_flow.operations.service.groups import may_queue
from nano_flow.operations.service.inforce import Service, service_of
from nano_flow.operations.service.queueing import QueueOrder, queue_run
from nano_flow.runtime.templates import render
from nano_flow.source.expressions import check_template

_LATE_SECONDS = 300.0
"""Slack signs the time: what is older is a replay, or a clock that is wrong."""
_DELIVERY = "delivery"


class Forged(UsageError):
    """The signature is not that of the sender, or the request is too old."""


class NoSuchHook(UsageError):
    """Nothing listens at this path."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request as it came: headers by their names in small letters, the body as it was signed."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a delivery: the run it started, now or when it came first; ``challenge`` is to be sent back."""

    run_id: str = ""
    is_new: bool = True
    challenge: str = ""


def take_delivery(place: Place, delivery: Delivery, now: float) -> Taken:
    """Start what the delivery asks for. Raises NoSuchHook, Forged; UsageError, DocumentError as ``run`` does."""
    service = service_of(place)
    name, hook = _hook(service, delivery.path)
    signature = _signature(hook, delivery, place.environ.get(hook.secret, ""), now)
    body = _body(delivery)
    if hook.signature == "slack" and isinstance(body, dict) and body.get("type") == "url_verification":
        return Taken(challenge=str(body.get("challenge")))
    if not may_queue(place, service, name):
        raise UsageError(f'"{name}" is under way already, and its group has no room')
    inputs = {**(service.workflows[name].inputs or {}), **_inputs(hook, body, delivery.headers)}
    once = [(_DELIVERY, f"{delivery.path}/{kind}/{value}") for kind, value in _identities(delivery, body, signature)]
    order = QueueOrder(StartOrder(str(service.file_of(name)), GivenInputs(data=inputs)), f"webhook:{name}", once)
    queued = queue_run(place, order)
    return Taken(queued.run_id, queued.is_new)


def _hook(service: Service, path: str) -> tuple[str, WebhookDocument]:
    for name, served in service.workflows.items():
        if served.webhook is not None and served.webhook.path == path:
            return name, served.webhook
    raise NoSuchHook("nothing listens here")


def _signature(hook: WebhookDocument, delivery: Delivery, secret: str, now: float) -> str:
    """The signature, once it is found to be right."""
    if not secret:
        raise UsageError(f"the secret of this webhook is not set: {hook.secret}")
    if hook.signature == "github":
        given, signed = delivery.headers.get("x-hub-signature-256", ""), delivery.body
        wanted = "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    else:
        at = delivery.headers.get("x-slack-request-timestamp", "")
        if not at.isdecimal() or abs(now - int(at)) > _LATE_SECONDS:
            raise Forged("the request is too old, or says no time")
        given, signed = delivery.headers.get("x-slack-signature", ""), b"v0:" + at.encode() + b":" + delivery.body
        wanted = "v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(wanted.encode(), given.encode("utf-8", "surrogateescape")):
        raise Forged("the signature is wrong")
    return given


def _identities(delivery: Delivery, body: Json, signature: str) -> list[tuple[str, str]]:
    """By what a delivery is known again: its signature, and the id that its sender gave it.

    The id alone would not do: it is not signed, so who has seen a delivery could send it again under another id.
    """
    found = [("signature", hashlib.sha256(signature.encode()).hexdigest())]
    given = delivery.headers.get("x-github-delivery") or (body.get("event_id") if isinstance(body, dict) else None)
    if isinstance(given, str) and given:
        found.append(("id", hashlib.sha256(given.encode("utf-8", "surrogateescape")).hexdigest()))
    return found


def _body(delivery: Delivery) -> Json:
    """JSON, or the fields of a form; GitHub's form holds JSON in one field."""
    text = delivery.body.decode("utf-8", "replace")
    if delivery.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        fields: dict[str, Json] = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=1000))
        payload = fields.get("payload")
        return _json(payload) if isinstance(payload, str) and len(fields) == 1 else fields
    return _json(text)


def _json(text: str) -> Json:
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError("the body is not JSON") from None
    return value


def _inputs(hook: WebhookDocument, body: Json, headers: Mapping[str, str]) -> dict[str, Json]:
    names: dict[str, Json] = {"body": body, "headers": dict(headers)}
    nowhere = SourceRange("service.yaml", 1, 1, 1, 1)
    try:
        return {name: render(check_template(text, nowhere), names) for name, text in (hook.inputs or {}).items()}
    except StepError as error:
        raise UsageError(f"the inputs cannot be made of this request: {error}") from None
