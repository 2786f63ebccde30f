"""What the generator, or our templates, would silently misread in a contract.

Each rule is a function that yields one sentence a problem, with the place in the contract and the way out.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from document import (
    METHODS,
    alternatives_of,
    bounds_of,
    how_read,
    is_join,
    joined,
    operations_of,
    references_in,
    resolve,
    schemas_below,
    schemas_of,
    types_of,
    used_schemas,
    without_all_of,
)
from lint import is_of_type, misshapen_in, near, without_null, wrong_in

# Names that a generated operation uses for itself: a parameter of such a name would stand in their way.
NAMES_OF_AN_OPERATION = {
    *("body", "client", "content_of", "query_of", "query_value", "quote", "response", "warn_deprecated", "within"),
    *("Annotated", "Meta", "float", "int", "str"),
}
# Names that the modules of models and operations import: a schema of such a name would stand in their way.
NAMES_OF_THE_MODULES = {
    *("Any", "AuthenticatedClient", "Client", "DateTime", "Identifier", "Literal", "Response", "TypeAlias", "UNSET"),
    *("Annotated", "Meta", "UUID", "Unset"),
}
# What JSON Schema knows and the generator overlooks without a word.
OVERLOOKED = {
    "nullable": "that is OpenAPI 3.0: write `type: [{types}, 'null']`, or oneOf with `type: 'null'`",
    "not": "write what it may be",
    "if": "write the cases as oneOf",
    "patternProperties": "describe the object as additionalProperties",
    "dependentSchemas": "write the cases as oneOf",
    "dependentRequired": "write the cases as oneOf",
    "$dynamicRef": "refer to a schema of components with $ref",
    "$defs": "move it to components/schemas",
    "propertyNames": "describe the names in the text",
    "unevaluatedProperties": "use additionalProperties",
    "discriminator": "describe one object with the properties of all, none of them required",
    "prefixItems": "describe all items alike, by `items`",
    "contains": "say it in the description",
}
# What says nothing of a value, and all else that is read of a schema.
READ = {
    *("$comment", "$ref", "additionalProperties", "allOf", "anyOf", "const", "contentEncoding", "contentMediaType"),
    *("default", "deprecated", "description", "enum", "example", "examples", "externalDocs", "format", "items"),
    *("oneOf", "properties", "readOnly", "required", "summary", "title", "type", "writeOnly", "xml"),
}
# Bounds that a value keeps, and the types that they are for.
BOUNDS = {
    **dict.fromkeys(
        ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), ("integer", "number")
    ),
    **dict.fromkeys(("minLength", "maxLength", "pattern"), ("string",)),
    **dict.fromkeys(("minItems", "maxItems", "uniqueItems"), ("array",)),
    **dict.fromkeys(("minProperties", "maxProperties"), ("object",)),
}
# The formats of JSON Schema, and those that OpenAPI lists (https://spec.openapis.org/registry/format/).
FORMATS = {
    *("date", "date-time", "duration", "email", "hostname", "idn-email", "idn-hostname", "ipv4", "ipv6", "iri"),
    *("iri-reference", "json-pointer", "regex", "relative-json-pointer", "time", "uri", "uri-reference"),
    *("uri-template", "uuid"),
    *("base64url", "binary", "byte", "char", "commonmark", "date-time-local", "decimal", "decimal128", "double"),
    *("double-int", "float", "html", "http-date", "int16", "int32", "int64", "int8", "media-range", "password"),
    *("sf-binary", "sf-boolean", "sf-decimal", "sf-integer", "sf-string", "sf-token", "time-local", "uint16"),
    *("uint32", "uint64", "uint8", "unixtime"),
}
# What may stand beside a `$ref`, because it changes words only.
BESIDE_A_REFERENCE = {
    *("$ref", "description", "summary", "title", "example", "examples", "externalDocs"),
    *("deprecated", "readOnly", "writeOnly", "x-accept-number"),
}
# What this project adds to OpenAPI's own words, and where it is read.
EXTENSIONS = {
    "x-accept-number": "schema",
    "x-columns": "schema",
    "x-copy": "schema",
    "x-list": "operation",
    "x-on-request": "schema",
    "x-comma-separated": "parameter",
    "x-matches": "parameter",
}
# Which of them say yes where they stand, and nothing else.
FLAGS = {"x-accept-number", "x-comma-separated", "x-on-request"}
# Whose keys are names that the contract gives, and no words of OpenAPI.
NAMING = {
    *("callbacks", "content", "headers", "parameters", "paths", "properties", "requestBodies", "responses", "schemas"),
    *("securitySchemes", "variables"),
}
# What holds data of the API.
DATA = {"const", "default", "enum", "example", "examples"}

# What a generated model is made of: a field of such a name would stand in its way.
NAMES_OF_THE_TEMPLATE = {
    *("Annotated", "Any", "Date", "DateTime", "Identifier", "Literal", "Mapping", "Meta", "Self", "UUID", "datetime"),
    *("bool", "cls", "dict", "float", "from_dict", "int", "list", "mapping", "self", "str", "to_dict"),
}

WITHOUT_A_PROPERTY = "leave it out, and read it in the page's `raw`, which holds all that was sent"


def problems_of(document: Any) -> list[str]:
    """All problems of the contract, in the order of its operations and schemas; empty where there is none."""
    if not isinstance(document, dict) or not isinstance(document.get("paths"), dict):
        return ["this is not an OpenAPI document: it has no `paths`"]
    version = document.get("openapi", document.get("swagger"))
    if not str(version).startswith("3.1."):
        return [
            f"openapi: it says {version}, and this project reads 3.1: write `openapi: 3.1.0`, and what that changes"
        ]
    if problems := misshapen_in(document) or [*problems_of_extensions(document, "", "document")]:
        return problems  # what follows reads the document as OpenAPI
    problems = [
        f"{place}: it refers to {reference!r}, which does not exist: correct the name, or describe it there"
        for place, reference in references_in(document, "")
        if not resolve(document, {"$ref": reference})
    ]
    problems += problems_of_security(document)
    problems += problems_of_paths(document)
    problems += problems_of_modules(document)
    for place, operation, parameters in operations_of(document):
        problems += [f"{place}: {p}" for p in problems_of_operation(document, operation)]
        for parameter in parameters:
            problems += [
                f"{place}, parameter {parameter.get('name')!r}: {p}" for p in problems_of_parameter(document, parameter)
            ]
    problems += [
        f"components.schemas.{name}: the generated modules use that name themselves: rename it"
        for name in document.get("components", {}).get("schemas", {})
        if name in NAMES_OF_THE_MODULES
    ]
    problems += problems_of_names(document)
    problems += problems_of_directions(document)
    for place, schema in schemas_of(document):
        problems += [f"{place}: {p}" for p in problems_of_schema(place, schema)]
        problems += [f"{place}: {p}" for p in problems_of_its_place(document, place, schema)]
        problems += [f"{place}: {p}" for p in problems_of_union(document, schema)]
        problems += [f"{place}: {p}" for p in problems_of_default(document, schema)]
    return problems


def problems_of_directions(document: dict[str, Any]) -> Iterator[str]:
    """What concerns schemas because they are sent, or sent and received."""
    whole = without_all_of(document)
    sent, received = (used_schemas(whole, sent=sent) for sent in (True, False))
    for name in sorted(sent & received):
        if _differs_when_sent(whole["components"]["schemas"].get(name, {})):
            yield (
                f"components.schemas.{name}: it is both sent and received. What is received is None where it is "
                "missing, and may be outside of its bounds; what is sent must tell null from left out, and keep them: "
                "describe what is sent as a schema of its own"
            )
    for name in sorted(sent):
        for place, schema in schemas_below(whole["components"]["schemas"].get(name, {}), f"components.schemas.{name}"):
            yield from (f"{place}: {p}" for p in problems_of_what_is_sent(place, schema))


def problems_of_extensions(node: Any, place: str, kind: str) -> Iterator[str]:
    """Keys that begin with `x-` and are none of ours, or stand where nobody reads them."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from problems_of_extensions(item, f"{place}[{index}]", kind)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        inside = _kind_of(str(key), kind)
        if str(key).startswith("x-"):
            yield from _of_extension(place.lstrip(".") or "the document", key, kind, value)
        elif inside.startswith("names of ") and isinstance(value, dict):
            for name, inner in value.items():
                if str(name).startswith("x-") and (key == "paths" or (key, kind) == ("responses", "operation")):
                    yield from _of_extension(f"{place}.{key}".lstrip("."), name, key, inner)
                yield from problems_of_extensions(inner, f"{place}.{key}.{name}", inside.removeprefix("names of "))
        elif key not in DATA:
            yield from problems_of_extensions(value, f"{place}.{key}", inside)


