"""The toolkit's JSON request backend, with two habits of Payt's server that tests can switch on."""

import base64
import binascii
import time
from urllib.parse import quote_plus

from django.http import HttpRequest
from oauth2_provider.oauth2_backends import JSONOAuthLibCore

from oauth_server.runtime import runtime


class JSONBackend(JSONOAuthLibCore):
    """Reads token requests from JSON bodies."""

    def extract_headers(self, request: HttpRequest) -> dict[str, object]:
        """Return the request's headers, Basic credentials in the form that the toolkit decodes."""
        headers: dict[str, object] = super().extract_headers(request)
        authorization = headers.get("HTTP_AUTHORIZATION")
        if runtime.basic_encoding == "plain" and isinstance(authorization, str):
            headers["HTTP_AUTHORIZATION"] = headers["Authorization"] = _form_encoded(authorization)
        return headers

    def _get_extra_credentials(self, request: HttpRequest) -> dict[str, object] | None:
        return {"created_at": int(time.time())} if runtime.created_at else None


def _form_encoded(authorization: str) -> str:
    """Return a Basic header with its id and secret form-encoded, any other header as it is."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme != "Basic":
        return authorization
    try:
        client_id, colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return authorization
    credentials = f"{quote_plus(client_id)}{colon}{quote_plus(secret)}"
    return f"{scheme} {base64.b64encode(credentials.encode()).decode()}"
