"""From typed arguments to every record of a list, page after page."""

from .arguments import Fields
from .many import AsyncManyPager, ManyPager, OnError
from .pager import AsyncPager, Pager
from .spec import ListSpec
from .walk import Page

__all__ = [
    "AsyncManyPager",
    "AsyncPager",
    "Fields",
    "ListSpec",
    "ManyPager",
    "OnError",
    "Page",
    "Pager",
]