def _of_extension(place: str, key: str, kind: str, value: Any) -> Iterator[str]:
    if key not in EXTENSIONS:
        way_out = f"the keys are {', '.join(EXTENSIONS)}"
        yield f"{place}: nothing reads {key}: {near(key, EXTENSIONS, way_out)}"
    elif EXTENSIONS[key] != kind:
        yield f"{place}: {key} would be overlooked: it belongs to the {EXTENSIONS[key]}"
    elif key in FLAGS and value is not True:
        yield f"{place}: {key} is {value!r}: write true, or leave it out"


def _kind_of(key: str, kind: str) -> str:
    """What a key holds, in a node of some kind."""
    if key in ("schema", "items", "additionalProperties", "allOf", "anyOf", "oneOf"):
        return "schema"
    if key in ("schemas", "properties"):
        return "names of schema"
    if key == "pathItems":
        return "names of path"
    if key == "parameters":
        return "parameter" if kind in ("operation", "path") else "names of parameter"
    if kind == "path" and key in METHODS:
        return "operation"
    if key == "paths":
        return "names of path"
    return "names of something" if key in NAMING else "something"


def problems_of_security(document: dict[str, Any]) -> Iterator[str]:
    """The wrapper sends one token, as RFC 6750 says: nothing else may be asked for."""
    schemes = document.get("components", {}).get("securitySchemes", {})
    for name, node in schemes.items():
        scheme = resolve(document, node)
        if (scheme.get("type"), str(scheme.get("scheme")).lower()) != ("http", "bearer"):
            yield (
                f"components.securitySchemes.{name}: only a bearer token is ever sent: "
                "write `type: http` and `scheme: bearer`"
            )
    if len(schemes) > 1:
        names = " and ".join(schemes)
        yield f"components.securitySchemes: there are {names}, and one token is all that is sent: leave one"


