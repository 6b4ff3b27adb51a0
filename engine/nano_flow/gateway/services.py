"""What the model calls of one run share."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from nano_flow.core.events import Event
from nano_flow.gateway.ask import Providers, Router
from nano_flow.gateway.observed import Observed
from nano_flow.gateway.rules import FallbackRules
from nano_flow.plan.catalogue import Catalogue
from nano_flow.ports import Cache, Clock, RecordedWork
from nano_flow.ports.budgets import NoBudgets, SharedBudgets
from nano_flow.pricing.ledger import Ledger
from nano_flow.pricing.prices import Prices
from nano_flow.routing.rules import RoutingPolicy


@dataclass(frozen=True, slots=True)
class GatewayServices:
    """All that a ``Gateway`` is made of.

    ``policy`` is needed for cascades only. ``base_urls``, by provider, tells cached replies of differently served
    models apart. ``stream`` makes ``TextStreamed`` events. ``random`` gives numbers in [0, 1).
    """

    clock: Clock
    emit: Callable[[Event], None]
    durable: Callable[[Event], Awaitable[None]]
    catalogue: Catalogue
    providers: Providers
    route: Router
    prices: Prices
    ledger: Ledger
    shared: SharedBudgets = field(default_factory=NoBudgets)
    recorded: RecordedWork | None = None
    cache: Cache | None = None
    policy: RoutingPolicy | None = None
    rules: FallbackRules = field(default_factory=FallbackRules)
    observed: Observed = field(default_factory=Observed)
    base_urls: Mapping[str, str] = field(default_factory=dict)
    stream: bool = False
    random: Callable[[], float] = random.random
