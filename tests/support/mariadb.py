"""A MariaDB server of the tests' own: made in a temporary folder, on a unix socket, and ended with them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .postgres import WATCHDOG, account_of_servers

SETTINGS = {
    "innodb-buffer-pool-size": "64M",
    "innodb-log-file-size": "16M",
    "innodb-flush-log-at-trx-commit": "0",
    "innodb-doublewrite": "0",
    "innodb-flush-method": "nosync",
    "performance-schema": "0",
}


def program() -> str | None:
    """The server's program; None where there is none."""
    return shutil.which("mariadbd", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))


@contextmanager
def server(binary: str, **settings: str) -> Iterator[str]:
    """Run one; yields a URL without a database's name, at which everybody may do everything."""
    folder = Path(tempfile.mkdtemp(prefix="payt-my-", dir="/tmp"))
    (folder / "data").mkdir()
    account = account_of_servers()
    if account is not None:
        for path in (folder, folder / "data"):
            os.chown(path, account.pw_uid, account.pw_gid)
    # it needs no tables of users, nor time zones: an empty folder will do, and takes no preparation
    options = [f"--{name}={value}" for name, value in {**SETTINGS, **settings}.items()]
    command = [binary, "--no-defaults", f"--datadir={folder}/data", f"--socket={folder}/s", f"--pid-file={folder}/pid"]
    command += ["--skip-networking", "--skip-grant-tables", *options]
    try:
        with (folder / "log").open("wb") as log:
            whom = "" if account is None else f"{account.pw_uid} {account.pw_gid}"
            process = subprocess.Popen(
                [sys.executable, "-c", WATCHDOG, whom, "SIGTERM", folder, *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # an interrupt of the tests is theirs to handle
            )
        try:
            _wait_until_ready(folder, process)
            yield f"mariadb+pymysql://payt@/?unix_socket={folder}/s&ssl_disabled=1"
        finally:
            process.communicate(timeout=60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_ready(folder: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(f"{folder}/s")
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((folder / "log").read_text()) from None
            time.sleep(0.05)
        else:
            return
