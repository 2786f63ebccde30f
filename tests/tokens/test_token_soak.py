"""Processes that are stopped, interrupted and killed at random, and share a login whose tokens live two seconds."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import payt
from support.quick import QUICK

from .strict_server import StrictServer

CLIENT = Path(__file__).with_name("strict_client.py")
PROCESSES = 6
SECONDS = float(os.environ.get("TOKEN_SOAK_SECONDS", "300"))


class Kept:
    """Between a server that has used up a refresh token and the file that holds the next one."""

    def __init__(self, server: StrictServer, store: payt.FileTokenStore) -> None:
        self._server, self._store = server, store
        self.seconds: list[float] = []

    def in_store(self) -> str | None:
        for file in self._store.path.glob("*.json"):
            token = self._store.load(file.stem)
            return None if token is None else token.refresh_token
        return None

    def wait(self, seconds: float) -> bool:
        """Whether the store comes to hold the valid refresh token."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.in_store() == self._server.valid["a"]:
                return True
            time.sleep(0.002)
        return False


@pytest.fixture
def server() -> Iterator[StrictServer]:
    with StrictServer() as running:
        running.expires_in = 2
        running.delay = 0.05
        yield running


def start(server: StrictServer, folder: Path) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "STRICT_URL": server.url,
        "STRICT_STORE": str(folder),
        "STRICT_EARLY": "0.5",
        "STRICT_ENDLESS": "1",
        "STRICT_HOLD": "1",
    }
    null = subprocess.DEVNULL
    return subprocess.Popen([sys.executable, str(CLIENT)], env=environment, stdout=null, stderr=null)


@pytest.mark.soak
@pytest.mark.real_time
@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="the operating system has no such signals")
def test_no_login_is_lost_by_any_signal_but_the_last_one(server: StrictServer, tmp_path: Path) -> None:
    folder = tmp_path / "tokens"
    store = payt.FileTokenStore(folder)
    first = payt.AuthorizationCode("id", "secret", store, refresh_token=server.login())

    def log_in(who: payt.AuthorizationCode) -> None:
        with payt.Client(who, base_url=server.url, **QUICK) as client:
            assert len(list(client.contacts.list(administration_id="1"))) == 1

    log_in(first)
    kept, chance = Kept(server, store), random.Random(1)
    sent: dict[str, int] = {}
    lost_by_kill = 0
    processes = [start(server, folder) for _ in range(PROCESSES)]
    end = time.monotonic() + SECONDS
    try:
        while time.monotonic() < end:
            time.sleep(chance.uniform(0.05, 0.4))
            at = chance.randrange(PROCESSES)
            number = chance.choice([signal.SIGTERM, signal.SIGINT, signal.SIGSTOP, signal.SIGKILL])
            sent[number.name] = sent.get(number.name, 0) + 1
            before = server.renewals
            processes[at].send_signal(number)
            if number is signal.SIGSTOP:
                time.sleep(chance.uniform(0.05, 0.5))
                processes[at].send_signal(signal.SIGCONT)
                continue
            processes[at].wait(60)
            if number is signal.SIGKILL and not kept.wait(5) and server.renewals <= before + 1:
                lost_by_kill += 1  # in the window, which nothing can close
                for process in processes:
                    process.kill()
                    process.wait(60)
                for file in folder.iterdir():
                    file.unlink()
                log_in(payt.AuthorizationCode("id", "secret", store, refresh_token=server.login()))
                server.reused = 0
                processes = [start(server, folder) for _ in range(PROCESSES)]
            else:
                processes[at] = start(server, folder)
            assert server.reused == 0, (number, sent)
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(60)
    assert kept.wait(10)
    server.expire()
    log_in(payt.AuthorizationCode("id", "secret", store))
    print(  # noqa: T201  # told in docs/tokens.md
        f"{server.renewals} renewals, {sent}; {lost_by_kill} logins lost by SIGKILL between the answer and the "
        f"file, {server.reused} double uses"
    )
    assert server.reused == 0
    assert lost_by_kill <= 0.1 * sent.get("SIGKILL", 0) + 1
