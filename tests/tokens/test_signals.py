"""What ends processes: a renewal under way holds back signals, and no longer than it takes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

import attrs
import pytest

import payt
from payt.testing import FakePayt
from payt.transport.locks import LONGEST_LOCK
from payt.transport.signals import RENEWER, _Renewals, ignore_while_ending, is_ending, renewing

from .strict_server import StrictServer
from .test_irreversible import begin, check_that_the_login_is_kept, list_once
from .waiting import until

pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="the operating system has no such signals"),
]
CLIENT = Path(__file__).with_name("strict_client.py")
ENDING = [signal.SIGTERM, signal.SIGHUP]


@pytest.fixture
def server() -> Iterator[StrictServer]:
    with StrictServer() as running:
        yield running


@pytest.fixture
def folder(own_folder: Path) -> Path:
    """That of the user, which the command takes."""
    return own_folder


@contextmanager
def process_of(server: StrictServer, folder: Path, *command: str, hold: bool = True) -> Iterator[subprocess.Popen[str]]:
    """A process that uses the login; the answer comes 0.6 s after its refresh token is used up."""
    server.delay = 0.6
    environment = {
        **os.environ,
        "STRICT_URL": server.url,
        "STRICT_STORE": str(folder),
        "STRICT_HOLD": "1" if hold else "",
        "PAYT_BASE_URL": server.url,
        "PAYT_CLIENT_ID": "id",
        "PAYT_CLIENT_SECRET": "secret",
    }
    with subprocess.Popen(
        [sys.executable, *(command or (str(CLIENT),))],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()
            server.delay = 0


@contextmanager
def renewing_process(
    server: StrictServer, folder: Path, *command: str, hold: bool = True
) -> Iterator[subprocess.Popen[str]]:
    """A process that has just used up its refresh token."""
    begin(server, folder)
    with process_of(server, folder, *command, hold=hold) as process:
        until(lambda: server.renewals == 2 or process.poll() is not None)
        yield process


COMMAND = ("-m", "payt.cli", "contacts", "list", "-a", "1")


@pytest.mark.parametrize(
    ("number", "command"),
    [(signal.SIGTERM, COMMAND), (signal.SIGHUP, ())],
    ids=["SIGTERM to the command", "SIGHUP to a worker"],
)
def test_a_signal_waits_until_the_token_is_saved(
    server: StrictServer, folder: Path, number: signal.Signals, command: tuple[str, ...]
) -> None:
    with renewing_process(server, folder, *command) as process:
        process.send_signal(number)
        process.communicate(timeout=60)
        assert process.returncode == -number
    check_that_the_login_is_kept(server, folder, 2)


def test_a_second_ctrl_c_waits_until_the_token_is_saved(server: StrictServer, folder: Path) -> None:
    with renewing_process(server, folder, *COMMAND) as process:
        for _ in range(3):
            process.send_signal(signal.SIGINT)
            time.sleep(0.05)
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (130, "payt: interrupted\n")
    check_that_the_login_is_kept(server, folder, 2)


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGHUP, -signal.SIGHUP), (signal.SIGINT, 130)],
)
def test_nothing_waits_for_a_token_that_cannot_be_had_yet(
    fake: FakePayt, folder: Path, number: signal.Signals, code: int
) -> None:
    """Nothing was spent; and what is asked for now may be lost, as a container is given few seconds to stop."""
    fake.fail(503, path="/oauth/token", times=None, retry_after=50)
    application = {"PAYT_CLIENT_ID": fake.oauth.client_id, "PAYT_CLIENT_SECRET": fake.oauth.client_secret}
    environment = {**os.environ, **application, "PAYT_BASE_URL": fake.url}
    with subprocess.Popen([sys.executable, *COMMAND], env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: fake.requests)
            process.send_signal(number)
            assert process.wait(30) == code
        finally:
            process.kill()
    assert [request.path for request in fake.requests] == ["/oauth/token"]


@pytest.mark.real_time
@pytest.mark.parametrize("nested", [False, True])
def test_who_has_left_and_holds_nothing_any_more_spends_nothing(
    server: StrictServer, folder: Path, *, nested: bool
) -> None:
    """A server may end its process at any moment then, as uvicorn does by SIGTERM."""
    begin(server, folder)
    server.before = [(503, {"Retry-After": "1"}, b"{}")]
    who = payt.AuthorizationCode("id", "secret", payt.FileTokenStore(folder))
    said: list[str] = []

    def listing() -> None:
        try:
            said.append(str(list_once(server, who)))
        except payt.TokenError as error:
            said.append(str(error))

    thread = threading.Thread(target=listing)
    with payt.hold_signals() if nested else nullcontext():
        with payt.hold_signals():
            thread.start()
            until(lambda: not server.before)
        if nested:  # they are held as before
            thread.join()
    thread.join()
    assert (said, server.renewals) == ((["1"], 2) if nested else ([f"POST {server.url}/oauth/token: 503"], 1))
    check_that_the_login_is_kept(server, folder, server.renewals)


@pytest.mark.parametrize("number", ENDING, ids=lambda number: number.name)
def test_without_a_renewal_nothing_waits(server: StrictServer, folder: Path, number: signal.Signals) -> None:
    # short waits: Python may learn of a signal just before a wait begins, and then calls the handler after it
    waiting = "print('in', flush=True)\n    while True: time.sleep(0.1)"
    program = f"import payt, time\nwith payt.hold_signals():\n    {waiting}"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in\n"
        process.send_signal(number)
        assert process.wait(60) == -number


SEARCHING = f"""
import faulthandler, threading

