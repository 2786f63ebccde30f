"""What a pace in a database asks of it: a row for each token, by the database's own clock."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from ..transport.paces import EFFECT, RECOVERY, SLOWER, SLOWEST
from ..transport.retries import LONGEST_RETRY_AFTER
from .dialects import dialect_of

_LONGEST_WAIT = 120.0
"""Seconds after which, and twenty intervals, no start can be booked: the database's clock was set back."""
_OLD = 86_400.0
"""Seconds after which a row is deleted: tokens are replaced by the hour."""

PACE = sa.Table(
    "payt_pace",
    sa.MetaData(),
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("next_start", sa.Double, nullable=False),
    sa.Column("step", sa.Double, nullable=False),
    sa.Column("closed_until", sa.Double, nullable=False),
    sa.Column("slowness", sa.Double, nullable=False),
    sa.Column("slowed_at", sa.Double, nullable=False),
)


class Statements:
    """What is asked of a database."""

    def __init__(self, engine: sa.Engine) -> None:
        is_sqlite = engine.dialect.name == "sqlite"
        most, least = (sa.func.max, sa.func.min) if is_sqlite else (sa.func.greatest, sa.func.least)
        now: Any = (sa.func.julianday("now") - 2_440_587.5) * 86_400.0
        if not is_sqlite:
            now = sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Double)
        row, key = PACE.c, sa.bindparam("of", type_=sa.String)
        many, interval, sent, pause = (
            sa.bindparam(name, type_=sa.Double) for name in ("many", "interval", "sent", "pause")
        )

        def sane(moment: Any, longest: Any) -> Any:
            """Now, where a moment is too far ahead to be one that was written by this clock."""
            return sa.case((moment > now + longest, now), else_=moment)

        slowness = sa.case((row.slowed_at > now, 1.0), else_=most(1.0, row.slowness - (now - row.slowed_at) * RECOVERY))
        begin = most(
            now, sane(row.next_start, _LONGEST_WAIT + 20 * interval), sane(row.closed_until, LONGEST_RETRY_AFTER + 1)
        )
        first = {
            "next_start": now + many * interval,
            "step": interval,
            "closed_until": 0,
            "slowness": 1,
            "slowed_at": 0,
        }
        later = {"next_start": begin + many * interval * slowness, "step": interval * slowness}
        insert = dialect_of(engine).insert(PACE).values(key=key, **first)
        self.book = insert.on_conflict_do_update(index_elements=["key"], set_=later).returning(
            row.next_start, row.step, now.label("now")
        )
        is_new = sent >= row.slowed_at + EFFECT
        self.refuse = (
            sa.update(PACE)
            .where(row.key == key)
            .values(
                closed_until=most(row.closed_until, now + pause),
                slowness=sa.case((is_new, least(SLOWEST, 2 * slowness - 1 + SLOWER)), else_=row.slowness),
                slowed_at=sa.case((is_new, now), else_=row.slowed_at),
            )
        )
        self.tidy = sa.delete(PACE).where(row.next_start < now - _OLD)
