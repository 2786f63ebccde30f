"""From typed arguments to every record of a list, page after page."""

from .arguments import Fields, OnInvalid
from .many import AsyncManyPager, ManyPager, OnError
from .pager import AsyncPager, Pager
from .pages import InvalidRecord, Page
from .spec import ListSpec

__all__ = [
    "AsyncManyPager",
    "AsyncPager",
    "Fields",
    "InvalidRecord",
    "ListSpec",
    "ManyPager",
    "OnError",
    "OnInvalid",
    "Page",
    "Pager",
]
