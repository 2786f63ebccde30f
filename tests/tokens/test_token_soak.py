"""Processes that are stopped, interrupted and killed at random, and share a login whose tokens live two seconds."""

from __future__ import annotations

import base64
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

import payt
from support.quick import QUICK

from .strict_server import StrictServer

CLIENT = Path(__file__).with_name("strict_client.py")
PROCESSES = 6
SECONDS = float(os.environ.get("TOKEN_SOAK_SECONDS", "120"))
ENOUGH = 120.0
"""Seconds in which a process that is left alone has kept what it was sent, however busy the machine is."""


def log_in(server: StrictServer, who: payt.AuthorizationCode) -> None:
    with payt.Client(who, base_url=server.url, **QUICK) as client:
        assert len(list(client.contacts.list(administration_id="1"))) == 1


class Crew:
    """Processes that share a login, and what became of them. Each has a secret of its own, by which the server tells
    whom it sent a token."""

    def __init__(self, server: StrictServer, folder: Path) -> None:
        self._server = server
        self._store = payt.FileTokenStore(folder)
        self._killed: set[str] = set()
        self._started = 0
        self._members = [self._start() for _ in range(PROCESSES)]

    def _start(self) -> tuple[str, subprocess.Popen[bytes]]:
        self._started += 1
        secret = f"secret-{self._started}"
        environment = {
            **os.environ,
            "STRICT_URL": self._server.url,
            "STRICT_STORE": str(self._store.path),
            "STRICT_SECRET": secret,
            "STRICT_EARLY": "0.5",
            "STRICT_ENDLESS": "1",
            "STRICT_HOLD": "1",
        }
        null = subprocess.DEVNULL
        process = subprocess.Popen([sys.executable, str(CLIENT)], env=environment, stdout=null, stderr=null)
        return f"Basic {base64.b64encode(f'id:{secret}'.encode()).decode()}", process

    def renewing(self) -> int:
        """Which of them the server sends a token to: the next one that needs one."""
        renewals, end = self._server.renewals, time.monotonic() + ENOUGH
        while self._server.renewals == renewals and not self.is_lost():
            assert time.monotonic() < end
            time.sleep(0.002)
        by = self._server.renewed_by[self._server.valid["a"]]
        return next((at for at, (name, _) in enumerate(self._members) if name == by), 0)

    def send(self, number: signal.Signals, at: int, chance: random.Random) -> None:
        """Send it to one of them, which is replaced if that ends it."""
        name, process = self._members[at]
        process.send_signal(number)
        if number is signal.SIGSTOP:
            time.sleep(chance.uniform(0.05, 0.5))
            process.send_signal(signal.SIGCONT)
            return
        process.wait(ENOUGH)
        if number is signal.SIGKILL:
            self._killed.add(name)
        self._members[at] = self._start()

    def is_lost(self) -> bool:
        """Whether the valid refresh token is nowhere, as whom it was sent was killed. Who was not must keep it."""
        end = time.monotonic() + ENOUGH
        while time.monotonic() < end:
            valid = self._server.valid["a"]
            if self._stored() == valid:
                return False
            if self._server.renewed_by.get(valid) in self._killed and self._server.valid["a"] == valid:
                return True  # killed before we looked, and nobody has renewed the login since
            time.sleep(0.002)
        raise AssertionError(f"a login is lost that was sent to a process which nobody killed: {self._members}")

    def _stored(self) -> str | None:
        (file,) = self._store.path.glob("*.json")
        token = self._store.load(file.stem)
        return None if token is None else token.refresh_token

    def end(self, number: signal.Signals) -> None:
        for _, process in self._members:
            process.send_signal(number)
        for _, process in self._members:
            process.wait(ENOUGH)


def live(folder: Path, chance: random.Random, end: float, sent: Counter[str]) -> tuple[int, bool]:
    """How often a login was renewed, and whether it was lost, which only SIGKILL may do. It lives for so long."""
    with StrictServer() as server:
        server.expires_in = 2
        server.delay = 0.05
        store = payt.FileTokenStore(folder)
        log_in(server, payt.AuthorizationCode("id", "secret", store, refresh_token=server.login()))
        crew, is_lost = Crew(server, folder), False
        try:
            while time.monotonic() < end and not is_lost:
                number = chance.choice([signal.SIGTERM, signal.SIGINT, signal.SIGSTOP, signal.SIGKILL])
                at = chance.randrange(PROCESSES)
                if number is signal.SIGKILL or chance.random() < 0.5:
                    time.sleep(chance.uniform(0.05, 0.4))
                else:
                    at = crew.renewing()
                sent[number.name] += 1
                crew.send(number, at, chance)
                reused = server.reused  # before: whose loss is not seen yet has made nobody use a token twice
                is_lost = crew.is_lost()
                assert is_lost or reused == 0, (number, sent)
        finally:
            crew.end(signal.SIGKILL if is_lost else signal.SIGTERM)
        is_lost = is_lost or crew.is_lost()
        if not is_lost:
            server.expire()
            log_in(server, payt.AuthorizationCode("id", "secret", store))
            assert server.reused == 0
        return server.renewals, is_lost


@pytest.mark.soak
@pytest.mark.real_time
@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="the operating system has no such signals")
def test_no_login_is_lost_by_any_signal_but_the_last_one(tmp_path: Path) -> None:
    chance, sent, end = random.Random(1), Counter[str](), time.monotonic() + SECONDS
    lives: list[tuple[int, bool]] = []
    while time.monotonic() < end:
        lives.append(live(tmp_path / f"tokens-{len(lives)}", chance, end, sent))
    print(  # noqa: T201  # told in docs/tokens.md
        f"{sum(renewals for renewals, _ in lives)} renewals, {dict(sent)}; "
        f"{sum(is_lost for _, is_lost in lives)} logins lost by SIGKILL between the answer and the file, no double use"
    )
