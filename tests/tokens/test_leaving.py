"""Programs that end while a token is being renewed: whatever ends them, the login that the server knows is kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

import payt
from payt.testing import FakePayt
from support.quick import QUICK

from .waiting import until

STALL = 0.6
"""Seconds between the moment when a refresh token is spent and the answer that holds the next one."""
CONTACTS = 12


@pytest.fixture
def service() -> Iterator[FakePayt]:
    """Takes each refresh token once. The second page needs a new token, which is slow to come."""
    with FakePayt(contacts=CONTACTS) as fake:
        fake.fail(401, page=2)
        fake.fail("stall", seconds=STALL, path="/oauth/token", after=1)
        yield fake


@pytest.fixture
def environment(service: FakePayt, own_folder: Path) -> dict[str, str]:
    """Somebody who has logged in elsewhere, and uses the environment and the user's own folder."""
    return {
        **os.environ,
        "PAYT_BASE_URL": service.url,
        "PAYT_CLIENT_ID": service.oauth.client_id,
        "PAYT_CLIENT_SECRET": service.oauth.client_secret,
        "PAYT_REFRESH_TOKEN": service.oauth.issue()["refresh_token"],
    }


class Running:
    """A program that listens to its standard input."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def until_renewing(self, service: FakePayt) -> None:
        """Return when its token is spent, and the next one on its way."""
        until(lambda: service.oauth.refreshes == 2 or self.process.poll() is not None)
        assert service.oauth.refreshes == 2, self.ended()

    def tell(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def ended(self) -> tuple[int, str, str]:
        """Its exit code, and what it wrote."""
        output, errors = self.process.communicate(timeout=60)
        return self.process.returncode, output, errors


@contextmanager
def running(environment: Mapping[str, str], *arguments: str) -> Iterator[Running]:
    pipe: int | IO[str] = subprocess.PIPE
    command = [sys.executable, *arguments]
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield Running(process)
        finally:
            process.kill()


def check_that_the_login_is_kept(service: FakePayt) -> None:
    """The token that the server would take next is in the store: another client can list when the old one expires."""
    service.oauth.expire()
    person = payt.AuthorizationCode(service.oauth.client_id, service.oauth.client_secret)
    with payt.Client(person, base_url=service.url, **QUICK) as client:
        assert len(list(client.contacts.list(administration_id="1"))) == CONTACTS
    assert (service.oauth.refreshes, service.oauth.refusals) == (3, 0)


SCRIPT = """
import asyncio, sys, threading
import payt

settings = {"trust_env": False}
arguments = {"administration_id": "1", "per_page": 5}
many = {"administration_ids": ["1"], "per_page": 5}
"""
REPEATS = {
    "a loop over several",
    "a loop, with the client still open",
    "an exception",
    "a loop that does not read ahead",
}
"""Which show the same as another one, by another way in the code."""


def with_repeats(programs: dict[str, str]) -> list[Any]:
    return [
        pytest.param(text, id=name, marks=[pytest.mark.soak] if name in REPEATS else [])
        for name, text in programs.items()
    ]


LEAVING = {
    "a loop": """
with payt.Client(**settings) as client:
    for contact in client.contacts.list(**arguments):
        input()
        break
""",
    "a loop over several": """
with payt.Client(**settings) as client:
    for contact in client.contacts.list_many(**many):
        input()
        break
""",
    "a loop, with the client still open": """
for contact in payt.Client(**settings).contacts.list(**arguments):
    input()
    break
""",
    "the first page": """
client = payt.Client(**settings)
pages = client.contacts.list(**arguments).pages()
next(pages)
input()
""",
    "a daemon thread": """
client = payt.Client(**settings)
threading.Thread(target=lambda: list(client.contacts.list(prefetch=0, **arguments)), daemon=True).start()
input()
""",
    "an exception": """
with payt.Client(**settings) as client:
    for contact in client.contacts.list(**arguments):
        input()
        sys.exit(0)
""",
    "a task": """
async def main():
    async with payt.AsyncClient(**settings) as client:
        async for contact in client.contacts.list(**arguments):
            await asyncio.to_thread(input)
            break

