"""GET /v1/contacts of the fake server: parameters, pages, refusals."""

import datetime
import json
import time
from typing import Any, get_args

import httpx
import pytest
from testing.clients import Get, connect, refusal

import payt
from payt.testing import FakePayt, LastPage, contact, contacts, example_page


def ids(response: httpx.Response) -> list[str]:
    assert response.status_code == 200, response.text
    return [each["id"] for each in response.json()["data"]]


def walk(client: httpx.Client, **parameters: str) -> list[dict[str, Any]]:
    """Every page of a listing, by the plainest of loops."""
    pages = []
    asked = {"administration_id": "1", **parameters}
    while True:
        page = client.get("/v1/contacts", params=asked).json()
        pages.append(page)
        cursor = (page.get("pagination") or {}).get("cursor")
        if not cursor:
            return pages
        asked["cursor"] = cursor


def test_a_page_holds_contacts_as_utf8_json(get: Get) -> None:
    response = get()
    assert response.json() == {"data": contacts(12), "pagination": {"cursor": None}}
    assert response.headers["content-type"] == "application/json"
    assert int(response.headers["content-length"]) == len(response.content)
    assert "ë".encode() in response.content


def test_the_default_page_holds_a_hundred_contacts() -> None:
    with FakePayt(contacts=101) as fake, connect(fake) as client:
        first = client.get("/v1/contacts?administration_id=1").json()
        assert len(first["data"]) == 100
        assert first["pagination"] == {"cursor": "100"}


def test_pages_follow_the_cursor_in_the_numeric_order_of_ids(get: Get) -> None:
    assert ids(get(per_page=5)) == ["1", "2", "3", "4", "5"]
    assert ids(get(per_page=5, cursor="5")) == ["6", "7", "8", "9", "10"]
    assert ids(get(per_page=5, cursor="9")) == ["10", "11", "12"]
    assert ids(get(cursor="12")) == []


def test_contacts_are_ordered_by_id_however_they_came() -> None:
    with FakePayt(contacts=[contact(id=number) for number in (30, 4, 100, 0)]) as fake, connect(fake) as client:
        assert ids(client.get("/v1/contacts?administration_id=1")) == ["0", "4", "30", "100"]
        assert ids(client.get("/v1/contacts?administration_id=1&cursor=5")) == ["30", "100"]
        assert [each["id"] for each in fake.contacts] == ["0", "4", "30", "100"]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"ids": "3,11,99"}, ["3", "11"]),
        ({"ids": "3"}, ["3"]),
        ({"ids": "03"}, []),
        ({"contact_identifiers": "K100002,K100005"}, ["2", "5"]),
        ({"contact_identifiers": "nobody"}, []),
        ({"debtor_numbers": "D10004,D10007"}, ["4", "7"]),
        ({"debtor_numbers": "D10004", "ids": "4,7"}, ["4"]),
        ({"debtor_numbers": "D10004", "ids": "7"}, []),
        ({"ids": "1,2,3,4", "contact_identifiers": "K100002,K100003", "debtor_numbers": "D10003,D10004"}, ["3"]),
        ({"ids": "1,2,3", "cursor": "1"}, ["2", "3"]),
        ({"something": "else", "ids[]": "1", "page": "2"}, [str(number) for number in range(1, 13)]),
        ({"ids": "", "contact_identifiers": "", "debtor_numbers": ""}, [str(number) for number in range(1, 13)]),
    ],
)
def test_filters_combine_and_unknown_parameters_do_nothing(
    get: Get, parameters: dict[str, str], expected: list[str]
) -> None:
    assert ids(get(**parameters)) == expected


def test_any_of_a_contacts_debtor_numbers_finds_it() -> None:
    several = contact(id=1, debtor_numbers=["A", "B"])
    with FakePayt(contacts=[several, contact(id=2, debtor_numbers=["C"])]) as fake, connect(fake) as client:
        for number in "AB":
            assert ids(client.get(f"/v1/contacts?administration_id=1&debtor_numbers={number}")) == ["1"]


