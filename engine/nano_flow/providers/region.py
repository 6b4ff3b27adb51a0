"""The region of AWS that a call goes to: as declared, else as the profile or the platform says."""

from __future__ import annotations

from nano_flow.providers.cards import Endpoint

USUAL = "us-east-1"


def region_of(endpoint: Endpoint) -> str:
    """The declared region; where the credentials are a profile's or the platform's, theirs; else the usual one."""
    declared = endpoint.setting("region")
    if declared or not (endpoint.platform or endpoint.part("profile")):
        return declared or USUAL
    return _found(endpoint.part("profile")) or USUAL


def _found(profile: str) -> str:
    """What the files and variables of AWS say; nothing where its package, or the profile, is not there."""
    try:
        from botocore.exceptions import BotoCoreError
        from botocore.session import Session
    except ImportError:
        return ""
    try:
        region = Session(profile=profile or None).get_config_variable("region")
    except (BotoCoreError, OSError, ValueError):
        return ""
    return region if isinstance(region, str) else ""
