"""Processes that share a token keep its limit together, before a server that counts and shares no code with them."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.judging import judging, refused, run, seconds, start


@pytest.mark.real_time
def test_processes_of_a_machine_share_the_pace_of_a_token() -> None:
    """Each by itself would have sent its ten requests at once."""
    arrivals = run(0.01, 3, 10, "threads", 2, "machine")
    assert refused(arrivals) <= 10  # some, where the machine is busy with something else; it would be twenty
    assert seconds(arrivals) > 1.5


@pytest.mark.real_time
@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this operating system stops no processes")
def test_processes_that_are_killed_or_stopped_hold_nobody_up() -> None:
    with judging(0.01) as judge, ExitStack() as stack:
        victims = [start(judge, 1_000, "threads", 4, "machine") for _ in range(2)]
        for victim in victims:
            stack.enter_context(victim)
            stack.callback(victim.kill)
        others = [stack.enter_context(start(judge, 12, "tasks", 2, "machine")) for _ in range(2)]
        os.kill(victims[0].pid, signal.SIGSTOP)
        os.kill(victims[1].pid, signal.SIGKILL)
        assert [other.wait(60) for other in others] == [0, 0]


@pytest.mark.soak
@pytest.mark.real_time
@pytest.mark.parametrize(
    ("processes", "kind", "workers", "where"),
    [
        (1, "threads", 10, "process"),
        (1, "threads", 10, "machine"),
        (1, "tasks", 10, "machine"),
        (2, "threads", 1, "machine"),
        (4, "tasks", 1, "machine"),
        (8, "threads", 1, "machine"),
        (4, "threads", 1, "database"),
    ],
)
def test_a_hundred_pages_each_take_hardly_longer_than_they_must(
    processes: int, kind: str, workers: int, where: str, tmp_path: Path
) -> None:
    """The shortest time for 100 requests at 10 a second is 9 s: ten at once, and nine times a second until the next.

    `benchmarks/pace.py` tells how close it comes. A busy machine adds to that: the best of three runs counts.
    """
    least = processes * 100 / 10 - 1
    for attempt in range(3):
        place = f"sqlite:///{tmp_path}/pace-{attempt}.db" if where == "database" else where
        arrivals = run(0.05, processes, 100, kind, workers, place)
        took, many = seconds(arrivals), refused(arrivals)
        text = f"{processes} x 100 pages, {kind}, {where}: {took:.2f} s, {took / least - 1:+.1%}, {many} refused"
        print(text)  # noqa: T201  # told in docs/speed.md
        if took <= 1.5 * least and many <= 0.01 * len(arrivals) * (processes > 1):
            return
    pytest.fail(text)
