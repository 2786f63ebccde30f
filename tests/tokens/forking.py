"""A process that is forked while a token is being renewed."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import payt
from support.quick import QUICK

from .strict_server import StrictServer
from .waiting import PATIENCE, until

LISTED, REFUSED, HUNG = 0, 3, -signal.SIGALRM if hasattr(signal, "SIGALRM") else -1

forks = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the operating system has no fork"),
    # of forking with threads, which is the point
    pytest.mark.filterwarnings("ignore:This process:DeprecationWarning"),
]


def list_once(server: StrictServer, who: payt.AuthorizationCode) -> int:
    with payt.Client(who, base_url=server.url, **QUICK) as client:
        return len(list(client.contacts.list(administration_id="1", prefetch=0)))


def fork_during_a_renewal(server: StrictServer, store: payt.TokenStore) -> int:
    """How a child ended that lists while its parent renews the same login; the parent has listed by then."""
    who = payt.AuthorizationCode("id", "secret", store, refresh_token=server.login())
    assert list_once(server, who) == 1
    server.expire()
    may_answer = threading.Event()
    server.meanwhile = lambda: may_answer.wait(PATIENCE)
    with ThreadPoolExecutor(1) as pool:
        listing = pool.submit(list_once, server, who)
        until(lambda: server.renewals == 2)
        child = os.fork()
        if child == 0:  # nothing but this may run in here
            signal.alarm(int(PATIENCE))
            code = 1
            try:
                code = LISTED if list_once(server, who) == 1 else 1
            except payt.TokenError as error:
                code = REFUSED if "was forked while its parent was renewing" in str(error) else 1
            finally:
                os._exit(code)
        may_answer.set()
        assert listing.result(PATIENCE) == 1
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
