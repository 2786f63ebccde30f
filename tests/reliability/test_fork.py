"""Processes that are forked: none of them has a share in what the parent has under way."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from collections.abc import Callable, Iterator

import pytest

import payt
from payt.testing import FakePayt, contact
from support.quick import QUICK

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this operating system has no fork"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning"),
]
IDS = [str(number) for number in range(1, 5)]


@pytest.fixture
def service() -> Iterator[FakePayt]:
    """Administrations whose contacts bear their administration's id."""
    administrations = {name: [contact(id=number, lastname=name) for number in range(1, 61)] for name in IDS}
    with FakePayt(administrations=administrations, latency=0.002) as fake:
        yield fake


_list: Callable[[str], list[str | None]]


def _in_child(name: str) -> list[str | None]:
    return _list(name)


@pytest.mark.parametrize("pickled", [False, True])
def test_children_use_no_connection_of_the_parent(
    service: FakePayt, monkeypatch: pytest.MonkeyPatch, pickled: bool
) -> None:
    global _list  # noqa: PLW0603  # what is forked comes along
    monkeypatch.setenv("PAYT_TOKEN", service.token)
    with payt.Client(base_url=service.url, rate_limit=None, **{**QUICK, "verify": True, "retries": 0}) as client:

        def names(administration: str) -> list[str | None]:
            pager = client.contacts.list(administration_id=administration, per_page=10)
            again = pickle.loads(pickle.dumps(pager)) if pickled else pager
            return [one.lastname for one in again]

        _list = names
        assert names("1") == ["1"] * 60  # the parent has a connection now
        with multiprocessing.get_context("fork").Pool(4) as pool:
            assert pool.map(_in_child, IDS * 3, chunksize=1) == [[name] * 60 for name in IDS * 3]
        assert names("2") == ["2"] * 60


def _forked(child: Callable[[], object]) -> int:
    """Call it in a child; its exit code."""
    process = os.fork()
    if process == 0:
        try:
            child()
        except BaseException:  # noqa: BLE001  # a test's child ends here
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


@pytest.mark.parametrize("many", [False, True])
def test_a_listing_is_gone_on_with_by_the_parent_alone(service: FakePayt, many: bool) -> None:
    with payt.Client(service.token, base_url=service.url, rate_limit=None, **{**QUICK, "retries": 0}) as client:
        contacts = (
            (one for _, one in client.contacts.list_many(administration_ids=["1"], per_page=10))
            if many
            else iter(client.contacts.list(administration_id="1", per_page=10))
        )
        assert next(contacts).lastname == "1"

        def go_on() -> None:
            with pytest.raises(RuntimeError, match="only the parent can go on with it"):
                list(contacts)

        assert _forked(go_on) == 0
        assert len(list(contacts)) == 59


def test_what_a_child_does_seen_from_within(service: FakePayt, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same in this process, whose coverage is measured."""
    with payt.Client(service.token, base_url=service.url, rate_limit=None, **QUICK) as client:
        pager = client.contacts.list(administration_id="1", per_page=10)
        contacts = iter(pager)
        next(contacts)
        with monkeypatch.context() as child:
            child.setattr(os, "getpid", lambda: -1)
            with pytest.raises(RuntimeError, match="only the parent can go on with it"):
                list(contacts)
            assert len(list(pager)) == 60
        with monkeypatch.context() as child:
            child.setattr(os, "getpid", lambda: -1)
            client.close()
