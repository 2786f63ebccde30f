"""The start of a request, and what gives one: what all paces are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol


class Start(Protocol):
    """The start of one request."""

    def wait(self) -> float:
        """The seconds to wait before this is asked again; 0 where the request starts now."""
        ...

    def sent(self) -> None:
        """Its request has just been sent."""
        ...

    def refused(self, retry_after: float | None) -> None:
        """Its request was answered with 429: others use this token as well."""
        ...

    def give_back(self) -> None:
        """It will not be used."""
        ...


class Pace(ABC):
    """What `payt.Client(pace=...)` takes: a `payt.ProcessPace` or a `payt.SQLPace`. No others are supported."""

    @abstractmethod
    def start(self, key: bytes, rate: float) -> Start:
        """Ask for the start of a request.

        Args:
            key: Whose pace it is: a digest of a token and of the server it is for.
            rate: Requests a second.
        """
