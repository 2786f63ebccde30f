"""The way to a host: which proxy leads there, and whom to trust."""

from __future__ import annotations

import os
import re
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpx

from ..environments import PORTS, has_host


def route(
    url: httpx.URL,
    *,
    verify: ssl.SSLContext | bool = True,
    proxy: str | httpx.Proxy | None = None,
    trust_env: bool = True,
) -> dict[str, Any]:
    """The arguments of a transport that leads to one host: whom to trust, and the proxy on the way.

    All arguments mean what they mean to httpx.

    Raises:
        ValueError: A proxy cannot be used; the message has no part of it, which could be of a password. Or the
            environment names certificates that cannot be read.
    """
    found = _proxy(url, proxy, trust_env=trust_env)
    if url.scheme == "http" and found is None and verify is True:
        # nothing is encrypted on this way, and reading the certificates takes longer than all else
        return {"verify": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "proxy": None}
    return {"verify": _context(verify=verify, trust_env=trust_env), "proxy": found}


def _context(*, verify: ssl.SSLContext | bool, trust_env: bool) -> ssl.SSLContext:
    used = ("SSL_CERT_FILE", "SSL_CERT_DIR") if trust_env and verify is True else ()
    for name in used:
        if path := os.environ.get(name):
            try:
                Path(path).stat()  # OpenSSL passes over a folder that is not there
                return httpx.create_ssl_context(verify)
            except OSError as error:  # those of ssl are such, too
                raise ValueError(f"{name} must name certificates in PEM, and {path!r} does not: {error}") from None
    return httpx.create_ssl_context(verify=verify, trust_env=trust_env)


def _proxy(url: httpx.URL, proxy: str | httpx.Proxy | None, *, trust_env: bool) -> httpx.Proxy | None:
    if proxy is not None:
        return _checked("proxy", proxy)
    found = getproxies() if trust_env else {}
    port = f":{url.port}" if url.port else ""
    if any(proxy_bypass(f"{host}{port}") for host in (url.host, f"[{url.host}]")):
        return None
    for scheme in (url.scheme, "all"):
        if found.get(scheme):
            value = found[scheme]
            return _checked(f"{scheme.upper()}_PROXY", value if "://" in value else f"http://{value}")
    return None


def _checked(name: str, value: str | httpx.Proxy) -> httpx.Proxy:
    with suppress(httpx.InvalidURL, TypeError, ValueError):
        proxy = value if isinstance(value, httpx.Proxy) else httpx.Proxy(value)
        url = proxy.url
        is_whole = re.fullmatch(r"[\w.:-]+", url.host) and url.raw_path in (b"", b"/") and not url.fragment
        if is_whole and has_host(url) and (url.port is None or url.port in PORTS):
            return proxy
    raise ValueError(
        f"{name} must be the URL of a proxy, such as http://user:password@host:port (or https, socks5, socks5h); "
        "characters like / ? # % @ in a user or password are written percent-encoded"
    )
