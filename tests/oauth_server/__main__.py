"""Serve: `python -m oauth_server`, with the folder for the database in `OAUTH_SERVER_FOLDER`.

Prints `READY <address>` once it answers. Ends on SIGTERM, and when its standard input closes, which happens by
itself when whoever started it is gone.
"""

import os
import signal
import sys
import warnings
from contextlib import suppress
from threading import Thread
from types import FrameType

import django
from waitress import create_server

# The toolkit warns that it will drop JSON token requests in 4.0; they are why this version is pinned.
warnings.filterwarnings("ignore", message="JSONOAuthLibCore", category=DeprecationWarning)


def main() -> None:
    """Make the tables, serve until told to stop, and leave no database behind."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "oauth_server.settings"
    django.setup()
    try:
        _make_tables()
        _serve()
    finally:
        _remove_database()


def _make_tables() -> None:
    from django.core.management import call_command  # noqa: PLC0415  needs the settings
    from django.db import connection  # noqa: PLC0415  needs the settings

    call_command("migrate", run_syncdb=True, verbosity=0)
    connection.close()


def _serve() -> None:
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415  needs the settings

    server = create_server(
        get_wsgi_application(),
        host="127.0.0.1",
        port=0,
        threads=8,
        connection_limit=2000,
        asyncore_use_poll=True,
        ident=None,
    )
    signal.signal(signal.SIGTERM, _stop)
    Thread(target=_stop_with_parent, daemon=True).start()
    sys.stdout.write(f"READY http://127.0.0.1:{server.effective_port}\n")
    sys.stdout.flush()
    server.run()


def _stop(_signal: int, _frame: FrameType | None) -> None:
    # Waitress closes its sockets and threads when this reaches its loop.
    raise SystemExit(0)


def _stop_with_parent() -> None:
    # Past Python's buffer, whose lock a thread still reading would hold when the interpreter ends.
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _remove_database() -> None:
    """Remove the database and its folder: with the parent gone, nobody else would."""
    from oauth_server.settings import DATABASE_FILE  # noqa: PLC0415  needs the environment

    for path in DATABASE_FILE.parent.glob(f"{DATABASE_FILE.name}*"):
        path.unlink(missing_ok=True)
    with suppress(OSError):  # the parent was quicker, or keeps something else there
        DATABASE_FILE.parent.rmdir()


if __name__ == "__main__":
    main()
