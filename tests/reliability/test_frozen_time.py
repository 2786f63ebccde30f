"""Tests of users stop the date (here with freezegun): records, pace and deadlines go on, then and afterwards."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest
from freezegun import freeze_time

from payt.testing import FakePayt
from payt.transport.clock import Clock
from support.eventually import PATIENCE
from support.flavours import Flavour
from support.quick import QUICK

DATE = "2020-02-29"
# an answer that does not come must be an error in time; the pace needs three seconds
HASTY = QUICK | {"total_timeout": PATIENCE, "retries": 0}


@pytest.mark.real_time
def test_the_pace_is_kept_while_the_date_stands_still_and_afterwards(fake: FakePayt, flavour: Flavour) -> None:
    def listing() -> float:
        began = os.times().elapsed  # which stands still for nobody
        assert len(flavour.contacts(fake.url, fake.token, client=HASTY, per_page=1)) == 12
        return os.times().elapsed - began

    with freeze_time(DATE):
        assert listing() >= 1
    assert listing() >= 1
    with freeze_time(DATE):
        assert listing() >= 1


@pytest.mark.real_time
def test_leaving_ends_a_wait_while_the_date_stands_still() -> None:
    async def run() -> None:
        waiting = asyncio.create_task(Clock().sleep_async(10 * PATIENCE))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    with freeze_time(DATE):
        asyncio.run(run())  # which waits for the thread


@pytest.mark.parametrize("stand_still", [True, False])
def test_the_first_use_may_be_in_frozen_time(stand_still: bool) -> None:
    program = f"""
import datetime
from freezegun import freeze_time
def use():
    import payt, payt_api.types as types
    from payt.testing import FakePayt
    from payt.listing.shapes import MOMENT, fields_of, scalar_of
    with FakePayt(contacts=3) as fake, payt.Client(fake.token, base_url=fake.url) as client:
        print(len(list(client.contacts.list(administration_id="1"))))
        assert scalar_of(fields_of(payt.Contact)["updated_at"]) is MOMENT
        try:
            client.contacts.list(administration_id="1", updated_after=datetime.datetime(2020, 1, 1))
        except ValueError as error:
            print(str(error).partition(":")[0])
        print(types.decoder_of(types.Date).decode(b'"2020-01-01"'))
        print(types.decoder_of(types.DateTime).decode(b'"2020-01-01T00:00:00Z"'))
if {stand_still}:
    with freeze_time("{DATE}"):
        use()
else:
    import payt_api.models
    with freeze_time("{DATE}"):
        use()
use()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.stderr == ""
    assert done.stdout.split("\n") == [
        *["3", "updated_after has no time zone", "2020-01-01", "2020-01-01 00:00:00+00:00"] * 2,
        "",
    ]
