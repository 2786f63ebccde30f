"""A process that syncs over and over: its arguments are the server, the token, the database and where it stands."""

from __future__ import annotations

import sys
from datetime import timedelta

import payt


def main() -> None:
    url, token, database = sys.argv[1:]
    with payt.Client(token, base_url=url, rate_limit=None, verify=False) as client:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        for _ in sys.stdin:
            while True:
                payt.sync(client, "1", database, per_page=3, full_every=2, overlap=timedelta(days=10_000))


if __name__ == "__main__":
    main()
