"""A fake Payt for tests and demos: a real HTTP server on loopback, and believable records.

Needs the extra `testing`.
"""

from payt.extras import missing

try:
    from payt.testing.server import FakePayt
except ModuleNotFoundError as error:
    raise missing("payt.testing", "werkzeug", "testing") from error

from payt.testing.faults import ErrorShape, FaultKind
from payt.testing.listing import LastPage
from payt.testing.oauth import FakeOAuth
from payt.testing.recorded import RecordedRequest
from payt.testing.records import Administration, Records
from payt.testing.sample_contacts import CONTACT_FIELDS, contact, contacts, example_page
from payt.testing.waits import SkippedWaits, skip_waits

__all__ = [
    "CONTACT_FIELDS",
    "Administration",
    "ErrorShape",
    "FakeOAuth",
    "FakePayt",
    "FaultKind",
    "LastPage",
    "RecordedRequest",
    "Records",
    "SkippedWaits",
    "contact",
    "contacts",
    "example_page",
    "skip_waits",
]