def problems_of_paths(document: dict[str, Any]) -> Iterator[str]:
    """What concerns paths as a whole."""
    if document.get("webhooks"):
        yield "webhooks: nothing is generated from them: describe what is asked, under paths"
    if document.get("components", {}).get("pathItems"):
        yield "components.pathItems: nothing is generated from them: describe each path under paths"
    for path, item in document["paths"].items():
        if "?" in path or "#" in path:
            yield f"{path}: its query would be lost: describe what stands there as parameters in the query"
        if "$ref" in item:
            yield f"{path}: a path that is a $ref would be overlooked: describe it here"
        for place, node in [(path, item), *((f"{m.upper()} {path}", item[m]) for m in METHODS if m in item)]:
            if "servers" in node:
                yield f"{place}: `servers` would be overlooked, as every request goes to one address: leave it out"


def problems_of_modules(document: dict[str, Any]) -> Iterator[str]:
    """Operations whose modules would have one name: the last would replace the others."""
    places: dict[str, str] = {}
    for place, operation, _ in operations_of(document):
        letters = re.sub(r"[\W_]", "", str(operation.get("operationId", place))).lower()
        if letters in places:
            yield f"{place}: its module could replace that of {places[letters]}: give it another operationId"
        places[letters] = place


def problems_of_names(document: dict[str, Any]) -> Iterator[str]:
    """Schemas whose models would have one name, or one module."""
    names: dict[str, str] = {}
    for name in document.get("components", {}).get("schemas", {}):
        letters = re.sub(r"[\W_]", "", name).lower()
        if letters in names:
            yield f"components.schemas.{name}: its model would have the name of that of {names[letters]}: rename one"
        names[letters] = name


