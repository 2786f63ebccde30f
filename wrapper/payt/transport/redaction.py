"""Texts that came from elsewhere: without the secrets that were sent there, and without control characters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator


def plain(text: str) -> str:
    """A text without what steers a terminal: control characters, and those that turn the direction of writing."""
    return "".join(each if each.isprintable() else " " for each in text)


def redacted(text: str, secrets: Iterable[str], mark: str = "[secret]") -> str:
    """The text, plain, with a mark in place of each secret, however it is written there."""
    return plain(without(text, secrets, mark))


def without(text: str, secrets: Iterable[str], mark: str = "[secret]") -> str:
    """The text with a mark in place of each secret: as it is, percent-encoded, or escaped as JSON and HTML do."""
    for secret in secrets:
        if secret:
            text = re.sub("".join(map(_spellings, secret)), mark, text)
    return text


def hide(error: BaseException, secrets: Iterable[str], mark: str = "[secret]") -> None:
    """Write the texts of an error, and of those behind it, as `redacted` does: some quote what a server sent."""
    secrets = [*secrets]
    for link in chain_of(error):
        link.args = tuple(redacted(each, secrets, mark) if isinstance(each, str) else each for each in link.args)


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """An error, and those behind it: also where it was raised "from None", as httpcore's are in the end."""
    link: BaseException | None = error
    known: set[int] = set()
    while link is not None and id(link) not in known:  # a transport of a user's own may raise one "from" itself
        known.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


def _spellings(character: str) -> str:
    """A pattern of all ways to write a character."""
    number = ord(character)
    ways = [
        rf"\\?{re.escape(character)}",
        "".join(f"%{byte:02x}" for byte in character.encode(errors="surrogatepass")),
        *(["\\+"] if character == " " else []),
        re.sub("(....)", r"\\\\u\1", character.encode("utf-16-be", errors="surrogatepass").hex()),
        f"&#0*{number};",
        f"&#x0*{number:x};",
    ]
    return f"(?:{ways[0]}|(?i:{'|'.join(ways[1:])}))"
