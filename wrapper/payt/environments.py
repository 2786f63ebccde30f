"""Payt's two environments, with accounts, tokens and data of their own."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import httpx


class Environment(NamedTuple):
    """The addresses of one environment.

    Attributes:
        name: What it is called on the command line.
        api: The base URL of the API, the token endpoint included.
        app: The base URL of the pages where a person logs in.
    """

    name: str
    api: str
    app: str


PRODUCTION: Final = Environment("production", "https://api.paytsoftware.com", "https://app.paytsoftware.com")
"""What is used by default."""
DEMO: Final = Environment("demo", "https://demo-api.paytsoftware.com", "https://demo.paytsoftware.com")
"""For trying things out."""
ADDRESSES: Final = f"{PRODUCTION.api} (production) or {DEMO.api} (demo)"
"""What most base URLs are, for messages."""

PORTS: Final = range(1, 65_536)


def base_url_of(value: str | None, env: str | None = None) -> httpx.URL:
    """The address of the API: as given, else of the environment with this name, or that in `PAYT_ENV`.

    Without any of them, `PAYT_BASE_URL`, else production's.

    Raises:
        TypeError: It is not a string.
        ValueError: It is not a valid address, there is no such environment, or `PAYT_BASE_URL` is another address.
    """
    known, own = {each.name: each.api for each in (PRODUCTION, DEMO)}, os.environ.get("PAYT_BASE_URL")
    env = env or os.environ.get("PAYT_ENV") or None
    if value is None and env is not None:
        if env not in known:
            raise ValueError(f"PAYT_ENV must be {' or '.join(known)}, got {env!r}")
        if own and own.rstrip("/") != known[env]:
            said = " (PAYT_ENV)" if os.environ.get("PAYT_ENV") else ""
            raise ValueError(f"the environment {env}{said} contradicts PAYT_BASE_URL: leave one of them out")
        value = known[env]
    return url_of("base_url", value, "PAYT_BASE_URL")


def url_of(name: str, value: str | None, variable: str = "", default: str = PRODUCTION.api) -> httpx.URL:
    """An address that was given as an argument, else in the environment, else the default, checked.

    Raises:
        TypeError: It is not a string.
        ValueError: It is not a valid address, or has parts that do not belong here.
    """
    import httpx  # noqa: PLC0415 - takes its time, and a command's help needs no more than the names above

    if value is None:
        name, value = variable, os.environ.get(variable) or default
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a string, got {type(value).__name__}")
    try:
        url = httpx.URL(value)
    except httpx.InvalidURL as error:
        raise ValueError(f"{name} is not a valid URL: {error}") from None
    if url.scheme not in ("http", "https") or not has_host(url):
        example = ADDRESSES if default == PRODUCTION.api else default
        raise ValueError(f"{name} must begin with https:// and name a host, such as {example}")
    if url.port is not None and url.port not in PORTS:
        raise ValueError(f"{name}: there is no port {url.port}: it must be 1 to 65535")
    if any(map(str.isspace, value)):
        raise ValueError(f"{name} must have no spaces: remove them")
    if url.userinfo or "?" in value or "#" in value:  # with an empty query, paths would be taken for one
        raise ValueError(f"{name} must have no user, password, query or fragment: pass tokens as credentials")
    return url


def has_host(url: httpx.URL) -> bool:
    """Whether it names a host that can be looked up: no part of the name is empty, or longer than DNS allows."""
    with suppress(UnicodeError):  # of a part that is encoded, and cannot be decoded
        return bool(url.host) and all(0 < len(part) < 64 for part in url.raw_host.removesuffix(b".").split(b"."))
    return False


def text_of(url: httpx.URL) -> str:
    """An address as it is shown, kept and compared: scheme, host, port and path, the same however they were written."""
    return str(url).rstrip("/")