asyncio.run(main())
""",
}


@pytest.mark.parametrize("program", with_repeats(LEAVING))
def test_a_login_outlasts_whoever_leaves(service: FakePayt, environment: dict[str, str], program: str) -> None:
    with running(environment, "-c", SCRIPT + program) as process:
        process.until_renewing(service)
        process.tell()
        assert process.ended() == (0, "", "")
    check_that_the_login_is_kept(service)


INTERRUPTED = {
    "a loop": "list(payt.Client(**settings).contacts.list(**arguments))",
    "a loop that does not read ahead": "list(payt.Client(**settings).contacts.list(prefetch=0, **arguments))",
    "a loop over several": "list(payt.Client(**settings).contacts.list_many(**many))",
    "a task": """
async def main():
    async with payt.AsyncClient(**settings) as client:
        return [contact async for contact in client.contacts.list(**arguments)]

asyncio.run(main())
""",
}


@pytest.mark.parametrize("program", with_repeats(INTERRUPTED))
def test_a_login_outlasts_ctrl_c(service: FakePayt, environment: dict[str, str], program: str) -> None:
    with running(environment, "-c", SCRIPT + program) as process:
        process.until_renewing(service)
        process.process.send_signal(signal.SIGINT)
        code, output, errors = process.ended()
    assert (code, output) == (-signal.SIGINT, "")
    assert errors.endswith("KeyboardInterrupt\n")
    check_that_the_login_is_kept(service)


@pytest.mark.parametrize(
    "command",
    [
        ["list", "--per-page", "5"],
        pytest.param(["export", "--per-page", "5", "-o", "contacts.csv"], marks=pytest.mark.soak),
        ["sync", "--to", "sqlite:///contacts.db"],
    ],
    ids=lambda command: command[0],
)
def test_a_login_outlasts_ctrl_c_in_a_command(
    service: FakePayt, environment: dict[str, str], command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if command[0] == "sync":  # asks for pages of 500
        service.add_administration("2", 501)
        command = [*command, "-a", "2"]
    with running(environment, "-m", "payt.cli", "contacts", *command, "-a", "1") as process:
        process.until_renewing(service)
        process.process.send_signal(signal.SIGINT)
        code, _, errors = process.ended()
    assert (code, errors.startswith("payt: interrupted")) == (130, True), errors
    check_that_the_login_is_kept(service)


def test_nothing_is_asked_for_that_an_ending_program_could_not_keep(
    service: FakePayt, environment: dict[str, str]
) -> None:
    service.reset()
    program = """
import atexit

def list_at_the_end():
    try:
        list(client.contacts.list(administration_id="1"))
    except payt.TokenError as error:
        print(error)

atexit.register(list_at_the_end)  # before payt's own, and so called after it

import payt

client = payt.Client(trust_env=False)
"""
    with running(environment, "-c", program) as process:
        assert process.ended() == (0, "no token was asked for: the program is ending\n", "")
    assert service.requests == []


def test_a_daemon_thread_that_needs_a_token_at_the_end_loses_none(
    service: FakePayt, environment: dict[str, str]
) -> None:
    """Newer versions of Python start no thread any more by then; older ones do, and the token is waited for."""
    program = """
import atexit, threading
import payt

client = payt.Client(trust_env=False)
pages = client.contacts.list(administration_id="1", per_page=5, prefetch=0).pages()
next(pages)
ending, told = threading.Event(), threading.Event()

def go_on():
    ending.wait()
    try:
        next(pages)
    except payt.TokenError as error:
        print(error)
        told.set()

threading.Thread(target=go_on, daemon=True).start()

@atexit.register
def let_it_go_on():
    ending.set()
    told.wait(0.5)
"""
    with running(environment, "-c", program) as process:
        code, output, errors = process.ended()
    assert (code, errors) == (0, "")
    assert output == "" or output.startswith("no token was asked for: ")
    assert service.oauth.refreshes == (1 if output else 2)
    service.oauth.expire()
    person = payt.AuthorizationCode(service.oauth.client_id, service.oauth.client_secret)
    with payt.Client(person, base_url=service.url, **QUICK) as client:
        assert len(list(client.contacts.list(administration_id="1"))) == CONTACTS
    assert service.oauth.refusals == 0
