"""What can be imported from `payt` is what `__all__` says, and nothing heavy comes with it."""

from __future__ import annotations

import ast
import importlib.util
import json
import pkgutil
import pydoc
import re
import subprocess
import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest

import payt

NAMES = [
    "APIError",
    "AsyncClient",
    "AsyncManyPager",
    "AsyncPager",
    "AuthenticationError",
    "AuthorizationCode",
    "BadRequestError",
    "Client",
    "ClientCredentials",
    "Contact",
    "Credentials",
    "EnvToken",
    "FileTokenStore",
    "InvalidRecord",
    "InvalidResponseError",
    "KeyringTokenStore",
    "LoginRequiredError",
    "ManyPager",
    "MemoryTokenStore",
    "NotFoundError",
    "Page",
    "Pager",
    "PaginationError",
    "PaytError",
    "PermissionDeniedError",
    "ProcessPace",
    "RateLimitError",
    "ServerError",
    "StaticToken",
    "Token",
    "TokenError",
    "TokenStore",
    "TransportError",
    "__version__",
    "hold_signals",
    "login",
    "logout",
]


CORE = {"payt", "payt_api", "payt_resources", "attr", "attrs", "msgspec"}
NEEDED_BY_CORE = {"six", "typing_extensions"}  # by some of their versions


def test_all_is_pinned() -> None:
    assert payt.__all__ == NAMES


def test_all_is_what_can_be_imported() -> None:
    public = {
        name
        for name in set(dir(payt)) - {"SQLPace", "SQLTokenStore", "async_sync", "sync"}  # what an extra brings
        if not name.startswith("_") and not isinstance(getattr(payt, name), types.ModuleType)
    }
    assert public | {"__version__"} == set(NAMES)


def test_what_is_imported_later_is_there_all_the_same() -> None:
    program = """
import sys, payt
assert not {"httpx", "msgspec", "payt_api"} & {*sys.modules}
assert {*dir(payt)} >= {*payt.__all__, "sync"}
assert payt.errors.PaytError is payt.PaytError
assert "payt.client" not in sys.modules
payt.Client("token")
of_logins = {f"payt.credentials.{name}" for name in ("cache", "endpoint", "file_store", "keyring_store", "login")}
assert not {"msgspec", "payt.listing", "payt.transport.paces", *of_logins} & {*sys.modules}
assert payt.listing.Pager is payt.Pager
assert payt.client.Client is payt.Client is payt.Client
from payt import *
assert StaticToken is payt.credentials.StaticToken
Client("token")
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert payt.__getattr__("client") is sys.modules["payt.client"]
    assert typing.get_type_hints(payt.Client.__init__)["return"] is type(None)


def test_a_mistyped_name_says_which_one_is_near() -> None:
    run = subprocess.run(
        [sys.executable, "-c", "import payt; payt.Clinet"], capture_output=True, text=True, check=False
    )
    assert re.search(r"module 'payt' has no attribute 'Clinet'. Did you mean:? '\.?Client'", run.stderr)  # by version


def test_what_completion_shows_is_public() -> None:
    shown = {name for name in dir(payt) if not name.startswith("__")}
    assert shown == {*NAMES, "SQLPace", "SQLTokenStore", "async_sync", "errors", "incremental", "sync"} - {
        "__version__"
    }


def test_help_tells_what_things_are_for() -> None:
    assert "lastname: Last name, or the company's name." in pydoc.plain(pydoc.render_doc(payt.Contact))
    of_client = pydoc.plain(pydoc.render_doc(payt.Client))
    for text in (
        'for contact in client.contacts.list(administration_id="1"):',
        "contacts = <",
        "base_url: The API's address",
    ):
        assert text in of_client


def test_the_errors_are_one_tree() -> None:
    tree = {
        "APIError": "PaytError",
        "BadRequestError": "APIError",
        "AuthenticationError": "APIError",
        "PermissionDeniedError": "APIError",
        "NotFoundError": "APIError",
        "RateLimitError": "APIError",
        "ServerError": "APIError",
        "TransportError": "PaytError",
        "InvalidResponseError": "PaytError",
        "PaginationError": "PaytError",
        "TokenError": "PaytError",
        "LoginRequiredError": "TokenError",
    }
    errors = [name for name in NAMES if name.endswith("Error") and name != "PaytError"]
    assert {name: getattr(payt, name).__base__.__name__ for name in errors} == tree
    assert payt.PaytError.__base__ is Exception


def test_the_core_imports_no_extra() -> None:
    program = "from {} import *; import sys, json; print(json.dumps(list(sys.modules)))"
    modules: dict[str, set[str]] = {}
    for imported in ("httpx", "payt"):
        run = subprocess.run(
            [sys.executable, "-c", program.format(imported)], capture_output=True, text=True, check=True
        )
        modules[imported] = {name.partition(".")[0] for name in json.loads(run.stdout)}
    added = modules["payt"] - modules["httpx"] - sys.stdlib_module_names
    assert {name for name in added if not name.startswith("_")} - NEEDED_BY_CORE == CORE


def test_without_its_extra_the_test_kit_says_which_one_is_missing() -> None:
    program = "import sys; sys.modules['werkzeug'] = None; import payt.testing"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert 'payt.testing needs werkzeug, which comes with the extra "testing": pip install "werkzeug>=' in run.stderr


def test_the_extra_sql_is_reached_lazily_and_named_where_it_is_missing() -> None:
    program = """
