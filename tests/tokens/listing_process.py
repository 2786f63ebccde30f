"""A process that lists whenever it is told to: one line in, one line out. Its arguments are in the environment."""

from __future__ import annotations

import os
import sys

import payt


def main() -> None:
    setting = os.environ
    person = payt.AuthorizationCode(
        setting["LISTING_ID"],
        setting["LISTING_SECRET"],
        payt.FileTokenStore(setting["LISTING_STORE"]),
        refresh_token=setting.get("LISTING_REFRESH_TOKEN"),
        refresh_early=float(setting["LISTING_EARLY"]),
    )
    with payt.Client(person, base_url=setting["LISTING_URL"], rate_limit=None, trust_env=False, verify=False) as client:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        for line in sys.stdin:
            endless = line.strip() == "on"
            while True:
                try:
                    said = str(len(list(client.contacts.list(administration_id="1"))))
                except payt.PaytError as error:
                    said = repr(error)
                if not endless:
                    break
            sys.stdout.write(f"{said}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
