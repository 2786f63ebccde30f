"""One page, from bytes to checked objects."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Callable
from typing import Any

import orjson
from pydantic import BaseModel, create_model
from stock_client.models import ContactsPage as StockPage

from payt_api.models import Contact, ContactsPage
from payt_api.types import decode

from .measure import Plan, Row, interleaved, row

_TEXT, _OTHER = (
    str | None,
    {
        "debtor_numbers": list[str] | None,
        "validation_errors": dict[str, Any] | None,
        "updated_at": datetime.datetime | None,
    },
)


def measure(plan: Plan) -> list[Row]:
    names = [field.name for field in Contact.__attrs_attrs__]  # type: ignore[attr-defined]  # made by attrs
    contact = create_model("Contact", **{name: (_OTHER.get(name, _TEXT), None) for name in names})  # type: ignore[call-overload]  # fields made at run time
    pagination = create_model("Pagination", cursor=(_TEXT, None))
    page: type[BaseModel] = create_model("Page", data=(list[contact], ...), pagination=(pagination | None, None))  # type: ignore[valid-type,operator]  # as above

    def timed(read: Callable[[bytes], object]) -> Callable[[], float]:
        def run() -> float:
            began = time.perf_counter()
            for _ in range(20):
                read(plan.page)
            return (time.perf_counter() - began) / 20

        return run

    seconds = interleaved(
        {
            "payt": timed(lambda body: decode(body, ContactsPage)),
            "json.loads, dicts": timed(json.loads),
            "orjson.loads, dicts": timed(orjson.loads),
            "pydantic model_validate_json": timed(page.model_validate_json),
            "stock from_dict": timed(lambda body: StockPage.from_dict(json.loads(body))),
        },
        plan.runs,
    )
    what = "decode one page"
    return [
        row(what, seconds, "json.loads, dicts", 0.6),
        row(what, seconds, "orjson.loads, dicts", None),
        row(what, seconds, "pydantic model_validate_json", 1.0, higher=True),
        row(what, seconds, "stock from_dict", 8.0, higher=True),
    ]
