"""`payt <resource> list|show|export|sync`: every list of the contract has these commands, without a line by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs
import click

from payt.contract import contract, example_of, parameters_of
from payt.listing import ListSpec
from payt_resources import LISTS, spec_of

from . import checkup, export, listing, sync
from .exits import errors_reported
from .options import ADMINISTRATIONS, DEBUG, ENV, NO_ADMINISTRATION, RETRIES, TOKEN_FILE, connect, examples
from .parameters import ADMINISTRATION, called, chosen, filters_of, options_of, paging_of, typed
from .selection import Selection


@attrs.frozen
class _Command:
    """A command that every list may have.

    Attributes:
        function: What does it, with a client, a selection and the values of its own options.
        options: Its own options and arguments.
        about: What it does.
        examples: What to type behind its name.
        filters: The filters that it takes.
        paged: Whether pages and how many records can be chosen.
    """

    function: Callable[..., None]
    options: Sequence[click.Parameter]
    about: str
    examples: Sequence[str]
    filters: Sequence[str]
    paged: bool = True

    @property
    def name(self) -> str:
        return self.function.__name__.removesuffix("_command")


def commands_of(tag: str) -> list[click.Command]:
    """The commands of a resource; those of a list with a name of its own are a group inside it."""
    commands: list[click.Command] = []
    for spec in (spec_of(name) for name, (resource, _) in LISTS.items() if resource == tag):
        method = spec.name.partition(".")[2]
        own = [_made(spec, command) for command in _commands(spec)]
        if method:
            about = contract()["paths"][spec.path]["get"]["summary"].rstrip(".") + "."
            shown = f"{_words(spec)} list --help"
            name = method.replace("_", "-")
            commands.append(click.Group(name, own, help=about, no_args_is_help=True, epilog=examples(shown)))
        else:
            commands += own
    return commands


def _commands(spec: ListSpec[Any]) -> Iterable[_Command]:
    records, record, filters = called(spec), called(spec, 1), filters_of(spec)
    file = spec.name.rpartition(".")[2]
    yield _Command(
        export.export_command,
        export.OPTIONS,
        f"Write {records} to a file: csv, jsonl, parquet or xlsx.\n\nThe file appears when it is complete. An "
        "interrupted export is kept beside it, for --resume.",
        (f"-o {file}.xlsx", f"-o {file}.csv --delimiter ';' --bom", "--limit 10 --format jsonl"),
        filters,
    )
    yield _Command(
        listing.list_command,
        listing.LIST_OPTIONS,
        f"Show {records}: a table, tab-separated in a pipe, or JSON.",
        ("--limit 5", f"--columns {','.join(spec.columns[:3])}", "--limit 5 --json"),
        filters,
    )
    required = filters_of(spec, required=True)
    if spec.key_filter:
        example = str(example_of(spec, spec.key_filter)).partition(",")[0]
        about = f"Show everything about one {record}."
        yield _Command(listing.show_command, listing.SHOW_OPTIONS, about, (example,), required, paged=False)
    if spec.key:
        about = (
            f"Keep a copy of the {records} in a database.\n\nIt may be SQLite, PostgreSQL, MariaDB or MySQL. Only "
            "changes are fetched, if the API can tell them. If a run ends early, the next one resumes it."
        )
        yield _Command(sync.sync_command, sync.OPTIONS, about, ("--to sqlite:///payt.db",), (), paged=False)
    if spec.name == "contacts":
        about = (
            "Report what to clean up, the worst first.\n\nThat is what Payt marks as faulty, invalid e-mail addresses, "
            "and missing names, addresses and numbers."
        )
        yield _Command(checkup.check_command, checkup.OPTIONS, about, ("", "--examples 20", "--json"), filters)


def _made(spec: ListSpec[Any], about: _Command) -> click.Command:
    """A command, with the options that make its client and its selection."""
    by_administration = ADMINISTRATION in parameters_of(spec)
    around = [ENV, TOKEN_FILE, RETRIES, DEBUG]
    if by_administration:
        around.insert(0, ADMINISTRATIONS)
    taken = {"--help"} | {flag for each in (*around, *about.options) for flag in (*each.opts, *each.secondary_opts)}
    filters = list(options_of(spec, about.filters, taken))

    def command(debug: bool, **given: Any) -> None:  # noqa: FBT001 - click calls it so
        with errors_reported(debug=debug):
            administrations = given.get("administrations") or (None,)
            if by_administration and administrations == (None,):
                raise ValueError(NO_ADMINISTRATION)
            selection = Selection(
                spec=spec,
                administrations=administrations,
                filters=chosen(spec, given),
                per_page=given.get("per_page", spec.most),
                limit=given.get("limit"),
            )
            with connect(**{name: given[name] for name in ("env", "token_file", "retries")}) as client:
                about.function(client, selection, **{str(each.name): given[str(each.name)] for each in about.options})

    needed = [typed(each, example_of(spec, str(each.name).removeprefix("by_"))) for each in filters if each.required]
    start = " ".join([_words(spec), about.name, *(["-a 1"] if by_administration else ()), *needed])
    paging = paging_of(spec) if about.paged else []
    return click.Command(
        about.name,
        params=[*about.options, *filters, *paging, *around],
        callback=command,
        help=about.about,
        epilog=examples(*(f"{start} {each}".rstrip() for each in about.examples)),
    )


def _words(spec: ListSpec[Any]) -> str:
    """The list, on the command line."""
    return spec.name.replace("_", "-").replace(".", " ")
