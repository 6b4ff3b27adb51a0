"""The policies that ship."""

from __future__ import annotations

from nano_flow.bundled import bundled_path
from nano_flow.locate import POLICY_NAMES, PolicyFile
from nano_flow.project.policies import Policies, read_policies


def shipped_policies() -> Policies:
    return read_policies([PolicyFile(name, bundled_path(name), "bundled") for name in POLICY_NAMES])
