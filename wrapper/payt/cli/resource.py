"""`payt <resource> list|show|export|sync`: every list of the contract has these commands, without a line by hand."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import typer
from rich.markup import escape

from payt.contract import contract, parameters_of
from payt.listing import ListSpec
from payt_resources import LISTS, spec_of

from .checkup import check_command
from .connect import connect
from .exits import errors_reported
from .export import export_command
from .listing import list_command, show_command
from .options import NO_ADMINISTRATION, AdministrationsOption, DebugOption, EnvOption, RetriesOption, TokenFileOption
from .parameters import ADMINISTRATION, called, chosen, filters_of, key_filter_of, options_of, paging_of
from .selection import Selection
from .sync import sync_command


def commands_of(tag: str) -> typer.Typer:
    """The commands of a resource; those of a list with a name of its own are a group inside it."""
    app = typer.Typer()
    for spec in (spec_of(name) for name, (resource, _) in LISTS.items() if resource == tag):
        method = spec.name.partition(".")[2]
        group = typer.Typer(no_args_is_help=True) if method else app
        if method:
            about = escape(contract()["paths"][spec.path]["get"]["summary"])
            app.add_typer(group, name=method.replace("_", "-"), help=about.rstrip(".") + ".")
        _add_commands(group, spec)
    return app


def _add_commands(app: typer.Typer, spec: ListSpec[Any]) -> None:
    records, filters = called(spec), filters_of(spec)

    def add(function: Callable[..., None], filters: Iterable[str], text: str, *, paged: bool = True) -> None:
        name = function.__name__.removesuffix("_command")
        app.command(name, help=text)(_command_of(spec, function, filters, paged=paged))

    kept = (
        "The file is there when it is complete, and not before. What an interrupted export has is kept beside it, for "
    )
    add(export_command, filters, f"Write {records} into a file: csv, jsonl, parquet or xlsx.\n\n{kept}--resume.")
    what = "a table on a terminal, values with tabs between them in a pipe, or JSON"
    add(list_command, filters, f"Show {records}: {what}.")
    if key_filter_of(spec):
        required = filters_of(spec, required=True)
        add(show_command, required, f"Show all that is known of one {called(spec, 1)}.", paged=False)
    if spec.key:
        how = (
            "Only what changed is asked for, where that can be asked. A run that ends early is resumed by the next one."
        )
        add(sync_command, (), f"Keep a copy of the {records} in a table of SQLite or PostgreSQL.\n\n{how}", paged=False)
    if spec.name == "contacts":
        what = "what Payt marks as faulty, missing addresses and numbers; the worst first"
        add(check_command, filters, f"Report what contacts lack: {what}.")


def _command_of(spec: ListSpec[Any], function: Callable[..., None], filters: Iterable[str], *, paged: bool) -> Any:
    """A function of a client, a selection and options as a command, which has the options that make the first two."""
    by_administration = ADMINISTRATION in parameters_of(spec)

    def command(
        *,
        administrations: AdministrationsOption = None,
        env: EnvOption = None,
        token_file: TokenFileOption = None,
        retries: RetriesOption = 4,
        debug: DebugOption = False,
        **given: Any,
    ) -> None:
        with errors_reported(debug=debug):
            if by_administration and not administrations:
                raise ValueError(NO_ADMINISTRATION)
            selection = Selection(
                spec=spec,
                administrations=administrations or (None,),
                filters=chosen(spec, given),
                per_page=given.get("per_page", spec.most),
                limit=given.get("limit"),
            )
            with connect(env=env, token_file=token_file, retries=retries) as client:
                function(client, selection, **{each.name: given[each.name] for each in own})

    administration, *around = _options_in(command)
    own = _options_in(function)
    taken = {"--help"} | {
        flag
        for each in (administration, *own, *around)
        for option in each.annotation.__metadata__
        for flag in (option.default, *(option.param_decls or ()))
    }
    options = [*own, *options_of(spec, filters, taken), *(paging_of(spec) if paged else ()), *around]
    result: Any = command
    result.__signature__ = inspect.Signature([administration, *options] if by_administration else options)
    return result


def _options_in(function: Callable[..., None]) -> list[inspect.Parameter]:
    parameters = inspect.signature(function, eval_str=True).parameters.values()
    return [each for each in parameters if each.kind is each.KEYWORD_ONLY]
