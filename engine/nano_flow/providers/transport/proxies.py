"""What the environment says of the way to a server: a proxy, and whom to trust; the same for calls and for checks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

if TYPE_CHECKING:
    import ssl

_CA_FILES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables that name the authorities to trust, the first one that is set counts."""
_SPOKEN = ("http", "https")


def proxy_of(scheme: str, host: str) -> str | None:
    """The proxy that the environment names for an address (``HTTPS_PROXY``, ``ALL_PROXY``, ``NO_PROXY``).

    ValueError for one that is not spoken here.
    """
    named = getproxies()
    proxy = named.get(scheme) or named.get("all")
    if not proxy or proxy_bypass(host):
        return None
    address = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if address.scheme not in _SPOKEN or not address.hostname:
        raise ValueError(
            f"the environment names a proxy that is not spoken here ({address.scheme}://{address.hostname or ''}): "
            f"expected http://, or {host} in NO_PROXY"
        )
    return address.geturl()


def trusted_file() -> str | None:
    """The file of authorities that the environment names."""
    return next((path for name in _CA_FILES if (path := os.environ.get(name))), None)


def trust() -> ssl.SSLContext | None:
    """The authorities that the environment names; None: those of the system. OSError where they cannot be read."""
    file, folder = trusted_file(), os.environ.get("SSL_CERT_DIR")
    if file is None and folder is None:
        return None
    import ssl

    try:
        return ssl.create_default_context(cafile=file, capath=folder)
    except OSError as error:
        named = next((name for name in _CA_FILES if os.environ.get(name)), "SSL_CERT_DIR")
        reason = error.strerror or str(error)
        raise OSError(f"the authorities that {named} names cannot be read ({file or folder}): {reason}") from None