def problems_of_operation(document: dict[str, Any], operation: dict[str, Any]) -> Iterator[str]:
    """What concerns the operation as a whole."""
    schemes = document.get("components", {}).get("securitySchemes") or {"bearer": None}
    if document.get("security") and "security" not in operation:
        yield "security is stated at the root only, which the generator ignores: state it on the operation"
    elif [[*alternative] for alternative in operation.get("security", [])] != [[*schemes][:1]]:
        way_out = f"write `security: [{{{next(iter(schemes))}: []}}]`"
        yield f"the token is sent with every request, and its security does not say so: {way_out}"
    if "callbacks" in operation:
        yield "`callbacks` would be overlooked: leave them out"
    if "operationId" not in operation:
        yield "it has no operationId, which names the generated module"
    if not operation.get("tags"):
        yield "it has no tag, which names the generated folder"
    if "requestBody" in operation:
        yield from problems_of_body(document, resolve(document, operation["requestBody"]))
    yield from problems_of_answers(document, operation)


def problems_of_answers(document: dict[str, Any], operation: dict[str, Any]) -> Iterator[str]:
    """What concerns the answers of an operation."""
    if "responses" not in operation:
        yield "it has no responses, so that no answer would be read: describe one"
    for status, response in operation.get("responses", {}).items():
        content = resolve(document, response).get("content", {})
        if content and status in ("204", "205", "304"):
            yield f"response {status} has no body, and its content would be looked for: leave the content out"
        if len(content) > 1:
            kind = next(iter(content))
            yield f"response {status} has several content types, of which only {kind} would be read: leave one"
        for kind, media in content.items():
            yield from (f"response {status} is {kind}{p}" for p in problems_of_answer(document, kind, media))


def problems_of_answer(document: dict[str, Any], kind: str, media: dict[str, Any]) -> Iterator[str]:
    """What concerns an answer of one content type."""
    schema = resolve(document, media.get("schema", {}))
    read = how_read(kind, schema)
    if "schema" not in media:
        yield " without a schema, and would be read as nothing: describe it"
    elif read == "text" and (schema.get("type") != "string" or {"const", "enum", "format"} & schema.keys()):
        yield (
            ", which is read as it comes: its schema is `type: string` and no more, or `{type: string, "
            "format: binary}` to get its bytes"
        )
    elif read == "bytes" and (schema.get("type"), schema.get("format")) != ("string", "binary"):
        yield ", which nothing parses: describe it as `schema: {type: string, format: binary}` to get its bytes"


def problems_of_body(document: dict[str, Any], body: dict[str, Any]) -> Iterator[str]:
    """What concerns a requestBody."""
    kinds = list(body.get("content", {}))
    if kinds != ["application/json"]:
        yield f"its requestBody is {' or '.join(kinds) or 'of no type'}, and our templates write only application/json"
        return
    schema = body["content"]["application/json"].get("schema", {})
    if joined(document, schema).get("type") != "object" or "$ref" not in schema:
        yield "its requestBody is not a reference to an object schema: move it to components/schemas, and refer to it"


def problems_of_parameter(document: dict[str, Any], parameter: dict[str, Any]) -> Iterator[str]:
    """What concerns one parameter."""
    if "content" in parameter:
        yield "it is given by `content` and would be dropped: give it a schema of type string with contentMediaType"
    if parameter.get("in") not in ("query", "path"):
        yield f"it is sent in the {parameter.get('in')}, and our templates write only query and path"
    if parameter.get("name") in NAMES_OF_AN_OPERATION:
        yield "the generated operation uses that name itself, and the API's name cannot be another"
    for schema in alternatives_of(document, parameter.get("schema", {})):
        types = schema.get("type", [])
        for type_ in [types] if isinstance(types, str) else types:
            if type_ in ("object", "array"):
                several = " with `x-comma-separated: true`" if type_ == "array" else ""
                yield f"it is of type {type_} and would be misread: make it a string{several}"


