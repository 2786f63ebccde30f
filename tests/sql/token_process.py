"""A process that lists whenever it is told to, as a person whose token is in a database: one line in, one line out."""

from __future__ import annotations

import os
import sys

import payt


def main() -> None:
    store = payt.SQLTokenStore(os.environ["LISTING_DATABASE"])
    person = payt.AuthorizationCode(os.environ["LISTING_ID"], os.environ["LISTING_SECRET"], store)
    with payt.Client(person, base_url=os.environ["LISTING_URL"], rate_limit=None, verify=False) as client:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        for _ in sys.stdin:
            try:
                said = str(len(list(client.contacts.list(administration_id="1"))))
            except payt.PaytError as error:
                said = repr(error)
            sys.stdout.write(f"{said}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
