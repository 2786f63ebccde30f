# Generated from openapi.yaml by ./generate.sh: change the contract or codegen/, never this file.
"""What the operations raise besides httpx's own errors."""

import httpx


class UnexpectedStatus(Exception):
    """The contract does not know the status of a response, and `Client.raise_on_unexpected_status` is set.

    Attributes:
        status_code: The status.
        content: The body.
    """

    def __init__(self, status_code: int, content: bytes = b"") -> None:
        super().__init__(status_code)
        self.status_code = status_code
        self.content = content

    def __str__(self) -> str:
        return f"Unexpected status code: {self.status_code}"

    def __reduce__(self) -> tuple[type["UnexpectedStatus"], tuple[int, bytes]]:
        return type(self), (self.status_code, self.content)


class DecodeError(ValueError):
    """A body does not match the contract. The message contains none of the body.

    Attributes:
        path: Where, as a JSON path ("$.data[3].updated_at").
        reason: What was expected, and what kind of thing stood there.
        response: The response whose body it is, where it is one.
    """

    response: httpx.Response | None = None

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"

    def __reduce__(self) -> tuple[type["DecodeError"], tuple[str, str]]:
        return type(self), (self.path, self.reason)


class NotJsonError(DecodeError):
    """A body is not JSON, or only a part of it."""


__all__ = ("DecodeError", "NotJsonError", "UnexpectedStatus")