def problems_of_its_place(document: dict[str, Any], place: str, schema: dict[str, Any]) -> Iterator[str]:
    """What concerns one schema and where it stands, or what it refers to."""
    if schema.get("x-accept-number") and not _is_plain_property(place, schema):
        yield (
            "x-accept-number would be overlooked: it is read where a property or its items are described, without enum "
            "and format"
        )
    if _holds_itself(document, schema):
        yield "allOf leads back to where it stands: move what both hold into a schema of its own, and refer to that"
    parts = [resolve(document, part) for part in schema.get("allOf", [])]
    held = [*parts, schema] if is_join(schema) else [schema]
    if "allOf" in schema and any(isinstance(part.get("additionalProperties"), dict) for part in held):
        yield "allOf joins properties only, and it or a part has typed additionalProperties: leave them out"
    if is_join(schema):
        if any(types_of(part) != ["object"] and "allOf" not in part for part in parts):
            yield "allOf would be read as one of its parts only: join nothing but objects"
        described = [part.get("properties", {}) for part in (*(joined(document, part) for part in parts), schema)]
        for name in dict.fromkeys(name for part in described for name in part):
            if len(ways := [part[name] for part in described if name in part]) > 1 and ways != ways[:1] * len(ways):
                yield f"property {name!r} is described by several parts of allOf: describe it once"
        whole = joined(document, schema)
        for name in whole["required"]:
            if name not in whole["properties"]:
                yield f"{name!r} is required and is none of its properties"


