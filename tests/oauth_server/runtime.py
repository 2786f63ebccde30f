"""What a test may change while the server runs."""

from dataclasses import dataclass
from typing import Literal

BasicEncoding = Literal["form", "plain"]


@dataclass
class Runtime:
    """Settings in force for the next request.

    Attributes:
        expires_in: Lifetime in seconds of the access tokens issued from now on.
        grace_period: Seconds for which a refresh token that was used may be used again. The answer then
            holds the tokens which the first use brought.
        created_at: Whether token answers say when they were made, as Doorkeeper's do and the toolkit's do not.
        basic_encoding: How Basic credentials are read: `form` decodes them as RFC 6749 section 2.3.1 asks and
            the toolkit does; `plain` takes them as they are, as Doorkeeper does.
    """

    expires_in: int = 7200
    grace_period: int = 0
    created_at: bool = False
    basic_encoding: BasicEncoding = "form"


runtime = Runtime()
