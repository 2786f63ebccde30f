"""Every kind of property: read right, written right, or refused while generating, by its name."""

from __future__ import annotations

import asyncio
import copy
import datetime
import importlib
import inspect
import json
import os
import subprocess
import sys
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import yaml

import payt
from payt.testing import FakePayt
from support.generation import ROOT, Generate
from support.warm import run_generate_py

CONTRACT: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "kinds.yaml").read_text("utf-8"))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The package of kinds.yaml, generated once, under a name of its own."""
    folder = tmp_path_factory.mktemp("kinds")
    result = run_generate_py(
        ROOT, "--contract", Path(__file__).parent / "kinds.yaml", "--output", folder / "payt_api_of_kinds"
    )
    assert result.returncode == 0, result.stderr
    sys.path.insert(0, str(folder))
    yield "payt_api_of_kinds"
    sys.path.remove(str(folder))
    for name in [module for module in sys.modules if module.partition(".")[0] == "payt_api_of_kinds"]:
        del sys.modules[name]


@pytest.fixture
def models(package: str) -> Any:
    return importlib.import_module(f"{package}.models")


@pytest.fixture
def types(package: str) -> Any:
    return importlib.import_module(f"{package}.types")


# property: (as JSON, as Python given the models, another JSON that is refused)
KINDS: dict[str, tuple[Any, Callable[[Any], Any], Any]] = {
    "required_string": ("a", lambda _: "a", 1),
    "required_nullable": (None, lambda _: None, 1),
    "string": ("é", lambda _: "é", 1),
    "integer": (5, lambda _: 5, 5.5),
    "number": (1.5, lambda _: 1.5, "1.5"),
    "boolean": (True, lambda _: True, 1),
    "date": ("2024-02-29", lambda _: datetime.date(2024, 2, 29), "2023-02-29"),
    "moment": (
        "2026-11-01T00:00:00.123456Z",
        lambda _: datetime.datetime(2026, 11, 1, 0, 0, 0, 123456, tzinfo=datetime.UTC),
        "2026-11-01T00:00:00",
    ),
    "uuid": (str(uuid.UUID(int=7)), lambda _: uuid.UUID(int=7), "7"),
    "colour": ("dark-blue", lambda models: models.Colour.DARK_BLUE, "green"),
    "level": (2, lambda models: models.Level(2), 3),
    "inline_enum": ("b", lambda models: models.KindsInlineEnum.B, "c"),
    "nullable_enum": ("a", lambda models: models.KindsNullableEnumType0.A, "c"),
    "nullable": (3, lambda _: 3, "3"),
    "strings": (["a", "b"], lambda _: ["a", "b"], ["a", None]),
    "dates": (["2020-01-01", None], lambda _: [datetime.date(2020, 1, 1), None], ["soon"]),
    "leaves": ([{"name": "a"}], lambda models: [models.Leaf(name="a")], [{}]),
    "grid": ([[1.0, 2.0], []], lambda _: [[1.0, 2.0], []], [1.0]),
    "nested": (
        {"city": "Ede", "deeper": {"since": "2020-01-01"}},
        lambda models: models.KindsNested(city="Ede", deeper=models.KindsNestedDeeper(since=datetime.date(2020, 1, 1))),
        {"deeper": {"since": 5}},
    ),
    "leaf": ({"name": "a"}, lambda models: models.Leaf(name="a"), {"name": None}),
    "nullable_leaf": ({"name": "a"}, lambda models: models.Leaf(name="a"), {}),
    "parent": (
        {"required_string": "b", "required_nullable": "c"},
        lambda models: models.Kinds(required_string="b", required_nullable="c"),
        {"required_string": "b"},
    ),
    "children": (
        [{"required_string": "b", "required_nullable": None}],
        lambda models: [models.Kinds(required_string="b", required_nullable=None)],
        [[]],
    ),
    "free": ({"a": [1, {"b": None}]}, lambda _: {"a": [1, {"b": None}]}, []),
    "bag": ({"a": 1}, lambda _: {"a": 1}, {"a": "1"}),
    "leaves_by_name": ({"b": {"name": "a"}}, lambda models: {"b": models.Leaf(name="a")}, {"b": {}}),
    "inline_bag": ({"a": "2020-01-01"}, lambda _: {"a": datetime.date(2020, 1, 1)}, {"a": "soon"}),
    "inline_free": ({"a": 1}, lambda _: {"a": 1}, "a"),
    "union": (True, lambda _: True, 1.5),
    "leaf_or_text": ({"name": "a"}, lambda models: models.Leaf(name="a"), 5),
    "with_default": (8, lambda _: 8, "8"),
    "text_default": ("other", lambda _: "other", 1),
    "enum_default": ("x", lambda models: models.KindsEnumDefault.X, "z"),
    "always": ("contact", lambda _: "contact", "debtor"),
    "always_typed": ("contact", lambda _: "contact", "debtor"),
    "anything": ([1, {"a": None}], lambda _: [1, {"a": None}], ...),
    "number_or_text": ("12", lambda _: "12", 1.5),
    "whole": ({"name": "a", "left": 1}, lambda models: models.KindsWhole(name="a", left=1), {"name": "a"}),
    "all_of_text": ("a", lambda _: "a", {}),
    "all_of_enum": ("red", lambda models: models.Colour.RED, "green"),
    "all_of_leaf": ({"name": "a"}, lambda models: models.Leaf(name="a"), {}),
}
REQUIRED = {"required_string": "a", "required_nullable": None}


def holds(whole: Any, part: Any) -> bool:
    """Whether `whole` is `part`, but for nulls in objects: those are what a received model lacks."""
    if isinstance(part, dict):
        return all(name in whole and holds(whole[name], value) for name, value in part.items())
    if isinstance(part, list):
        return len(whole) == len(part) and all(map(holds, whole, part))
    return type(whole) is type(part) and bool(whole == part)


def test_every_property_of_the_contract_is_tried(models: Any) -> None:
    assert [*KINDS] == [*CONTRACT["components"]["schemas"]["Kinds"]["properties"]]
    assert {field.name for field in attrs.fields(models.Kinds)} == set(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_is_read_and_written_and_its_opposite_refused(name: str, models: Any, types: Any) -> None:
    document, value, wrong = KINDS[name]
    read = types.decode(json.dumps({**REQUIRED, name: document}).encode(), models.Kinds)
    assert getattr(read, name) == value(models)
    assert type(getattr(read, name)) is type(value(models))
    written = types.content_of(read, models.Kinds)
    assert holds(json.loads(written)[name], document)
    assert types.decode(written, models.Kinds) == read
    if wrong is not ...:
        errors = importlib.import_module(f"{types.__name__.rpartition('.')[0]}.errors")
        with pytest.raises(errors.DecodeError) as caught:
            types.decode(json.dumps({**REQUIRED, name: wrong}).encode(), models.Kinds)
        assert caught.value.path.startswith(f"$.{name}")


def test_what_is_absent_is_none_or_its_default(models: Any, types: Any) -> None:
    read = types.decode(json.dumps(REQUIRED).encode(), models.Kinds)
    defaults = {"with_default": 7, "text_default": "some", "enum_default": models.KindsEnumDefault.Y}
    for name in KINDS:
        assert getattr(read, name) == {**REQUIRED, **defaults}.get(name)
    errors = importlib.import_module(f"{types.__name__.rpartition('.')[0]}.errors")
    for name in REQUIRED:
        body = json.dumps({other: value for other, value in REQUIRED.items() if other != name})
        with pytest.raises(errors.DecodeError, match=f"missing required field `{name}`"):
            types.decode(body.encode(), models.Kinds)


def test_a_union_reads_each_of_its_members(models: Any, types: Any) -> None:
    for value in ("a", 5, False):
        assert types.decode(json.dumps({**REQUIRED, "union": value}).encode(), models.Kinds).union == value
    assert types.decode(json.dumps({**REQUIRED, "leaf_or_text": "a"}).encode(), models.Kinds).leaf_or_text == "a"
    assert types.decode(json.dumps({**REQUIRED, "number_or_text": 12}).encode(), models.Kinds).number_or_text == "12"


def test_a_body_tells_null_from_left_out(package: str, models: Any, types: Any) -> None:
    operation = importlib.import_module(f"{package}.api.kinds.write_kinds")
    client = importlib.import_module(package).AuthenticatedClient
    full = models.NewKinds(
        name="a",
        email=None,
        moment=datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC),
        date=datetime.date(2026, 11, 1),
        colour=models.Colour.RED,
        tags=[],
        address=models.NewAddress(),
        inner=models.NewKindsInner(a=None),
        free={"x": None},
    )
    with FakePayt() as fake, client(fake.url, token=fake.token) as api:
        fake.answer(REQUIRED, path="/kinds/", times=2)
        answer = operation.sync(
            client=api,
            kind_id="a/b",
            body=full,
            mode=models.WriteKindsMode.FAST,
            since=datetime.date(2026, 1, 1),
            key=uuid.UUID(int=7),
            deep=True,
            share=0.5,
        )
        assert answer == models.Kinds(required_string="a", required_nullable=None)
        operation.sync(client=api, kind_id="1", body=models.NewKinds(name="a"))
        assert dict(fake.requests[0].query) == {
            "mode": "fast",
            "since": "2026-01-01",
            "key": str(uuid.UUID(int=7)),
            "deep": "true",
            "share": "0.5",
        }
        assert [request.method for request in fake.requests] == ["POST", "POST"]
    sent = [operation._get_kwargs(kind_id="1", body=body) for body in (full, models.NewKinds(name="a"))]
    assert [json.loads(arguments["content"]) for arguments in sent] == [
        {
            "name": "a",
            "email": None,
            "moment": "2026-11-01T00:00:00Z",
            "date": "2026-11-01",
            "colour": "red",
            "tags": [],
            "address": {},
            "inner": {"a": None},
            "free": {"x": None},
        },
        {"name": "a"},
    ]
    assert sent[0]["headers"] == {"Content-Type": "application/json"}
    assert operation._get_kwargs(kind_id="a/b", body=full)["url"] == "/kinds/a%2Fb"
    assert types.UNSET is models.NewKinds(name="a").email


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"name": 5}, "body, $.name: Expected `str`, got `int`"),
        ({"name": "a", "count": None}, "body, $.count: Expected `int`, got `null`"),
        ({"name": "a", "moment": datetime.datetime(2026, 11, 1)}, "body, $.moment: "),  # noqa: DTZ001 - what is refused
        ({"name": "a", "tags": ["a", 2]}, "body, $.tags[1]: Expected `str`, got `int`"),
        ({"name": "a", "free": {"x": object()}}, "body, $: "),
    ],
    ids=["text", "null", "no zone", "inside a list", "no JSON"],
)
def test_a_body_that_breaks_the_contract_is_refused_before_anything_is_sent(
    fields: dict[str, Any], place: str, models: Any, types: Any
) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared as it stands
        types.content_of(models.NewKinds(**fields), models.NewKinds)
    assert str(caught.value).startswith(place)
    with pytest.raises(ValueError, match="body must be a NewKinds, got dict"):
        types.content_of(fields, models.NewKinds)


def test_a_body_may_be_left_out(package: str, models: Any) -> None:
    operation = importlib.import_module(f"{package}.api.kinds.change_kinds")
    assert operation._get_kwargs() == {"method": "put", "url": "/kinds"}
    body = operation._get_kwargs(body=models.NewKinds(name="a"))
    assert body["content"] == b'{"name":"a"}'
    assert body["headers"] == {"Content-Type": "application/json"}


BOUNDS: dict[str, tuple[dict[str, Any], str]] = {
    "minLength of a part of allOf": ({"title": ""}, "$.title: Expected `str` of length >= 1"),
    "minimum": ({"number": 0}, "$.number: Expected `int` >= 1"),
    "exclusiveMaximum": ({"number": 10}, "$.number: Expected `int` <= 9"),
    "multipleOf, or null": ({"share": 0.7}, "$.share: Expected `float` that's a multiple of 0.5"),
    "pattern of what is referred to": ({"code": "a"}, "$.code: Expected `str` matching regex"),
    "maxLength of what is referred to": ({"code": "ABCD"}, "$.code: Expected `str` of length <= 3"),
    "maxItems of what is referred to": ({"codes": ["A"] * 3}, "$.codes: Expected `array` of length <= 2"),
    "bounds inside what is referred to": ({"codes": ["A", "b"]}, "$.codes[1]: Expected `str` matching regex"),
    "a reference that may be null": ({"maybe": "a"}, "$.maybe: Expected `str` matching regex"),
    "minItems": ({"tags": []}, "$.tags: Expected `array` of length >= 1"),
    "bounds of items": ({"tags": ["ab", "c"]}, "$.tags[1]: Expected `str` of length >= 2"),
    "maxItems of models": ({"leaves": [..., ...]}, "$.leaves: Expected `array` of length <= 1"),
    "maxProperties": ({"by_name": {"a": 1, "b": 2}}, "$.by_name: Expected `object` of length <= 1"),
    "bounds of values": ({"by_name": {"a": 6}}, "$.by_name[...]: Expected `int` <= 5"),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_a_body_keeps_its_bounds_or_is_not_sent(name: str, models: Any, types: Any) -> None:
    fields, message = BOUNDS[name]
    fields = {key: [models.NewAddress()] * 2 if value == [..., ...] else value for key, value in fields.items()}
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared as it stands
        types.content_of(models.NewBounds(**{"title": "a", "number": 1, **fields}), models.NewBounds)
    assert str(caught.value).startswith(f"body, {message}")


def test_a_body_within_its_bounds_is_sent(models: Any, types: Any) -> None:
    full = models.NewBounds(
        title="a",
        number=9,
        share=None,
        code="AB",
        codes=["A", "B"],
        maybe=None,
        tags=["ab", "cd"],
        leaves=[models.NewAddress()],
        by_name={"a": 5},
    )
    sent = json.loads(types.content_of(full, models.NewBounds))
    assert sent == {
        "title": "a",
        "number": 9,
        "share": None,
        "code": "AB",
        "codes": ["A", "B"],
        "maybe": None,
        "tags": ["ab", "cd"],
        "leaves": [{}],
        "by_name": {"a": 5},
    }
    assert "id" not in sent  # readOnly, and so required of answers only


def test_a_list_that_holds_no_value_twice_is_refused_where_it_does(models: Any) -> None:
    with pytest.raises(ValueError, match="tags: Expected every value once"):
        models.NewBounds(title="a", number=1, tags=["ab", "cd", "ab"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"id": "a"}, "id: Expected `str` matching regex"),
        ({"id": "A", "amount": 0.0}, "amount: Expected `float` > 0.0"),
        ({"id": "A", "amount": 0.7}, "amount: Expected `float` that's a multiple of 0.5"),
        ({"id": 5}, "id: Expected `str`, got `int`"),
        ({"id": "A", "type": 10}, "type: Expected `int` <= 9"),
    ],
)
def test_a_parameter_keeps_its_bounds_or_nothing_is_sent(package: str, arguments: dict[str, Any], message: str) -> None:
    operation = importlib.import_module(f"{package}.api.kinds.read_bounds")
    with FakePayt() as fake, importlib.import_module(package).AuthenticatedClient(fake.url, token="t") as api:
        with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared as it stands
            operation.sync(client=api, **arguments)
        assert str(caught.value).startswith(message)
        assert fake.requests == []


def test_a_body_may_be_a_map(package: str) -> None:
    operation: Any = importlib.import_module(f"{package}.api.kinds.change_bags")
    with FakePayt() as fake, payt.Client(fake.token, base_url=fake.url) as client:
        fake.answer("", status=204, path="/bags")
        assert client.call(operation, body={"a": 1}) is None
        assert fake.requests[-1].body == b'{"a":1}'
        with pytest.raises(TypeError, match="body must be a dict, got list"):
            client.call(operation, body=[1])
        with pytest.raises(ValueError, match=r"body, \$\[\.\.\.\]: Expected `int` >= 1"):
            client.call(operation, body={"a": 0})
        with pytest.raises(ValueError, match=r"body, \$: Expected `object` of length >= 1"):
            client.call(operation, body={})
        assert len(fake.requests) == 1


def test_what_is_deprecated_warns_where_it_is_used_and_says_so(package: str, models: Any) -> None:
    operation = importlib.import_module(f"{package}.api.kinds.read_bounds")
    alone = importlib.import_module(package).AuthenticatedClient

    async def main() -> None:
        async with alone(fake.url, token="t") as client:
            await operation.asyncio(client=client, id="A")
        async with payt.AsyncClient(fake.token, base_url=fake.url) as client:
            await asyncio.gather(client.call(operation, id="A", older=6))

    with FakePayt() as fake, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fake.answer("%PDF", path="/bounds/A", times=4)
        with alone(fake.url, token="t") as api:
            operation.sync(client=api, id="A", old="x", older=6)
        with payt.Client(fake.token, base_url=fake.url) as client:
            assert client.call(operation, id="A", old="x", amount=None) == b"%PDF"
        asyncio.run(main())
    whole = "GET /bounds/{id} (read_bounds) is deprecated"
    assert [str(warning.message) for warning in caught] == [
        *(whole, f"old of {whole}", f"older of {whole}"),
        *(whole, f"old of {whole}"),
        whole,
        *(whole, f"older of {whole}"),
    ]
    assert {warning.filename for warning in caught} == {__file__}
    docstring = " ".join(str(operation.sync_detailed.__doc__).split())
    assert "read_bounds. Deprecated. Text within bounds." in docstring
    assert "old: Deprecated. Once." in docstring
    assert "older: Deprecated." in docstring
    assert "leaf: Deprecated. A leaf." in str(inspect.getdoc(models.Kinds))
    assert '"""Deprecated. Once."""' in Path(sys.modules[models.NewBounds.__module__].__file__ or "").read_text("utf-8")


def test_an_answer_that_nothing_parses_comes_as_it_is(package: str) -> None:
    operation = importlib.import_module(f"{package}.api.kinds.read_bounds")
    with FakePayt() as fake, importlib.import_module(package).AuthenticatedClient(fake.url, token="t") as api:
        fake.answer(b"%PDF\xff", path="/bounds/A")
        fake.answer("a;b", status=201, path="/bounds/A")
        fake.answer(b"<a\xff", status=202, path="/bounds/A")
        assert operation.sync(client=api, id="A") == b"%PDF\xff"
        assert operation.sync(client=api, id="A") == "a;b"
        assert operation.sync(client=api, id="A") == b"<a\xff"
        assert fake.requests[-1].headers["accept"] == "application/pdf, text/csv, text/xml"


@pytest.mark.soak
def test_what_is_generated_is_strictly_typed(package: str, models: Any, tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={tmp_path}", "-p", package],
        cwd=Path(models.__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout


@pytest.mark.soak
def test_editors_find_nothing_wrong_with_what_is_generated(package: str, models: Any, tmp_path: Path) -> None:
    folder = Path(models.__file__).parents[1]
    settings = {"include": [os.path.relpath(folder, tmp_path)], "typeCheckingMode": "strict", "pythonVersion": "3.11"}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), "utf-8")
    result = subprocess.run(
        [sys.executable, "-m", "basedpyright", "--project", tmp_path, "--pythonpath", sys.executable],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout


def test_what_the_templates_cannot_write_fails_at_generation_by_its_name(generate: Generate, tmp_path: Path) -> None:
    contract = copy.deepcopy(CONTRACT)
    contract["components"]["schemas"]["Kinds"]["properties"] |= {
        "enum_or_text": {"oneOf": [{"enum": ["a", "b"]}, {"type": "string"}]},
    }
    result = generate(contract)
    assert result.returncode == 2
    assert "Kinds, property 'enum_or_text': Type unions may not contain more than one str-like" in result.stderr
    assert "property 'parent'" not in result.stderr  # holds such a model, and is not to blame
    assert not (tmp_path / "generated").exists()
