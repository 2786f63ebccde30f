"""What a client is told, declared and checked once for both kinds of client."""

from __future__ import annotations

import ipaddress
import ssl
import sys
import warnings
from typing import Any

import attrs
import httpx

from . import checks
from ._version import __version__
from .environments import base_url_of
from .extras import missing

USER_AGENT = "payt-client/{} python/{}.{}".format(__version__, *sys.version_info)


def _timeout_of(timeout: Any) -> httpx.Timeout:
    if isinstance(timeout, (int, float)):
        timeout = httpx.Timeout(timeout, connect=min(timeout, 5))
    if not isinstance(timeout, httpx.Timeout):
        raise TypeError(f"timeout must be a number of seconds or an httpx.Timeout, got {type(timeout).__name__}")
    for name, seconds in timeout.as_dict().items():
        if seconds is None:
            raise ValueError(f"timeout: {name} must be a number of seconds, got None: no request may hang")
        checks.seconds(f"timeout: {name}", seconds, above=0)
    return timeout


def _url_of(value: Any) -> httpx.URL:
    url = base_url_of(value)
    if url.path.rstrip("/").lower().endswith("/v1"):
        raise ValueError("base_url must not end in /v1, which every path of the contract begins with: leave it out")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # it is a name
        return host == "localhost" or host.endswith(".localhost")


def check_way(url: httpx.URL, proxy: httpx.Proxy | None, *, is_named: bool = False) -> None:
    """See that nobody on the way reads a token.

    Args:
        url: Where it is sent.
        proxy: What is on the way.
        is_named: Whether the proxy is an argument, and not of the environment.

    Raises:
        ValueError: It is sent as it is, to another machine.
    """
    hosts = {url.host: "use https://"}
    if proxy is not None:
        way_out = "leave out proxy" if is_named else f"set NO_PROXY={url.host}"
        hosts[proxy.url.host] = f"that is the proxy; {way_out} to do without it"
    for host, way_out in hosts.items() if url.scheme == "http" else ():
        if not _is_loopback(host):
            raise ValueError(
                f"base_url: over http://, everybody on the way to {host} can read the token: {way_out} "
                "(in Python: allow_http=True permits it)"
            )


def warn_of_blind_trust(settings: Settings) -> None:
    """Say so where certificates are not verified."""
    if settings.verify is False and settings.base_url.scheme == "https":
        warnings.warn(
            "verify=False: everybody on the way to Payt can pretend to be Payt, and read the token", stacklevel=4
        )


def _is_bool_or_context(_settings: Any, _field: Any, value: Any) -> None:
    if not isinstance(value, (bool, ssl.SSLContext)):
        raise TypeError(
            f"verify must be True, False or an ssl.SSLContext, got {type(value).__name__}: for a file of certificates, "
            "pass ssl.create_default_context(cafile=...)"
        )


def _http2_there(_settings: Any, _field: Any, value: Any) -> None:
    if checks.flag("http2", value):
        from importlib.util import find_spec  # noqa: PLC0415  # rarely needed

        if find_spec("h2") is None:
            raise missing("http2=True", "h2", "http2")


def _sync_transport(_settings: Any, _field: Any, value: Any) -> None:
    if value is not None and not isinstance(value, httpx.BaseTransport):
        raise TypeError(
            f"token_transport must be an httpx.BaseTransport, because tokens are requested in threads, got "
            f"{type(value).__name__}"
        )


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Settings:
    """Everything that a client is told besides its credentials; `payt.Client` says what each means."""

    base_url: httpx.URL = attrs.field(converter=_url_of)
    timeout: httpx.Timeout = attrs.field(converter=_timeout_of)
    retries: int = attrs.field(validator=checks.of_field(checks.number, least=0))
    rate_limit: float | None = attrs.field(
        validator=attrs.validators.optional(checks.of_field(checks.decimal, above=0))
    )
    pace: Any
    total_timeout: float = attrs.field(validator=checks.of_field(checks.seconds, above=0))
    max_body: int = attrs.field(validator=checks.of_field(checks.number, least=1))
    verify: bool | ssl.SSLContext = attrs.field(validator=_is_bool_or_context)
    http2: bool = attrs.field(validator=_http2_there)
    proxy: str | httpx.Proxy | None = attrs.field(repr=False)
    trust_env: bool = attrs.field(validator=checks.of_field(checks.flag))
    transport: Any
    allow_http: bool = attrs.field(validator=checks.of_field(checks.flag))
    token_transport: httpx.BaseTransport | None = attrs.field(validator=_sync_transport)