@pytest.mark.parametrize("unusual", [None, "A", 5, [None, {"A": 1}], {"A": 1}])
def test_filters_pass_over_contacts_with_unusual_values(unusual: object) -> None:
    odd = {"id": "1", "contact_identifier": unusual, "debtor_numbers": unusual, "updated_at": unusual}
    with FakePayt(contacts=[odd]) as fake, connect(fake) as client:
        for parameter in ("contact_identifiers=K", "debtor_numbers=K", "updated_after=2020-01-01T00:00:00Z"):
            assert ids(client.get(f"/v1/contacts?administration_id=1&{parameter}")) == []
        assert client.get("/v1/contacts?administration_id=1").json()["data"] == [odd]


def test_updated_after_means_strictly_after_in_any_offset() -> None:
    moments = ["2026-01-01T00:00:00.000001Z", "2026-01-01T00:00:00Z", "2025-12-31T23:59:59.999999Z", None]
    given = [contact(id=number, updated_at=moment) for number, moment in enumerate(moments, 1)]
    with FakePayt(contacts=given) as fake, connect(fake) as client:

        def after(moment: str) -> list[str]:
            return ids(client.get("/v1/contacts", params={"administration_id": "1", "updated_after": moment}))

        assert after("2026-01-01T00:00:00Z") == ["1"]
        assert after("2026-01-01T01:00:00+01:00") == ["1"]
        assert after("2025-12-31t23:59:59.999999z") == ["1", "2"]
        assert after("0001-01-01T00:00:00+23:59") == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"only": ["id", "lastname"]}, {"id": "1", "lastname": "Jansen"}),
        ({"only": ["lastname", "nothing"]}, {"lastname": "Jansen"}),
        ({"only": []}, {}),
        ({"only": [{"validation_errors": ["a"]}]}, {"validation_errors": {"a": [1]}}),
        ({"only": [{"validation_errors": []}]}, {"validation_errors": {}}),
        (
            {"only": ["validation_errors", {"validation_errors": ["a"]}]},
            {"validation_errors": {"a": [1], "b": {"c": 2}}},
        ),
        (
            {"only": [{"validation_errors": ["a"]}, {"validation_errors": [{"b": ["c"]}]}]},
            {"validation_errors": {"a": [1], "b": {"c": 2}}},
        ),
        (
            {"only": [{"validation_errors": ["a"]}, "validation_errors"]},
            {"validation_errors": {"a": [1], "b": {"c": 2}}},
        ),
        ({"only": [{"debtor_numbers": ["x"]}]}, {"debtor_numbers": ["D1"]}),
        ({"only": [{"labels": ["name"]}]}, {"labels": [{"name": "A"}]}),
        ({"except": ["validation_errors", "labels", "debtor_numbers"]}, {"id": "1", "lastname": "Jansen"}),
        (
            {"except": ["id", "labels", {"validation_errors": ["b"]}, {"debtor_numbers": ["x"]}]},
            {"debtor_numbers": ["D1"], "lastname": "Jansen", "validation_errors": {"a": [1]}},
        ),
        ({"only": ["labels"], "except": [{"labels": ["name"]}]}, {"labels": [{"color": "red"}]}),
        ({"only": ["id", "lastname"], "except": ["id"]}, {"lastname": "Jansen"}),
    ],
)
def test_only_the_fields_asked_for_are_rendered(fields: object, expected: dict[str, Any]) -> None:
    given = {
        "id": "1",
        "debtor_numbers": ["D1"],
        "lastname": "Jansen",
        "validation_errors": {"a": [1], "b": {"c": 2}},
        "labels": [{"name": "A", "color": "red"}],
    }
    with FakePayt(contacts=[given]) as fake, connect(fake) as client:
        parameters = {"administration_id": "1", "fields": json.dumps(fields)}
        assert client.get("/v1/contacts", params=parameters).json()["data"] == [expected]


def test_no_restriction_of_fields_leaves_the_contact_whole(get: Get) -> None:
    assert get(fields="{}").json()["data"] == contacts(12)


