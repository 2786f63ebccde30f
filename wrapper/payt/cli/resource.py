"""`payt <resource> list|show|export|sync`: every list of the contract has these commands, without a line by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import attrs
import click

from payt.contract import contract, example_of, parameters_of
from payt.listing import ListSpec
from payt.listing.shapes import ADMINISTRATION
from payt_resources import LISTS, spec_of

from . import checkup, export, listing, sync
from .options import (
    ADMINISTRATIONS,
    ALL,
    CONNECTION,
    NO_ADMINISTRATION,
    Command,
    Later,
    Makers,
    connect,
    examples,
    values_of,
)
from .parameters import called, chosen, filters_of, options_of, paging_of, typed
from .selection import Selection, every_administration


def commands_of(tag: str) -> Makers:
    """The commands of a resource; those of a list with a name of its own are a group inside it."""
    makers: Makers = {}
    for spec in (spec_of(name) for name, (resource, _) in LISTS.items() if resource == tag):
        method = spec.name.partition(".")[2]
        if method:
            about = contract()["paths"][spec.path]["get"]["summary"].rstrip(".") + "."
            shown = examples(f"{_words(spec)} list --help")
            makers[method.replace("_", "-")] = partial(Later, partial(_commands, spec), help=about, epilog=shown)
        else:
            makers |= _commands(spec)
    return makers


def _commands(spec: ListSpec[Any]) -> Makers:
    records, record, filters, made = called(spec), called(spec, 1), filters_of(spec), partial(partial, _made, spec)
    file = spec.name.rpartition(".")[2]
    makers: Makers = {
        "export": made(
            export.export_command,
            export.OPTIONS,
            f"Write {records} to a file: csv, jsonl, parquet or xlsx.\n\nThe file appears when it is complete. An "
            "interrupted export is kept beside it, for --resume.",
            (f"-o {file}.xlsx", f"-o {file}.csv --delimiter ';' --bom", "--limit 10 --format jsonl"),
            filters,
        ),
        "list": made(
            listing.list_command,
            listing.LIST_OPTIONS,
            f"Show {records}: a table, tab-separated in a pipe, or JSON.",
            ("--limit 5", f"--columns {','.join(spec.columns[:3])}", "--limit 5 --json"),
            filters,
        ),
    }
    required = filters_of(spec, required=True)
    if spec.key_filter:
        example = str(example_of(spec, spec.key_filter)).partition(",")[0]
        about = f"Show everything about one {record}."
        makers["show"] = made(listing.show_command, listing.SHOW_OPTIONS, about, (example,), required, paged=False)
    if spec.key:
        about = (
            f"Keep a copy of the {records} in a database.\n\nIt may be SQLite, PostgreSQL, MariaDB or MySQL. Only "
            "changes are fetched, if the API can tell them. If a run ends early, the next one resumes it."
        )
        makers["sync"] = made(
            sync.sync_command, sync.OPTIONS, about, ("--to sqlite:///payt.db",), (), paged=False, kind=sync.SyncCommand
        )
    if spec.name == "contacts":
        about = (
            "Report what to clean up, the worst first.\n\nThat is what Payt marks as faulty, invalid e-mail addresses, "
            "and missing names, addresses and numbers."
        )
        shown = ("", "--examples 20", "--json")
        makers["check"] = made(checkup.check_command, checkup.OPTIONS, about, shown, filters)
    return makers


def _made(
    spec: ListSpec[Any],
    function: Callable[..., None],
    own: Sequence[click.Parameter],
    about: str,
    shown: Sequence[str],
    filters: Sequence[str],
    *,
    paged: bool = True,
    kind: type[Command] = Command,
) -> click.Command:
    """A command that every list may have, with the options that make its client and its selection.

    What does it gets a client, a selection and the values of those of its own options that do not make the selection.
    """
    name = function.__name__.removesuffix("_command")
    by_administration = ADMINISTRATION in parameters_of(spec)
    around = [*([ADMINISTRATIONS] if by_administration else ()), *CONNECTION]
    taken = {"--help", "--debug"} | {flag for each in (*around, *own) for flag in (*each.opts, *each.secondary_opts)}
    options = list(options_of(spec, filters, taken))
    used = {str(each.name) for each in own} - {"fields", "skip_invalid"}

    def command(**given: Any) -> None:
        administrations = given.get("administrations", ())
        if by_administration and not administrations:
            raise ValueError(NO_ADMINISTRATION)
        selection = Selection(
            spec=spec,
            administrations=administrations or [None],
            several=len(administrations) > 1 or ALL in administrations,
            filters=chosen(spec, given),
            fields=values_of(given.get("fields", ())) or None,
            per_page=given.get("per_page", spec.most),
            limit=given.get("limit"),
            skip_invalid=given.get("skip_invalid", False),
        )
        with connect(**{str(each.name): given[str(each.name)] for each in CONNECTION}) as client:
            if ALL in administrations:
                selection.check(client)  # before anything is sent
                selection = attrs.evolve(selection, administrations=every_administration(client))
            function(client, selection, **{name: given[name] for name in used})

    needed = [typed(each, example_of(spec, str(each.name).removeprefix("by_"))) for each in options if each.required]
    start = " ".join([_words(spec), name, *(["-a 1"] if by_administration else ()), *needed])
    return kind(
        name,
        params=[*own, *options, *(paging_of(spec) if paged else ()), *around],
        callback=command,
        help=about,
        epilog=examples(*(f"{start} {each}".rstrip() for each in shown)),
    )


def _words(spec: ListSpec[Any]) -> str:
    """The list, on the command line."""
    return spec.name.replace("_", "-").replace(".", " ")