import sys, payt
assert "sqlalchemy" not in sys.modules
sys.modules["sqlalchemy"] = None
try:
    payt.{}
except ImportError as error:
    sys.exit(str(error))
"""
    for name in ("SQLPace", "SQLTokenStore", "async_sync", "sync"):
        run = subprocess.run([sys.executable, "-c", program.format(name)], capture_output=True, text=True, check=False)
        assert run.returncode == 1
        assert run.stderr.startswith('payt.sql needs sqlalchemy, which comes with the extra "sql": pip install "')
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        payt.nonsense  # type: ignore[attr-defined]  # noqa: B018


def test_the_reference_has_every_name() -> None:
    reference = (Path(__file__).parents[1] / "docs/reference.md").read_text("utf-8")
    described = set(re.findall(r"^::: (\S+)$", reference, re.MULTILINE))
    of_errors = {name for name in payt.__all__ if hasattr(payt.errors, name)}
    for name in {*payt.__all__, "sync", "async_sync", "SQLPace", "SQLTokenStore"} - of_errors - {"__version__"}:
        assert f"payt.{name}" in described, name
    assert "payt.errors" in described
    assert {f"payt.testing.{name}" for name in importlib.import_module("payt.testing").__all__} <= described


ROOT = Path(__file__).parents[1]


def documented() -> Iterator[tuple[str, str]]:
    """What users read, piece by piece: pages and examples whole, and every docstring of the wrapper."""
    for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").glob("*.py")]:
        yield path.name, path.read_text("utf-8")
    with_docstrings = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for path in Path(payt.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, with_docstrings):
                yield path.name, ast.get_docstring(node) or ""


def test_every_name_in_the_documentation_exists() -> None:
    """In the text too, which no test runs."""
    name = re.compile(r"(?<![\w./-])payt(?:_api|_resources)?(?:\.[A-Za-z_]\w*)+")
    found = {(each, where) for where, text in documented() for each in name.findall(text)}
    assert len(found) > 100
    for each, where in sorted(found):
        module = ".".join(each.split(".")[:2])
        try:
            if importlib.util.find_spec(module):
                importlib.import_module(module)
            pkgutil.resolve_name(each)
        except (AttributeError, ImportError) as error:
            if "comes with the extra" not in str(error):  # which may not be installed here
                pytest.fail(f"{where} names {each}: {error}")
