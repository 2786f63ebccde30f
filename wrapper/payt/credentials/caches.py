"""Which token cache is whose: one for each login in a store, as long as anybody uses it."""

from __future__ import annotations

import hashlib
import re
import weakref
from collections.abc import Hashable

import httpx

from ..environments import text_of
from ..errors import TokenError
from .cache import TokenCache
from .grants import Grant
from .searches import searches
from .stores import MemoryTokenStore, say_once


def cache_of(grant: Grant, base_url: httpx.URL) -> TokenCache:
    """The cache for a grant at an address; the same one wherever the same store is meant.

    Raises:
        TokenError: The user has no folder for tokens, and needs one.
    """
    from .file_store import FileTokenStore  # noqa: PLC0415  only who keeps tokens in files needs it

    try:
        store = FileTokenStore() if grant.store is None else grant.store
    except TokenError as error:
        if grant.spends:
            raise
        say_once(str(error))
        store = _nowhere
    key = key_of(base_url, grant.client_id, grant.name, grant.scope, grant.account)
    # what is not hashable has an id that nothing else has while the cache holds it
    identity = (store if isinstance(store, Hashable) else id(store), key)
    with searches.get().lock:
        return _caches.setdefault(identity, TokenCache(store, key, is_precious=grant.spends))


def key_of(
    base_url: httpx.URL, client_id: str, grant: str, scope: str | None = None, account: str | None = None
) -> str:
    """The key of a login, as `TokenStore` describes it. Two logins never have the same."""
    host = re.sub(r"[^a-z0-9.-]", "_", base_url.host.lower())[:48]
    parts = [text_of(base_url), client_id, grant, *(scope or "").split()]
    if account is not None:
        parts += ["account", "", account]  # no scope is empty
    digest = hashlib.sha256("\n".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()
    return f"{host}-{grant}-{digest[:40]}"


_caches: weakref.WeakValueDictionary[Hashable, TokenCache] = weakref.WeakValueDictionary()
_nowhere = MemoryTokenStore()
