"""What ./generate.sh says changed: in the contract, in the Python API, and whether it was announced."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import pytest
from baseline import announced
from changes import changes_between

from support.generation import answer, drop_parameter, operation, parameter
from support.project import Change, Project


def model(document: dict[str, Any], name: str = "Contact") -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


def field(document: dict[str, Any], name: str, model_name: str = "Contact") -> dict[str, Any]:
    found: dict[str, Any] = model(document, model_name)["properties"][name]
    return found


def add_post(document: dict[str, Any]) -> None:
    post = {**copy.deepcopy(operation(document)), "operationId": "write_contact", "parameters": []}
    post["requestBody"] = {"required": True, "content": {"application/json": {"schema": {}}}}
    post["requestBody"]["content"]["application/json"]["schema"]["$ref"] = "#/components/schemas/NewContact"
    document["paths"]["/v1/contacts"]["post"] = post
    document["components"]["schemas"]["NewContact"] = {
        "type": "object",
        "required": ["lastname"],
        "properties": {"lastname": {"type": "string", "minLength": 1}, "email": {"type": ["string", "null"]}},
    }


def add_more(document: dict[str, Any]) -> None:
    """Schemas inside schemas, in all places."""
    values: dict[str, Any] = {"type": "string", "enum": ["a", "b"]}
    model(document)["properties"] |= {
        "mode": {"oneOf": [copy.deepcopy(values), {"type": "null"}]},
        "modes": {"type": "array", "items": copy.deepcopy(values)},
        "map": {"type": "object", "additionalProperties": {"type": "integer"}},
        "inner": {"type": "object", "properties": {"a": {"type": "string"}}},
        "count": {"type": "integer", "default": 7},
        "note": {"type": "string", "x-on-request": True},
    }
    model(document, "NewContact")["properties"]["notes"] = {"type": "array", "items": {"type": "string"}}
    document["components"]["schemas"] |= {
        "Named": {"type": "object", "properties": {"name": {"type": "string"}}},
        "Whole": {"allOf": [{"$ref": "#/components/schemas/Named"}], "properties": {"age": {"type": "integer"}}},
        "Code": {"type": "string", "maxLength": 3},
    }
    code: dict[str, Any] = {"name": "code", "in": "query", "schema": {"$ref": "#/components/schemas/Code"}}
    operation(document)["parameters"].append(code)
    tea = {"description": "Tea.", "content": {"application/json": {"schema": copy.deepcopy(values)}}}
    operation(document)["responses"] |= {"204": {"description": "None."}, "418": tea}


def set_field(name: str, model_name: str = "Contact", /, **keys: Any) -> Change:
    return lambda document: field(document, name, model_name).update(keys)


def body(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"]["/v1/contacts"]["post"]["requestBody"]
    return found


HARMLESS: dict[str, tuple[Change, str]] = {
    "operation added": (
        lambda document: document["paths"].update({"/v1/no-such-list": {"get": operation(document)}}),
        "added    GET /v1/no-such-list",
    ),
    "model added": (
        lambda document: document["components"]["schemas"].update(Unheard={"type": "object"}),
        "added    Unheard",
    ),
    "optional parameter added": (
        lambda document: operation(document)["parameters"].append(
            {"name": "city", "in": "query", "schema": {"type": "string"}}
        ),
        "changed  GET /v1/contacts: query parameter `city` added",
    ),
    "parameter that became optional": (
        lambda document: parameter(document, "administration_id").update(required=False),
        "query parameter `administration_id` is optional now",
    ),
    "wider range": (
        lambda document: parameter(document, "per_page")["schema"].update(maximum=1000),
        "query parameter `per_page` has maximum 1000, was 500",
    ),
    "another default": (
        lambda document: parameter(document, "per_page")["schema"].update(default=50),
        "query parameter `per_page` is 50 by default, was 100",
    ),
    "an operation that moved": (
        lambda document: document["paths"].update(
            {"/v2/contacts": {"get": document["paths"]["/v1/contacts"].pop("get")}}
        ),
        "changed  GET /v1/contacts: is GET /v2/contacts now",
    ),
    "deprecated operation": (
        lambda document: operation(document).update(deprecated=True),
        "GET /v1/contacts: is deprecated now",
    ),
    "deprecated parameter": (
        lambda document: parameter(document, "ids").update(deprecated=True),
        "GET /v1/contacts: query parameter `ids` is deprecated now",
    ),
    "deprecated field": (set_field("gender", deprecated=True), "Contact: field `gender` is deprecated now"),
    "another way of saying null": (
        set_field("gender", type="string", oneOf=[{"type": "string"}, {"type": "null"}], description="Gender."),
        "Contact: field `gender` is described differently",
    ),
    "a value more, or null": (
        lambda document: field(document, "mode")["oneOf"][0]["enum"].append("c"),
        "Contact: field `mode` knows the values ['a', 'b', 'c'], was ['a', 'b']",
    ),
    "a field more inside": (
        lambda document: field(document, "inner")["properties"].update(more={"type": "string"}),
        "Contact: field `inner` field `more` added",
    ),
    "other bounds of what is received": (
        lambda document: field(document, "debtor_numbers")["items"].update(minLength=1),
        "field `debtor_numbers` has minLength 1, was None (of its items)",
    ),
    "a rule that nothing else says": (
        set_field("gender", readOnly=True),
        "Contact: field `gender` has other rules",
    ),
    "other servers": (
        lambda document: document["servers"].pop(),
        "changed  the contract: its servers differ",
    ),
    "another tag": (
        lambda document: operation(document).update(tags=["contacts", "people"]),
        "GET /v1/contacts: tags ['contacts'] -> ['contacts', 'people']",
    ),
    "another example": (
        lambda document: answer(document, "401").update(example={}),
        "GET /v1/contacts: its words or examples",
    ),
    "a list more": (
        lambda document: document["paths"].update({"/v1/more": {"get": {**operation(document), "x-list": "more"}}}),
        "added    client.contacts.more",
    ),
    "a field that always comes": (
        lambda document: field(document, "note").pop("x-on-request"),
        "Contact: field `note` always comes now",
    ),
    "parameter described differently": (
        lambda document: parameter(document, "ids").update(description="Others."),
        "query parameter `ids` is described differently",
    ),
    "several values": (
        lambda document: parameter(document, "updated_after").update({"x-comma-separated": True}),
        "query parameter `updated_after` takes several values now",
    ),
    "another field that a filter looks at": (
        lambda document: parameter(document, "ids").update({"x-matches": "debtor_numbers"}),
        "query parameter `ids` looks at the field debtor_numbers, was id",
    ),
    "another watermark of a copy": (
        lambda document: model(document)["x-copy"].pop("watermark"),
        "Contact: a copy has the watermark None, was updated_at",
    ),
    "operation described differently": (
        lambda document: operation(document).update(summary="Others."),
        "GET /v1/contacts: its words or examples",
    ),
    "status added": (
        lambda document: operation(document)["responses"].update({"404": {"description": "No."}}),
        "GET /v1/contacts: response 404, which holds nothing, added",
    ),
    "status that holds something added": (
        lambda document: operation(document)["responses"].update({"404": operation(document)["responses"]["401"]}),
        "GET /v1/contacts: response 404, which holds Error, added",
    ),
    "status that holds nothing removed": (
        lambda document: operation(document)["responses"].pop("204"),
        "GET /v1/contacts: response 204, which holds nothing, removed",
    ),
    "field added": (
        lambda document: model(document)["properties"].update(city={"type": ["string", "null"]}),
        "changed  Contact: field `city` added",
    ),
    "field that must be sent back to nobody": (
        lambda document: model(document).update(required=["id"]),
        "Contact: field `id` is required now",
    ),
    "field that is never null": (set_field("gender", type="string"), "Contact: field `gender` is never null now"),
    "field that may be null and was optional": (
        set_field("email", "NewContact", type=["string", "null"], description="An address."),
        "NewContact: field `email` is described differently",
    ),
    "number taken too": (
        lambda document: field(document, "gender").update({"x-accept-number": True}),
        "field `gender` may come as a number now",
    ),
    "model described differently": (
        lambda document: model(document).update(description="Others."),
        "Contact: its words or rules",
    ),
    "body that became optional": (lambda document: body(document).update(required=False), "body is optional now"),
    "sent field that may be null": (
        set_field("lastname", "NewContact", type=["string", "null"]),
        "NewContact: field `lastname` may be null now",
    ),
}

BREAKING: dict[str, tuple[Change, str]] = {
    "a value less, or null": (
        lambda document: field(document, "mode")["oneOf"][0]["enum"].remove("b"),
        "Contact: field `mode` knows the values ['a'], was ['a', 'b'] (a value is gone)",
    ),
    "a value less in a list": (
        lambda document: field(document, "modes")["items"]["enum"].remove("b"),
        "Contact: field `modes` knows the values ['a'], was ['a', 'b'] (of its items) (a value is gone)",
    ),
    "another type in a map": (
        lambda document: field(document, "map")["additionalProperties"].update(type="string"),
        "field `map` is object of any names to string, was object of any names to integer (it is of another type)",
    ),
    "a field less inside": (
        lambda document: field(document, "inner")["properties"].pop("a"),
        "Contact: field `inner` field `a` removed (code that reads or sets it fails)",
    ),
    "a field less in a part of allOf": (
        lambda document: model(document, "Named")["properties"].pop("name"),
        "Whole: field `name` removed (code that reads or sets it fails)",
    ),
    "a default less": (
        lambda document: field(document, "count").pop("default"),
        "Contact: field `count` is None by default, was 7 (it may be None, and was not before)",
    ),
    "narrower bounds of items that are sent": (
        lambda document: field(document, "notes", "NewContact")["items"].update(minLength=1),
        "NewContact: field `notes` has minLength 1, was None (of its items) (its range is narrower)",
    ),
    "narrower bounds of what a parameter refers to": (
        lambda document: model(document, "Code").update(maxLength=2),
        "Code: has maxLength 2, was 3 (its range is narrower)",
    ),
    "a field that comes only on request": (
        set_field("gender", **{"x-on-request": True}),
        "Contact: field `gender` comes only when asked for with `fields` now (it is None where `fields` does not name",
    ),
    "a method that lists, renamed": (
        lambda document: operation(document).update({"x-list": "all"}),
        "removed  client.contacts.list (calls of it fail)",
    ),
    "a method that lists, removed": (
        lambda document: operation(document).update({"x-list": False}),
        "removed  client.contacts.list (calls of it fail)",
    ),
    "an answer that holds something, removed": (
        lambda document: operation(document)["responses"].pop("418"),
        "GET /v1/contacts: response 418, which holds string, removed (it is not parsed any more)",
    ),
    "an answer that holds fewer values": (
        lambda document: answer(document, "418")["schema"].update(enum=["a"]),
        "response 418 knows the values ['a'], was ['a', 'b'] (a value is gone)",
    ),
    "operation removed": (lambda document: document["paths"]["/v1/contacts"].pop("get"), "removed  GET /v1/contacts"),
    "operation moved": (
        lambda document: operation(document).update(tags=["people"]),
        "GET /v1/contacts: tags ['contacts'] -> ['people'] (its generated folder has moved)",
    ),
    "operation renamed": (
        lambda document: operation(document).update(operationId="all_contacts"),
        "operationId list_contacts -> all_contacts (its generated module has moved)",
    ),
    "model removed": (lambda document: document["components"]["schemas"].pop("Error"), "removed  Error"),
    "parameter removed": (
        lambda document: drop_parameter(document, "ids"),
        "query parameter `ids` removed (calls that pass it fail)",
    ),
    "required parameter added": (
        lambda document: operation(document)["parameters"].append(
            {"name": "city", "in": "query", "required": True, "schema": {"type": "string"}}
        ),
        "required query parameter `city` added (calls that do not pass it fail)",
    ),
    "parameter of one value": (
        lambda document: parameter(document, "ids").pop("x-comma-separated"),
        "query parameter `ids` takes one value only now (calls that pass several values fail)",
    ),
    "values that are not split any more": (
        lambda document: parameter(document, "ids").pop("x-matches"),
        "query parameter `ids` looks at the field None, was id (values for more than one request are refused)",
    ),
    "another key of a copy": (
        lambda document: model(document)["x-copy"].update(key="lastname"),
        "Contact: a copy has the key lastname, was id (a copy made before cannot be updated)",
    ),
    "parameter required": (
        lambda document: parameter(document, "ids").update(required=True),
        "query parameter `ids` is required now (calls that do not pass it fail)",
    ),
    "parameter of another type": (
        lambda document: parameter(document, "ids")["schema"].update(type="integer"),
        "query parameter `ids` is integer, was string (it is of another type)",
    ),
    "narrower range": (
        lambda document: parameter(document, "per_page")["schema"].update(maximum=250),
        "query parameter `per_page` has maximum 250, was 500 (its range is narrower)",
    ),
    "range that begins later": (
        lambda document: parameter(document, "per_page")["schema"].update(minimum=10),
        "query parameter `per_page` has minimum 10, was 1 (its range is narrower)",
    ),
    "pattern": (
        lambda document: parameter(document, "ids")["schema"].update(pattern="^[0-9,]+$"),
        "query parameter `ids` has pattern ^[0-9,]+$, was None (it is stricter)",
    ),
    "parameter of a few values": (
        lambda document: parameter(document, "ids")["schema"].update(enum=["1"]),
        "query parameter `ids` knows the values ['1'], was None (only some values are allowed)",
    ),
    "status that holds something else": (
        lambda document: answer(document, "401").update(schema={"$ref": "#/components/schemas/Contact"}),
        "response 401 holds Contact, was Error (it is parsed as something else)",
    ),
    "field removed": (
        lambda document: model(document)["properties"].pop("gender"),
        "Contact: field `gender` removed (code that reads or sets it fails)",
    ),
    "field of another type": (
        set_field("gender", type=["integer", "null"]),
        "Contact: field `gender` is integer, was string (it is of another type)",
    ),
    "field of another format": (
        set_field("gender", format="date"),
        "Contact: field `gender` is string (date), was string (it is of another type)",
    ),
    "list of something else": (
        set_field("debtor_numbers", items={"type": "integer"}),
        "field `debtor_numbers` is list of integer, was list of string (it is of another type)",
    ),
    "field that may be missing": (
        lambda document: model(document, "ContactsPage").pop("required"),
        "ContactsPage: field `data` is optional now (it may be None, and was not before)",
    ),
    "field that may be null": (
        set_field("data", "ContactsPage", type=["array", "null"]),
        "ContactsPage: field `data` may be null now (it may be None, and was not before)",
    ),
    "body removed": (
        lambda document: document["paths"]["/v1/contacts"]["post"].pop("requestBody"),
        "POST /v1/contacts: body removed (calls that pass it fail)",
    ),
    "body of another model": (
        lambda document: body(document)["content"]["application/json"]["schema"].update(
            {"$ref": "#/components/schemas/Contact"}
        ),
        "POST /v1/contacts: body is Contact, was NewContact (calls that pass it fail)",
    ),
    "body required elsewhere": (
        lambda document: operation(document).update(requestBody=copy.deepcopy(body(document))),
        "GET /v1/contacts: body added (calls that do not pass it fail)",
    ),
    "required field to be sent": (
        lambda document: (
            model(document, "NewContact")["properties"].update(city={"type": "string"}),
            model(document, "NewContact")["required"].append("city"),
        ),
        "NewContact: required field `city` added (code that makes one without it fails)",
    ),
    "field to be sent that is required": (
        lambda document: model(document, "NewContact")["required"].append("email"),
        "NewContact: field `email` is required now (code that makes one without it fails)",
    ),
    "field to be sent that cannot be null": (
        set_field("email", "NewContact", type="string"),
        "NewContact: field `email` is never null now (null is refused)",
    ),
    "field to be sent of a narrower range": (
        set_field("lastname", "NewContact", minLength=2),
        "NewContact: field `lastname` has minLength 2, was 1 (its range is narrower)",
    ),
}


@pytest.fixture
def old(contract: dict[str, Any]) -> dict[str, Any]:
    add_post(contract)
    add_more(contract)
    return contract


def test_nothing_changed(old: dict[str, Any]) -> None:
    assert changes_between(old, copy.deepcopy(old)) == []


@pytest.mark.parametrize("name", HARMLESS)
def test_a_change_that_breaks_nothing_is_said_and_passes(name: str, old: dict[str, Any]) -> None:
    change, words = HARMLESS[name]
    new = copy.deepcopy(old)
    change(new)
    changes = changes_between(old, new)
    assert any(words in str(change) for change in changes), [*map(str, changes)]
    assert [str(change) for change in changes if change.breaks] == []


@pytest.mark.parametrize("name", BREAKING)
def test_a_change_that_breaks_code_is_said_with_the_reason(name: str, old: dict[str, Any]) -> None:
    change, words = BREAKING[name]
    new = copy.deepcopy(old)
    change(new)
    breaking = [str(change) for change in changes_between(old, new) if change.breaks]
    assert any(words in line for line in breaking), breaking
    assert all(line.startswith("BREAKING ") for line in breaking)


@pytest.mark.parametrize(
    ("old", "new", "enough"),
    [
        ("0.1.0", "0.1.0", False),
        ("0.1.0", "0.1.1", False),
        ("0.1.0", "0.2.0", True),
        ("0.1.0", "1.0.0", True),
        ("1.2.3", "1.3.0", False),
        ("1.2.3", "2.0.0", True),
        ("1.2.3", "0.9.0", False),
    ],
)
def test_a_breaking_change_is_announced_by_version_and_changelog(old: str, new: str, enough: bool) -> None:
    says_so = f"# Changelog\n\n## [{new}]\n\n- **Breaking**: `gender` is gone.\n\n## [0.0.1]\n"
    assert (announced(old, new, says_so) == []) is enough
    long_ago = f"# Changelog\n\n## [{new}]\n\n- Fixed.\n\n## [0.0.1]\n\n- **Breaking**: all.\n"
    assert any("CHANGELOG.md does not say so" in line for line in announced(old, new, long_ago))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def test_the_day_the_contract_breaks(project: Project) -> None:
    project.commit(tag="v0.1.0")
    project.edit_contract(lambda document: model(document)["properties"].pop("gender"))
    described = {"type": ["string", "null"], "description": "Where."}
    project.edit_contract(lambda document: model(document)["properties"].update(city=described))
    project.edit_contract(
        lambda document: [record.pop("gender", None) for record in answer(document)["example"]["data"]]
    )
    generated = project.generate()
    assert generated.returncode == 0, generated.stderr
    assert "Compared with the last release, v0.1.0:" in generated.stdout
    assert "BREAKING changed  Contact: field `gender` removed (code that reads or sets it fails)" in generated.stdout
    assert "         changed  Contact: field `city` added\n" in generated.stdout
    assert "BREAKING Python   payt_api.models.contact: Contact.gender: " in generated.stdout
    assert "raise it to 0.2.0 in wrapper/payt/_version.py" in generated.stdout
    checked = project.generate("--check")
    assert checked.returncode == 1
    assert "Users' code breaks." in checked.stdout
    assert "CHANGELOG.md does not say so" in checked.stdout

    project.edit("wrapper/payt/_version.py", lambda text: text.replace("0.1.0", "0.2.0"))
    project.edit(
        "CHANGELOG.md", lambda text: text.replace("## [0.1", "## [Unreleased]\n\n- **Breaking**: x\n\n## [0.1")
    )
    checked = project.generate("--check")
    assert (checked.returncode, checked.stdout) == (0, ""), checked.stdout + checked.stderr


def test_a_breaking_change_of_what_is_written_by_hand(project: Project) -> None:
    project.commit()
    project.edit(
        "wrapper/payt/client.py", lambda text: text.replace("http2: bool = False,", "http_2: bool = False,", 1)
    )
    project.edit("wrapper/payt/__init__.py", lambda text: text.replace('    "TransportError",\n', ""))
    project.edit("wrapper/payt/settings.py", lambda text: text.replace("USER_AGENT", "OTHER"))  # promised to nobody
    checked = project.generate("--check", "--against", "HEAD")
    assert checked.returncode == 1
    assert "Compared with HEAD:" in checked.stdout
    assert "the contract is the same" in checked.stdout
    python = [line for line in checked.stdout.splitlines() if "BREAKING" in line]
    assert "  BREAKING Python   payt.TransportError: removed" in python
    assert "  BREAKING Python   payt.client: _Client.__init__(http2): Parameter was removed" in python
    assert "settings" not in checked.stdout


@pytest.mark.soak
def test_another_default_is_said_and_breaks_nothing(project: Project) -> None:
    project.commit(tag="v0.1.0")
    project.edit_contract(lambda document: parameter(document, "per_page")["schema"].update(default=50))
    project.edit("wrapper/payt/client.py", lambda text: text.replace("http2: bool = False", "http2: bool = True"))
    generated = project.generate()
    assert "query parameter `per_page` is 50 by default, was 100" in generated.stdout
    assert "payt.client: _Client.__init__(http2): Parameter default was changed: False -> True" in generated.stdout
    assert "BREAKING" not in generated.stdout
    checked = project.generate("--check")
    assert (checked.returncode, checked.stdout) == (0, ""), checked.stdout + checked.stderr


@pytest.mark.soak
def test_without_a_release_the_last_commit_is_compared_with_and_judges_nothing(project: Project) -> None:
    project.commit()
    project.edit_contract(lambda document: parameter(document, "per_page")["schema"].update(maximum=250, default=100))
    project.edit_contract(lambda document: parameter(document, "per_page").update(example=250))
    generated = project.generate()
    assert "Compared with the last commit (no release is tagged in this clone)" in generated.stdout
    assert "has maximum 250, was 500 (its range is narrower)" in generated.stdout
    assert project.generate("--check").returncode == 0


def test_a_folder_without_history_has_nothing_to_compare_with(project: Project) -> None:
    generated = project.generate()
    assert generated.returncode == 0, generated.stderr
    assert "Changes: there is no git history here, so nothing to compare with." in generated.stdout
    asked = project.generate("--against", "v0.1.0")
    assert asked.returncode == 2
    assert "there is no revision 'v0.1.0' here" in asked.stderr
    assert "Traceback" not in asked.stderr


def test_a_shallow_clone_without_tags_compares_with_its_commit(project: Project, tmp_path: Path) -> None:
    project.commit(tag="v0.1.0")
    project.edit("CHANGELOG.md", lambda text: text + "\n")
    project.commit()
    clone = Project(tmp_path / "other")
    shutil.rmtree(clone.root)
    project.git("clone", "--quiet", "--depth=1", "--no-tags", project.root.as_uri(), clone.root)
    generated = clone.generate()
    assert generated.returncode == 0, generated.stderr
    assert "Compared with the last commit (no release is tagged in this clone)" in generated.stdout
    assert clone.generate("--against", "v0.1.0").returncode == 2


def test_the_contract_can_be_judged_without_generating(project: Project) -> None:
    assert project.generate("--lint").returncode == 0
    project.edit_contract(lambda document: parameter(document, "ids").pop("example"))
    linted = project.generate("--lint")
    assert linted.returncode == 1
    assert "GET /v1/contacts, parameter 'ids': it has no example: add one" in linted.stderr
    checked = project.generate("--check")
    assert checked.returncode == 1
    assert "to do before scripts/check passes" in checked.stderr
