"""Runs syncs, each in a process of its own that may be killed at any statement: a line of JSON in, one out.

It has one thread and no connection, so that it can fork for each of them, which takes milliseconds.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any

import payt
from payt.sql import pages, run
from payt.sql.dialects import postgresql  # noqa: F401 - the same

STATEMENTS = {"execute", "send", "sendall"}
"""What sqlite3, and the sockets of PyMySQL and of the listing, are asked for in C."""


class Killer:
    """Ends this process before or after so many statements, in the thread that makes them."""

    def __init__(self, at: int, *, after: bool) -> None:
        self._left = at
        self._events = ("return", "c_return") if after else ("call", "c_call")

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        if event not in self._events:
            return
        if event.startswith("c_"):
            if argument.__name__ not in STATEMENTS:
                return
        elif frame.f_code.co_name != "wait" or "psycopg" not in frame.f_code.co_filename:
            return
        self._left -= 1
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)


def sync(order: dict[str, Any]) -> dict[str, Any]:
    """What came of a run."""
    passed = timedelta(seconds=order["passed"])
    run.now = pages.now = lambda: datetime.now(UTC) + passed  # type: ignore[attr-defined]  # it lets time pass
    with payt.Client(
        "token", base_url=order["url"], rate_limit=None, retries=0, verify=False, trust_env=False
    ) as client:
        if order["kill"] is not None:
            sys.setprofile(Killer(order["kill"], after=order["after"]))
        try:
            [result] = payt.sync(
                client, "1", order["database"], overlap=timedelta(0), allow_mass_delete=True, **order["options"]
            )
        except payt.PaytError as error:
            return {"error": type(error).__name__, "text": str(error)}
        finally:
            sys.setprofile(None)
    return {"full": result.full, "resumed": result.resumed}


def main() -> None:
    for line in sys.stdin:
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.close(reader)
            try:
                os.write(writer, json.dumps(sync(json.loads(line))).encode())
            except BaseException as error:  # noqa: BLE001 - whatever it is, the test is to see it
                os.write(writer, json.dumps({"error": type(error).__name__, "text": str(error)}).encode())
            finally:
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as answer:
            text = answer.read()
        os.waitpid(child, 0)
        sys.stdout.write((text or '{"killed": true}') + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