def test_the_cursor_is_there_though_the_id_was_not_asked_for(get: Get) -> None:
    page = get(fields='{"only":["infix"]}', per_page=2).json()
    assert page["pagination"] == {"cursor": "2"}
    assert [list(each) for each in page["data"]] == [["infix"], ["infix"]]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"administration_id": ""}, "administration_id is missing"),
        ({"administration_id": ["1", "1"]}, "administration_id is given more than once"),
        ({"per_page": "0"}, "per_page"),
        ({"per_page": "501"}, "per_page"),
        ({"per_page": "-1"}, "per_page"),
        ({"per_page": "abc"}, "per_page"),
        ({"per_page": ""}, "per_page"),
        ({"per_page": "1.5"}, "per_page"),
        ({"per_page": "٣"}, "per_page"),
        ({"per_page": "9" * 5_000}, "per_page"),
        ({"per_page": ["1", "2"]}, "per_page is given more than once"),
        ({"updated_after": "not-a-date"}, "updated_after"),
        ({"updated_after": ""}, "updated_after"),
        ({"updated_after": "2026-11-01"}, "updated_after"),
        ({"updated_after": "2026-11-01T00:00:00"}, "updated_after"),
        ({"updated_after": "2026-13-01T00:00:00Z"}, "updated_after"),
        ({"updated_after": "2026-11-01T00:00:00 01:00"}, "updated_after"),
        ({"cursor": "abc"}, "cursor"),
        ({"cursor": ""}, "cursor"),
        ({"cursor": "-1"}, "cursor"),
        ({"cursor": "9" * 5_000}, "cursor"),
        ({"ids": ["1", "2"]}, "ids is given more than once"),
        ({"fields": ""}, "fields"),
        ({"fields": "id"}, "fields"),
        ({"fields": "[]"}, "fields"),
        ({"fields": '{"only":"id"}'}, "fields"),
        ({"fields": '{"only":[1]}'}, "fields"),
        ({"fields": '{"only":[{"label":"name"}]}'}, "fields"),
        ({"fields": '{"just":["id"]}'}, "fields"),
        ({"fields": '{"only":' + "[" * 20_000}, "fields"),
        ({"fields": '{"only":' + '[{"a":' * 2_000 + "[]" + "}]" * 2_000 + "}"}, "fields"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_parameters_against_the_contract_are_refused(get: Get, parameters: dict[str, Any], words: str) -> None:
    status, code, message = refusal(get(**parameters))
    assert (status, code) == (422, "unprocessable_entity")
    assert words in message


def test_a_missing_administration_is_refused(fake: FakePayt) -> None:
    with connect(fake) as client:
        missing = (422, "unprocessable_entity", "administration_id is missing")
        assert refusal(client.get("/v1/contacts")) == missing


def test_the_bounds_of_per_page_are_in_the_contract(get: Get) -> None:
    assert len(ids(get(per_page=1))) == 1
    assert len(ids(get(per_page=500))) == 12


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "Bearer", "fake-token", "Basic fake-token"])
def test_a_wrong_token_is_answered_with_a_challenge(fake: FakePayt, authorization: str) -> None:
    with connect(fake, authorization) as client:
        response = client.get("/v1/contacts?administration_id=1")
    assert refusal(response) == (401, "unauthorized", "The access token is invalid")
    assert response.headers["www-authenticate"] == (
        'Bearer realm="Payt API", error="invalid_token", error_description="The access token is invalid"'
    )


def test_a_request_without_a_token_is_answered_the_same(fake: FakePayt) -> None:
    with connect(fake) as client:
        del client.headers["authorization"]
        assert refusal(client.get("/v1/contacts"))[0] == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_in_any_case(fake: FakePayt, scheme: str) -> None:
    with connect(fake, f"{scheme} {fake.token}") as client:
        assert client.get("/v1/contacts?administration_id=1").status_code == 200


def test_several_tokens_are_accepted_given_and_taken() -> None:
    with FakePayt(contacts=1, token=["first", "second"]) as fake:
        assert fake.token == "first"

        def status(token: str) -> int:
            with connect(fake, f"Bearer {token}") as client:
                return int(client.get("/v1/contacts?administration_id=1").status_code)

        assert [status(token) for token in ("first", "second", "third")] == [200, 200, 401]
        fake.tokens.add("third")
        fake.tokens.discard("first")
        fake.tokens.discard("never there")
        fake.tokens["second"] = "contacts:write"
        assert [status(token) for token in ("first", "second", "third")] == [401, 403, 200]
        assert set(fake.tokens) == {"second", "third"}