def tell():
    while not any(thread.name == "payt-token" for thread in threading.enumerate()):
        pass
    print("searching", flush=True)

threading.Thread(target=tell).start()
faulthandler.dump_traceback_later({LONGEST_LOCK / 2}, exit=True)  # to see where it still waits
"""


@contextmanager
def interrupted_process(
    server: StrictServer, folder: Path, program: str
) -> Iterator[tuple[subprocess.Popen[str], ExitStack]]:
    """A process that was interrupted while it waits for the lock of another one; what is closed to let the lock go."""
    begin(server, folder)
    (file,) = folder.glob("*.json")
    store = payt.FileTokenStore(folder)
    token = store.load(file.stem)
    assert token is not None
    store.save(file.stem, attrs.evolve(token, expires_at=1.0))
    with ExitStack() as held:
        held.enter_context(store.lock(file.stem))
        with process_of(server, folder, "-c", SEARCHING + program) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "searching\n"
            process.send_signal(signal.SIGINT)
            yield process, held


def test_ctrl_c_does_not_wait_for_the_lock_of_another_process(server: StrictServer, folder: Path) -> None:
    """Which may hold it for minutes: nothing is spent yet, so nothing is lost."""
    program = """
import payt
with payt.Client(payt.AuthorizationCode("id", "secret"), trust_env=False) as client:
    list(client.contacts.list(administration_id="1"))
"""
    with interrupted_process(server, folder, program) as (process, _held):
        _, errors = process.communicate()
        assert (process.returncode != 0, "KeyboardInterrupt" in errors) == (True, True), errors
    assert server.renewals == 1


def test_a_command_that_was_interrupted_and_still_renews_is_ended_by_nothing(
    server: StrictServer, folder: Path
) -> None:
    """It gets the lock that another process held when its work is over already."""
    program = """
import sys
from payt.cli import main
sys.argv[1:] = ["contacts", "list", "-a", "1"]
main()
"""
    with interrupted_process(server, folder, program) as (process, held):
        assert process.stderr is not None
        assert process.stderr.readline() == "payt: interrupted\n"
        held.close()
        until(lambda: server.renewals == 2 or process.poll() is not None)  # or it has given the lock up
        for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process.send_signal(number)
            time.sleep(0.02)
        assert process.communicate(timeout=60) == ("", "")
        assert process.returncode == 130
    check_that_the_login_is_kept(server, folder, server.renewals)


# From within


@pytest.fixture
def came() -> Iterator[list[int]]:
    """What a handler of the program's own has seen."""
    seen: list[int] = []
    before = {number: signal.signal(number, lambda got, _frame: seen.append(got)) for number in ENDING}
    yield seen
    for number, handler in before.items():
        signal.signal(number, handler)


def test_signals_reach_the_handler_that_was_there_when_the_renewal_is_over(came: list[int]) -> None:
    own = signal.getsignal(signal.SIGTERM)
    over, under_way = threading.Event(), threading.Event()

    def renew() -> None:
        with renewing():
            under_way.set()
            over.wait(60)

    thread = threading.Thread(target=renew)
    with payt.hold_signals():
        os.kill(os.getpid(), signal.SIGTERM)
        assert came == [signal.SIGTERM]
        thread.start()
        assert under_way.wait(60)
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGHUP)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)  # a second one changes nothing
        assert came == [signal.SIGTERM]
        over.set()
        thread.join(60)
        until(lambda: len(came) == 3)
    assert sorted(came) == [signal.SIGHUP, signal.SIGTERM, signal.SIGTERM]
    assert signal.getsignal(signal.SIGTERM) is own