def problems_of_union(document: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    """Parts of a union that JSON cannot tell apart."""
    parts = [part for key in ("oneOf", "anyOf") for part in schema.get(key, [])]
    for kind in ("object", "array", "string", "integer"):
        alike = [part for part in parts if kind in _types_in(document, part)]
        if len(alike) > 1:
            names = " and ".join(str(part.get("$ref", f"/an inner {kind}")).rpartition("/")[2] for part in alike)
            way_out = "describe one object with the properties of all"
            if kind != "object":
                way_out = "leave one, and say in its description what it may be"
            yield f"{names} cannot be told apart in an answer: {way_out}"


def _types_in(document: dict[str, Any], part: dict[str, Any]) -> set[str]:
    """The types of a value that one part of a union takes."""
    each_way = [*alternatives_of(document, part)]
    objects = {"object" for each in each_way if {"properties", "allOf"} & each.keys()}
    return objects.union(*map(types_of, each_way))


def _holds_itself(document: dict[str, Any], schema: dict[str, Any]) -> bool:
    """Whether a schema is a part of what allOf joins in it."""
    waiting: list[dict[str, Any]] = list(schema.get("allOf", []))
    seen: list[dict[str, Any]] = []
    while waiting:
        part = resolve(document, waiting.pop())
        if part is schema:
            return True
        if not any(part is each for each in seen):
            seen.append(part)
            waiting += part.get("allOf", [])
    return False


def _differs_when_sent(schema: dict[str, Any]) -> bool:
    for _, inner in schemas_below(schema, ""):
        if set(inner.get("properties", {})) - set(inner.get("required", [])):
            return True
        if inner.get("readOnly") or inner.get("writeOnly") or bounds_of(inner) or inner.get("uniqueItems"):
            return True
    return False


def problems_of_what_is_sent(place: str, schema: dict[str, Any]) -> Iterator[str]:
    """Bounds that a model could not check before it is sent."""
    if schema.get("uniqueItems") and not re.search(r"\.properties\.[^.\[\]]+$", place):
        yield "uniqueItems is checked where a property is described only: move it there, or say it in the description"
    if {"minProperties", "maxProperties"} & schema.keys() and "properties" in schema:
        yield "the number of its properties would not be checked before sending: leave it out, and describe it"
    for key in ("oneOf", "anyOf"):
        parts = [part for part in schema.get(key, []) if part.get("type") != "null"]
        if any(BOUNDS.keys() & part.keys() for part in parts) and len(parts) > 1:
            yield f"the bounds inside {key} would not be checked before sending: leave them out, and describe them"
    if len([kind for kind in types_of(schema) if kind != "null"]) > 1 and BOUNDS.keys() & schema.keys():
        yield "bounds of several types would not be checked before sending: leave them out, and describe them"


def problems_of_schema(place: str, schema: dict[str, Any]) -> Iterator[str]:
    """What concerns one schema."""
    yield from problems_of_words(schema)
    if "$ref" in schema:
        yield from problems_of_reference(schema, str(schema["$ref"]))
    elif schema.get("x-accept-number") and "string" not in types_of(schema):
        yield "x-accept-number is for strings, and this is none"
    for key in ("oneOf", "anyOf", "allOf"):
        others = {"type", "properties", "required", "additionalProperties"} if key != "allOf" else set()
        others |= {"oneOf", "anyOf", "allOf", "items", "enum", "const", "format", *BOUNDS} - {key}
        if key in schema and (lost := [name for name in schema if name in others]):
            yield f"`{'`, `'.join(lost)}` beside {key} would be overlooked: write it into the parts of {key}"
    if schema.get("format") == "binary" and not _is_file(place, schema):
        yield "it is of format binary, which a JSON document cannot hold: make it `format: byte`, or leave it out"
    yield from problems_of_bounds(schema)
    yield from problems_of_values(schema)
    if isinstance(schema.get("properties"), dict):
        yield from problems_of_properties(schema, schema["properties"])


def problems_of_words(schema: dict[str, Any]) -> Iterator[str]:
    """Keys and formats that are unknown, or that nothing reads."""
    types = ", ".join(kind for kind in types_of(schema) if kind != "null") or "string"
    for keyword_, way_out in OVERLOOKED.items():
        if keyword_ in schema:
            yield f"`{keyword_}` would be overlooked: {way_out.format(types=types)}"
    for key in [key for key in schema if key not in {*READ, *OVERLOOKED, *BOUNDS, *EXTENSIONS}]:
        way_out = near(str(key), {*READ, *BOUNDS, *EXTENSIONS}, "leave it out, or say it in the description")
        yield f"nothing reads {key}: {way_out}"
    if "format" in schema and schema["format"] not in FORMATS:
        way_out = near(str(schema["format"]), FORMATS, "leave it out, or say it in the description")
        yield f"unknown format {schema['format']!r}: {way_out}"


def problems_of_reference(schema: dict[str, Any], reference: str) -> Iterator[str]:
    """What concerns a `$ref` and what stands beside it."""
    if not reference.startswith("#/components/schemas/"):
        yield f"it refers to {reference}: only schemas of this file, `#/components/schemas/...`, can be referred to"
    if "x-accept-number" in schema:
        yield "x-accept-number beside $ref would be overlooked: describe the string here, without a reference"
    if lost := sorted(schema.keys() - BESIDE_A_REFERENCE):
        yield f"`{'`, `'.join(lost)}` beside $ref would be overlooked: write it where the reference points"


def problems_of_bounds(schema: dict[str, Any]) -> Iterator[str]:
    """What concerns the bounds of a value."""
    kinds = " or ".join(types_of(schema)) or "of no type"
    for key, types in BOUNDS.items():
        if key in schema and not set(types_of(schema)) & set(types):
            yield f"`{key}` is for {' and '.join(types)}, and this is {kinds}: leave it out"
    if "string" in types_of(schema) and schema.get("format") in ("date", "date-time", "uuid", "binary"):
        for key in [key for key in ("minLength", "maxLength", "pattern") if key in schema]:
            yield f"`{key}` of format {schema['format']} would be overlooked: leave it out"
    whole = "number" not in types_of(schema)
    for key in [key for key, types in BOUNDS.items() if "integer" in types and key in schema]:
        if whole and not (isinstance(schema[key], int) and abs(schema[key]) < 2**63):
            yield f"`{key}` of an integer is a whole number of at most 63 bits, and this is {schema[key]!r}"
    step = schema.get("multipleOf")
    if isinstance(step, float) and Fraction(str(step)) != Fraction(step):
        yield f"`multipleOf` {step} cannot be checked, as no float is exactly that: leave it out, and describe it"
    if "pattern" in schema:
        try:
            re.compile(schema["pattern"])
        except (re.error, TypeError) as error:
            yield f"its pattern cannot be read by Python: {error}"


def problems_of_values(schema: dict[str, Any]) -> Iterator[str]:
    """What concerns the values that a schema names."""
    if "enum" in schema and "null" in types_of(schema):
        yield "an enum that may be null would become several enums: write oneOf, of the enum and of `type: 'null'`"
    named = [schema[key] for key in ("const", "default") if key in schema]
    for value in [*schema.get("enum", []), *named] if types_of(schema) else []:
        if not is_of_type(schema, value):
            yield f"{value!r} is not of type {' or '.join(types_of(schema))}: correct the value, or the type"
    if schema.get("enum") == []:
        yield "an enum without values takes none: name them, or leave the enum out"
    if "const" in schema and not isinstance(schema["const"], (str, int, float)):
        yield f"const {schema['const']!r} would be misread: it is a text or a number, or null as `type: 'null'`"
    if "default" in schema and schema.get("format") in ("date", "date-time", "binary"):
        yield f"a default of format {schema['format']} is not handled: leave it out, and name it in the description"
    for name in ("const", "default"):
        if isinstance(schema.get(name), str) and set(schema[name]) & set('"\\'):
            yield f"a {name} with a quotation mark or a backslash would be misread: leave it out, and describe it"
    yield from problems_of_enum([value for value in schema.get("enum") or [] if value is not None])
    if isinstance(schema.get("default"), (list, dict)):
        yield "a default that is a list or an object would be dropped: leave it out, and name it in the description"


def problems_of_default(document: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    """A default that its own schema does not allow."""
    if "default" in schema:
        rest = {key: value for key, value in schema.items() if key != "default"}
        rest = rest if schema["default"] is None else without_null(document, rest)
        for problem in wrong_in(document, rest, schema["default"]):
            yield f"its default is not what it says itself: {problem}: correct one of them, or leave it out"


def problems_of_enum(values: list[Any]) -> Iterator[str]:
    """What concerns the values of an enum, null aside."""
    if {type(value) for value in values} not in (set(), {str}, {int}):
        kinds = sorted({type(value).__name__ for value in values})
        yield (
            f"an enum holds nothing but texts or nothing but whole numbers, and this one has values of type "
            f"{' and '.join(kinds)}: list each value by itself, or leave the enum out"
        )
        return
    if any(isinstance(value, str) and not value.isprintable() for value in values):
        yield "a value of an enum with a control character would be misread: leave the enum out"
    names: dict[str, Any] = {}
    for index, value in enumerate(values):
        # as the generator makes a name of it
        kept = "".join(c for c in str(value) if c.isidentifier() or c.isdecimal() or c in ". _-")
        name = "_".join(re.findall(r"[^. _-]+", kept.upper())) if str(value)[:1].isalpha() else f"VALUE_{index}"
        if name and name in names:
            both = f"{names[name]!r} and {value!r}"
            yield f"the values {both} of its enum would get one name in Python: leave the enum out"
        names[name] = value


def problems_of_properties(schema: dict[str, Any], properties: dict[str, Any]) -> Iterator[str]:
    """What concerns the properties of an object schema."""
    for name in properties:
        if not str(name).isidentifier() or keyword.iskeyword(name) or str(name).startswith("_"):
            why = "is not a Python name, so no model can hold it under the name that the API uses"
            yield f"property {name!r} {why}: {WITHOUT_A_PROPERTY}"
        elif name in NAMES_OF_THE_TEMPLATE:
            yield f"property {name!r} would hide what has that name in the generated model: {WITHOUT_A_PROPERTY}"
    for name in schema.get("required", []):
        if name not in properties and "allOf" not in schema:
            yield f"{name!r} is required and is none of its properties"
    if isinstance(schema.get("additionalProperties"), dict):
        yield "it has properties and typed additionalProperties, of which a model holds only the first: split it in two"


def _is_file(place: str, schema: dict[str, Any]) -> bool:
    """Whether a schema describes a whole answer that is not JSON."""
    found = re.search(r"\.content\.([^/]+/[^/]+)\.schema$", place)
    return found is not None and how_read(found[1], schema) == "bytes"


def _is_plain_property(place: str, schema: dict[str, Any]) -> bool:
    described = re.search(r"\.properties\.[^.\[\]]+(\.items)?$", place) and "allOf" not in place
    return bool(described) and not {"enum", "format"} & set(schema)