def test_a_token_without_the_scope_is_forbidden(fake: FakePayt, get: Get) -> None:
    fake.tokens[fake.token] = "contacts:write invoices:read"
    assert refusal(get()) == (403, "forbidden", "Missing permission: contacts:read")


def test_an_unknown_administration_is_forbidden(get: Get) -> None:
    assert refusal(get(administration_id="2")) == (403, "forbidden", "No access to this administration")


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/contacts/", "/v1/contacts/1", "/v2/contacts", "/*"])
def test_other_paths_are_not_found(fake: FakePayt, path: str) -> None:
    with connect(fake) as client:
        assert refusal(client.get(fake.url + path))[:2] == (404, "not_found")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "HEAD", "QUERY"])
def test_other_methods_are_not_allowed(fake: FakePayt, method: str) -> None:
    with connect(fake, "") as client:
        response = client.request(method, "/v1/contacts")
        assert (response.status_code, response.headers["allow"]) == (405, "GET")
        if method == "HEAD":
            assert response.content == b""
        else:
            assert refusal(response)[1] == "method_not_allowed"
        assert client.get("/v1/contacts").status_code == 401
    assert fake.connections == 1


@pytest.mark.parametrize(
    ("last_page", "end"),
    [
        ("null", {"pagination": {"cursor": None}}),
        ("missing", {}),
        ("null-pagination", {"pagination": None}),
        ("empty-string", {"pagination": {"cursor": ""}}),
        ("missing-cursor", {"pagination": {}}),
    ],
)
@pytest.mark.parametrize("count", [0, 3, 4])
def test_the_end_shows_in_the_way_that_was_chosen(last_page: LastPage, end: dict[str, Any], count: int) -> None:
    with FakePayt(contacts=count, last_page=last_page) as fake, connect(fake) as client:
        *before, last = walk(client, per_page="2")
        assert {key: value for key, value in last.items() if key != "data"} == end
        assert [len(page["data"]) for page in (*before, last)] == {0: [0], 3: [2, 1], 4: [2, 2]}[count]


def test_an_empty_page_can_follow_a_full_one() -> None:
    with FakePayt(contacts=4, last_page="empty-page") as fake, connect(fake) as client:
        assert [page["pagination"]["cursor"] for page in walk(client, per_page="2")] == ["2", "4", None]
        assert [page["pagination"]["cursor"] for page in walk(client, per_page="3")] == ["3", None]


def test_the_end_can_be_chosen_while_it_serves(fake: FakePayt, get: Get) -> None:
    for last_page in get_args(LastPage):
        fake.last_page = last_page
        assert ids(get()) == [str(number) for number in range(1, 13)]
    fake.last_page = "missing"
    assert list(get().json()) == ["data"]


def test_ids_and_cursors_can_be_numbers() -> None:
    with FakePayt(contacts=3, numbers=True) as fake, connect(fake) as client:
        first, second = walk(client, per_page="2")
        assert [each["id"] for each in first["data"] + second["data"]] == [1, 2, 3]
        assert first["pagination"] == {"cursor": 2}


def test_fields_unknown_to_the_contract_can_be_added() -> None:
    with FakePayt(contacts=2, extra_fields={"label": {"name": "A", "id": 1}}) as fake, connect(fake) as client:
        assert [each["label"] for each in walk(client)[0]["data"]] == [{"name": "A", "id": 1}] * 2
        only = walk(client, fields='{"only":[{"label":["name"]}]}')[0]["data"]
        assert only == [{"label": {"name": "A"}}] * 2


def test_several_administrations_are_served() -> None:
    with FakePayt(administrations={"A": 3, "B": [{"id": "9"}]}) as fake, connect(fake) as client:
        assert fake.administration_id == "A"
        fake.add_administration("C", 2)
        assert {name: len(each) for name, each in fake.administrations.items()} == {"A": 3, "B": 1, "C": 2}
        assert walk(client, administration_id="B")[0]["data"] == [{"id": "9"}]
        a, c = (walk(client, administration_id=name)[0]["data"] for name in "AC")
        assert a == contacts(3)
        assert c == contacts(2, seed=2) != a[:2]
        with pytest.raises(ValueError, match="'B' already"):
            fake.add_administration("B")


def test_administrations_may_be_ids_alone() -> None:
    assert {name: len(each) for name, each in FakePayt(administrations=["1", "2"]).administrations.items()} == {
        "1": 0,
        "2": 0,
    }
    fake = FakePayt(contacts=2, administrations=iter(["5", "6"]))
    assert (fake.administration_id, len(fake.contacts), list(fake.administrations["6"])) == ("5", 2, [])


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"administrations": [1]}, TypeError, r"a value of administrations must be a string, got int: pass str\(1\)"),
        (
            {"administrations": {2: 5}},
            TypeError,
            r"a value of administrations must be a string, got int: pass str\(2\)",
        ),
        ({"administrations": "12"}, TypeError, "administrations must be an iterable of strings, got str: pass a list"),
        ({"administrations": 2}, TypeError, "administrations must be an iterable of strings, got int"),
        ({"administration_id": 1}, TypeError, r"administration_id must be a string, got int: pass str\(1\)"),
        ({"last_page": "nul"}, ValueError, "last_page must be 'null' or 'missing' or"),
        ({"rate_limit": 0}, ValueError, "rate_limit must be 1 or more"),
        ({"latency": -1}, ValueError, "latency must be above 0 and finite, got -1"),
        ({"rate_limit_retry_after": -1}, ValueError, "rate_limit_retry_after must be 0 or more, got -1"),
        ({"contacts": -1}, ValueError, "the number of contacts must be 0 or more, got -1"),
        ({"contacts": True}, TypeError, "the number of contacts must be a whole number, got bool"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        FakePayt(**settings)


def test_adding_to_an_administration_makes_it(fake: FakePayt) -> None:
    fake.add(administration_id="2", lastname="Jansen")
    fake.add(administration_id="2")
    assert [contact["lastname"] for contact in fake.administrations["2"]][:1] == ["Jansen"]
    assert len(fake.administrations["2"]) == 2
    with pytest.raises(KeyError, match="there is no administration '9': use one of '1', '2', or add it with add_"):
        fake.change("1", administration_id="9", lastname="Jansen")
    ways: list[Any] = [fake.add_administration, lambda given: fake.add(administration_id=given)]
    for add in ways:
        for number in (2, 3):  # one that is there as text, and one that is not
            with pytest.raises(TypeError, match=rf"administration_id must be a string, got int: pass str\({number}\)"):
                add(number)


def test_a_fake_may_have_no_tokens_but_those_of_oauth() -> None:
    with FakePayt(1, token=[]) as fake:
        assert fake.token == ""
        assert httpx.get(f"{fake.url}/v1/administrations", headers={"authorization": "Bearer x"}).status_code == 401


def test_the_administration_of_the_contacts_can_be_named() -> None:
    with FakePayt(contacts=1, administration_id="77", administrations={"1": 2}) as fake, connect(fake) as client:
        assert len(walk(client, administration_id="77")[0]["data"]) == 1
        assert len(walk(client, administration_id="1")[0]["data"]) == 2
        assert fake.contacts == contacts(1, seed=1)
    with pytest.raises(ValueError, match="'1' already"):
        FakePayt(contacts=1, administrations={"1": 2})


def test_contacts_can_be_added_changed_and_removed(fake: FakePayt, get: Get) -> None:
    before = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    added = fake.add(lastname="Nieuw")
    assert (added["id"], added["lastname"]) == ("13", "Nieuw")
    changed = fake.change(3, lastname="Anders")
    assert changed == {**contact(id=3), "lastname": "Anders", "updated_at": changed["updated_at"]}
    fake.remove("5")
    assert get(ids="3,5,13").json()["data"] == [changed, added]
    assert ids(get(updated_after=f"{before}Z", cursor="1")) == ["3", "13"]
    assert [each["id"] for each in fake.contacts] == [str(number) for number in range(1, 14) if number != 5]


def test_changes_are_made_in_the_administration_that_is_named(fake: FakePayt) -> None:
    other = fake.add_administration("2")
    assert fake.add(administration_id="2")["id"] == "1"
    fake.change("1", administration_id="2", infix="te")
    assert other.contacts[0]["infix"] == "te"
    fake.remove(1, administration_id="2")
    assert other.contacts == []
    assert len(fake.contacts) == 12


def test_a_contact_that_is_added_is_taken_as_it_is(fake: FakePayt) -> None:
    assert fake.add({"id": "20", "updated_at": None}) == {"id": "20", "updated_at": None}
    assert list(fake.add({"lastname": "A"}, infix="te")) == ["id", "updated_at", "lastname", "infix"]
    assert fake.contacts[-1]["id"] == "21"
    assert fake.change("20", updated_at="never", id=20)["updated_at"] == "never"


def test_moments_and_dates_are_written_as_the_api_does(fake: FakePayt, get: Get) -> None:
    moment = datetime.datetime(2026, 1, 2, 9, 30, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
    text = "2026-01-02T08:30:00.000000Z"
    assert fake.add(updated_at=moment)["updated_at"] == text
    assert fake.add({"id": "20", "updated_at": moment, "validation_errors": {"lastname": [moment.date()]}}) == {
        "id": "20",
        "updated_at": text,
        "validation_errors": {"lastname": ["2026-01-02"]},
    }
    assert fake.change("3", updated_at=moment)["updated_at"] == text
    assert contact(updated_at=moment)["updated_at"] == text
    assert [each["updated_at"] for each in get(ids="3,13,20").json()["data"]] == [text] * 3
    assert {"3", "13", "20"} <= set(ids(get(updated_after="2026-01-02T08:29:00Z")))
    assert not {"3", "13", "20"} & set(ids(get(updated_after=text)))
    fake.answer({"data": [{"id": "1", "updated_at": moment}]})
    assert get().json() == {"data": [{"id": "1", "updated_at": text}]}
    assert FakePayt(contacts=[{"id": "1", "updated_at": moment}]).contacts[0]["updated_at"] == text
    local = moment.replace(tzinfo=None)
    with pytest.raises(ValueError, match=r"has no time zone: use datetime.now\(UTC\)"):
        fake.add(updated_at=local)
    with pytest.raises(ValueError, match="has no time zone"):
        fake.change("3", updated_at=local)


def test_what_cannot_be_a_contact_is_refused_at_once(fake: FakePayt) -> None:
    with pytest.raises(ValueError, match="with the id 3 already"):
        fake.add({"id": "3"})
    with pytest.raises(ValueError, match="keeps its id"):
        fake.change("3", id="4")
    with pytest.raises(KeyError, match="no record with the id 99"):
        fake.change("99", infix="te")
    with pytest.raises(KeyError, match="no record with the id 99"):
        fake.remove("99")
    with pytest.raises(TypeError, match="did you mean 'lastname'"):
        fake.add(last_name="A")
    with pytest.raises(TypeError, match="did you mean 'lastname'"):
        fake.change("3", last_name="A")
    with pytest.raises(TypeError, match="not JSON serializable"):
        fake.add({"lastname": object()})
    model: Any = payt.Contact(id="7")
    takers: list[Any] = [fake.add, lambda given: FakePayt(contacts=[given])]
    for taking in takers:
        with pytest.raises(
            TypeError, match=r"must be a dict, as the API sends it, got Contact: pass it with .to_dict\(\)"
        ):
            taking(model)
    with pytest.raises(ValueError, match="whole number, got 'abc': to choose another, pass the whole record as a dict"):
        fake.add(id="abc")
    with pytest.raises(ValueError, match="needs id to be listed by"):
        FakePayt(contacts=[{"lastname": "A"}])
    assert fake.contacts == contacts(12)


def test_the_answer_of_the_reference_page_can_be_given(fake: FakePayt, get: Get) -> None:
    fake.answer(example_page())
    assert get().json() == example_page()
    assert ids(get())[0] == "1"


def test_a_lone_surrogate_is_served_as_it_is() -> None:
    with FakePayt(contacts=[{"id": "1", "lastname": "\ud800"}]) as fake, connect(fake) as client:
        assert b"\xed\xa0\x80" in client.get("/v1/contacts?administration_id=1").content
