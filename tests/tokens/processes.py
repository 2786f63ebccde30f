"""Starting and ending processes that list."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import payt

SCRIPT = Path(__file__).with_name("listing_process.py")


class Lister:
    """A process that lists when it is told to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def tell(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def said(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(60)


@contextmanager
def lister(url: str, person: payt.AuthorizationCode) -> Iterator[Lister]:
    """A process that lists as a person whose tokens are in files."""
    assert isinstance(person.store, payt.FileTokenStore)
    environment = {
        "LISTING_URL": url,
        "LISTING_ID": person.client_id,
        "LISTING_SECRET": person.client_secret,
        "LISTING_STORE": str(person.store.path),
        "LISTING_EARLY": str(person.refresh_early),
        **({} if person.refresh_token is None else {"LISTING_REFRESH_TOKEN": person.refresh_token}),
    }
    with subprocess.Popen(
        [sys.executable, str(SCRIPT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    ) as process:
        try:
            yield Lister(process)
        finally:
            process.kill()
            process.wait(60)
