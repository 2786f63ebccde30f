"""A PgBouncer of the tests' own, in transaction mode, in a temporary folder and on a unix socket; it ends with them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from .postgres import USER, WATCHDOG, account_of_servers, wait_until_ready

PORT = 6432  # of a socket in a folder of its own: it meets no other


def program() -> str | None:
    """The pooler's program; None where there is none."""
    return shutil.which("pgbouncer", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))


@contextmanager
def pooler(binary: str, postgresql: str, connections: int) -> Iterator[str]:
    """Run one before a server, to which it opens so many connections; yields the URL of the server's database there."""
    url = sa.make_url(postgresql)
    folder = Path(tempfile.mkdtemp(prefix="payt-pgb-", dir="/tmp"))
    settings = {
        "listen_addr": "",
        "listen_port": PORT,
        "unix_socket_dir": folder,
        "auth_type": "any",
        "pool_mode": "transaction",
        "default_pool_size": connections,
        "logfile": folder / "log",
        "pidfile": folder / "pid",
    }
    lines = [f"{name} = {value}" for name, value in settings.items()]
    database = f"* = host={url.query['host']} user={USER}"
    (folder / "ini").write_text("\n".join(["[databases]", database, "[pgbouncer]", *lines, ""]))
    account = account_of_servers()
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
    try:
        with (folder / "output").open("wb") as output:
            whom = "" if account is None else f"{account.pw_uid} {account.pw_gid}"
            process = subprocess.Popen(
                [sys.executable, "-c", WATCHDOG, whom, "SIGTERM", folder, binary, folder / "ini"],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,  # an interrupt of the tests is theirs to handle
            )
        try:
            wait_until_ready(
                f"postgresql://{USER}@/{url.database}?host={folder}&port={PORT}", folder / "output", process
            )
            yield f"postgresql+psycopg://{USER}@/{url.database}?host={folder}&port={PORT}"
        finally:
            process.communicate(timeout=60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
