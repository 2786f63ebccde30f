"""A process that lists once, or for as long as it is left alone. Its arguments are in the environment."""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack

import payt

setting = os.environ.get


def main() -> None:
    folder = setting("STRICT_STORE")
    database = setting("STRICT_DATABASE")
    store = payt.SQLTokenStore(database, encrypt=False) if database else payt.FileTokenStore(folder)
    who = payt.AuthorizationCode(
        "id",
        setting("STRICT_SECRET", "secret"),
        store,
        refresh_token=setting("STRICT_FIRST"),
        account=setting("STRICT_ACCOUNT"),
        refresh_early=float(setting("STRICT_EARLY", "60")),
    )
    url = setting("STRICT_URL")
    with ExitStack() as stack:
        if setting("STRICT_HOLD"):
            stack.enter_context(payt.hold_signals())
        client = stack.enter_context(payt.Client(who, base_url=url, rate_limit=None, trust_env=False, verify=False))
        while True:
            try:
                said = str(len(list(client.contacts.list(administration_id="1", prefetch=0))))
            except payt.PaytError as error:
                said = f"{type(error).__name__}: {error}"
            sys.stdout.write(f"{said}\n")
            sys.stdout.flush()
            if not setting("STRICT_ENDLESS"):
                break
            time.sleep(0.05)  # what is measured is not how fast it lists


if __name__ == "__main__":
    main()