def test_a_first_ctrl_c_interrupts_where_signals_are_held_twice() -> None:
    with payt.hold_signals(), payt.hold_signals(), renewing(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_a_first_ctrl_c_interrupts_where_another_renewal_was_over_before() -> None:
    def renew() -> None:
        with renewing():
            pass

    another = threading.Thread(target=renew)
    with payt.hold_signals(), renewing():
        another.start()
        another.join()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_what_is_ignored_meanwhile_stays_ignored(came: list[int]) -> None:
    with payt.hold_signals():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.kill(os.getpid(), signal.SIGTERM)
    assert came == []


def test_leaving_waits_for_a_renewal(came: list[int]) -> None:
    under_way, ended = threading.Event(), []

    def renew() -> None:
        with renewing():
            under_way.set()
            time.sleep(0.2)
            ended.append(True)

    thread = threading.Thread(target=renew)
    with payt.hold_signals():
        thread.start()
        assert under_way.wait(60)
        os.kill(os.getpid(), signal.SIGTERM)
    assert ended
    thread.join(60)
    until(lambda: came == [signal.SIGTERM])


def test_who_still_waits_for_a_lock_when_it_is_left_renews_under_it_as_well(came: list[int]) -> None:
    """As by Ctrl-C, which waits for no lock of another process."""
    has_the_lock, under_way, over = threading.Event(), threading.Event(), threading.Event()

    def search() -> None:
        has_the_lock.wait(60)
        with renewing():
            under_way.set()
            over.wait(60)

    thread = threading.Thread(target=search, name=RENEWER)
    own = {number: signal.getsignal(number) for number in (*ENDING, signal.SIGINT)}
    try:
        thread.start()
        with pytest.raises(KeyboardInterrupt), payt.hold_signals():
            signal.raise_signal(signal.SIGINT)
        has_the_lock.set()
        assert under_way.wait(60)
        os.kill(os.getpid(), signal.SIGTERM)
        assert came == []
    finally:
        over.set()
        thread.join(60)
    until(lambda: came == [signal.SIGTERM])
    os.kill(os.getpid(), signal.SIGHUP)  # and without a renewal, nothing has changed
    assert came == [signal.SIGTERM, signal.SIGHUP]
    for number, handler in own.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("name", "daemon", "ending"),
    [("a daemon", True, True), ("a thread", False, False), ("Dummy-1", True, False)],
)
def test_a_program_is_ending_when_it_waits_for_no_thread_of_its_own(
    monkeypatch: pytest.MonkeyPatch, name: str, daemon: bool, ending: bool
) -> None:
    """Seen from within, where the main thread is one that has ended."""
    assert not is_ending()
    ended, over = threading.Thread(), threading.Event()
    monkeypatch.setattr(threading, "main_thread", lambda: ended)
    running = [threading.Thread(target=over.wait, args=(60,), daemon=True, name=RENEWER)]
    running.append(threading.Thread(target=over.wait, args=(60,), daemon=daemon, name=name))
    monkeypatch.setattr(threading, "enumerate", lambda: [ended, *running])
    for thread in running:
        thread.start()
    assert is_ending() is ending
    over.set()
    for thread in running:
        thread.join(60)
    assert is_ending()
    renewals = _Renewals()
    renewals.marks[0] = 0
    assert renewals.hold(signal.SIGINT)  # it would end the wait for the token, and interrupt nothing else


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with payt.hold_signals():
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_signal_without_a_handler_does_what_it_did_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen from within."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    sent: list[tuple[int, int]] = []
    try:
        with payt.hold_signals():
            handler = signal.getsignal(signal.SIGHUP)
            assert callable(handler)
            monkeypatch.setattr(os, "kill", lambda process, number: sent.append((process, number)))
            handler(signal.SIGHUP, None)
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)
    assert sent == [(os.getpid(), signal.SIGHUP)]


def test_a_command_that_waits_for_a_token_at_its_end_ignores_signals(came: list[int]) -> None:
    """Seen from within."""
    over = threading.Event()
    thread = threading.Thread(target=over.wait, args=(60,), name=RENEWER)
    own = signal.getsignal(signal.SIGINT)
    try:
        with payt.hold_signals():
            ignore_while_ending()  # where nothing is under way, nothing changes
        assert signal.getsignal(signal.SIGINT) is own
        thread.start()
        with payt.hold_signals():
            ignore_while_ending()
        for number in (*ENDING, signal.SIGINT):
            os.kill(os.getpid(), number)
    finally:
        signal.signal(signal.SIGINT, own)
        over.set()
        thread.join(60)
    assert came == []


def test_it_is_for_the_main_thread() -> None:
    errors: list[BaseException] = []

    def enter() -> None:
        try:
            with payt.hold_signals():
                pass
        except RuntimeError as error:
            errors.append(error)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join(60)
    assert [str(error) for error in errors] == ["payt.hold_signals() works in the main thread only: enter it there"]
