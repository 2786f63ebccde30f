"""The way to a URL: whom to trust, and which proxy to take.

A client talks to one host, so what the environment says of proxies is decided once, when the client is made. (httpx
reads it only where no transport is given, and does not understand the ranges of NO_PROXY.)
"""

from __future__ import annotations

import re
import ssl
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any
from urllib.request import getproxies

import httpx

_PORTS = {"http": 80, "https": 443}


def route(
    url: httpx.URL,
    *,
    verify: ssl.SSLContext | bool = True,
    proxy: str | httpx.Proxy | None = None,
    trust_env: bool = True,
) -> dict[str, Any]:
    """The arguments of a transport that leads to a URL: whom to trust, and the proxy on the way.

    Args:
        url: Where it leads: one host, so that one proxy, or none, serves all requests.
        verify: As httpx's.
        proxy: As httpx's.
        trust_env: As httpx's: whether proxy and certificates are taken from the environment, where none are given.

    Raises:
        ValueError: A proxy cannot be used; the message has no part of it, which could be of a password.
    """
    found = _proxy(url, proxy, trust_env=trust_env)
    return {"verify": httpx.create_ssl_context(verify, trust_env=trust_env), "proxy": found}


def _proxy(url: httpx.URL, proxy: str | httpx.Proxy | None, *, trust_env: bool) -> httpx.Proxy | None:
    if proxy is not None:
        return _checked("proxy", proxy)
    found = getproxies() if trust_env else {}
    exceptions = [_matches(entry, url) for entry in re.split(r"[\s,]+", found.get("no", "")) if entry]
    for scheme in (url.scheme, "all"):
        if found.get(scheme) and not any(exceptions):
            value = found[scheme]
            return _checked(f"{scheme.upper()}_PROXY", value if "://" in value else f"http://{value}")
    return None


def _checked(name: str, value: str | httpx.Proxy) -> httpx.Proxy:
    with suppress(httpx.InvalidURL, TypeError, ValueError):
        proxy = value if isinstance(value, httpx.Proxy) else httpx.Proxy(value)
        if re.fullmatch(r"[\w.:-]+", proxy.url.host) and proxy.url.raw_path in (b"", b"/") and not proxy.url.fragment:
            return proxy
    raise ValueError(
        f"{name} must be the URL of a proxy, such as http://user:password@host:port (or https, socks5, socks5h); "
        "characters like / ? # % @ in a user or password are written percent-encoded"
    )


def _matches(entry: str, url: httpx.URL) -> bool:
    """Whether an entry of NO_PROXY is for a URL: *, a host with all below it, .domain, address or range; [:port]."""
    scheme, _, rest = entry.rpartition("://")
    address, _, bits = rest.removeprefix("*").partition("/")
    if address.count(":") > 1 and "[" not in address:
        address = f"[{address}]"
    try:
        pattern = httpx.URL(f"all://{address}")
        network = _network(pattern.host, bits)
    except (httpx.InvalidURL, ValueError):
        raise ValueError(f"NO_PROXY has {entry!r}: neither a host, nor an address, a range of them, or *") from None
    if scheme not in ("", "all", url.scheme) or pattern.port not in (None, url.port or _PORTS.get(url.scheme)):
        return False
    if network is not None:
        host = _network(url.host)
        return host is not None and host.network_address in network
    # ".example.com" is for all below it; "example.com" for itself as well; "*" has become ""
    domain = pattern.host
    return domain in ("", url.host) or url.host.endswith(domain if domain.startswith(".") else f".{domain}")


def _network(host: str, bits: str = "") -> IPv4Network | IPv6Network | None:
    """The addresses that a host stands for; None where it is a name."""
    try:
        return ip_network(f"{host}/{bits}" if bits else host, strict=False)
    except ValueError:
        if bits:
            raise
        return None
