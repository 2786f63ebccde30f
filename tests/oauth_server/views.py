"""The endpoints that a client of Payt meets, answered by the toolkit."""

import json
from threading import Lock
from typing import ClassVar, Final

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from oauth2_provider.views import AuthorizationView, TokenView
from oauth2_provider.views.generic import ScopedProtectedResourceView
from oauth2_provider.www_authenticate import build_bearer_challenge, challenge_status

from oauth_server.counts import recorder

CONTACTS: Final = [
    {"id": str(number), "firstname": name, "lastname": "Jansen", "updated_at": f"2026-11-0{number}T08:00:00Z"}
    for number, name in enumerate(("Anna", "Bram", "Cato", "Daan", "Esmée", "Finn", "Gijs"), start=1)
]

_exchange = TokenView.as_view()
# Threads of one process would else poll for SQLite's write lock with ever longer naps.
_exchanging = Lock()


def exchange(request: HttpRequest) -> HttpResponse:
    """Answer a token request by the toolkit, uncounted.

    The toolkit checks a refresh token before the transaction that spends it, so of two requests at the same
    moment it grants both. Within one transaction only the first is granted: the last token alone is valid.
    """
    with _exchanging, transaction.atomic():
        response: HttpResponse = _exchange(request)
    return response


def token(request: HttpRequest) -> HttpResponse:
    """Answer `/oauth/token` and count what was asked and how it ended."""
    grant, refresh_token = _asked(request.body)
    record = recorder.token_request(grant, refresh_token)
    try:
        response = exchange(request)
    except BaseException:
        record.outcome = "failed"
        raise
    if response.status_code != 200:
        record.error = _oauth_error(response.content)
    record.outcome = "succeeded" if response.status_code == 200 else "refused"
    return response


class Authorize(AuthorizationView):
    """Answers `/oauth/authorize` for a person who is signed in and agrees, or refuses where asked `deny=1`."""

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        request.user = person()
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return response

    def create_authorization_response(
        self, request: HttpRequest, scopes: str, credentials: dict[str, object], allow: bool
    ) -> tuple[str, dict[str, str], str, int]:
        agreed = allow and request.GET.get("deny") != "1"
        answer: tuple[str, dict[str, str], str, int] = super().create_authorization_response(
            request, scopes, credentials, agreed
        )
        return answer


class Contacts(ScopedProtectedResourceView):
    """Answers `/v1/contacts` to a token that the toolkit accepts for `contacts:read`."""

    required_scopes: ClassVar[list[str]] = ["contacts:read"]

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        recorder.api_request(response.status_code)
        return response

    def get(self, request: HttpRequest) -> JsonResponse:
        try:
            per_page = int(request.GET.get("per_page", 500))
            after = int(request.GET.get("cursor", 0))
        except ValueError:
            return _error(422, "invalid_parameter", "per_page and cursor must be numbers")
        rest = [contact for contact in CONTACTS if int(contact["id"]) > after]
        page = rest[: max(per_page, 1)]
        cursor = page[-1]["id"] if len(page) < len(rest) else None
        return JsonResponse({"data": page, "pagination": {"cursor": cursor}})

    def unauthenticated_response(self, request: HttpRequest, oauthlib_request: object = None) -> JsonResponse:
        error = getattr(oauthlib_request, "oauth2_error", None)
        status = challenge_status(error)
        if status == 403:
            response = _error(status, "forbidden", f"Missing permission: {' '.join(self.required_scopes)}")
        else:
            response = _error(status, "unauthorized", "The access token is missing or not valid")
        response["WWW-Authenticate"] = build_bearer_challenge(
            request, oauth2_error=error, realm="payt", resource_metadata_url=None
        )
        return response


def person() -> AbstractBaseUser:
    """Return the one person who logs in here."""
    user: AbstractBaseUser = get_user_model().objects.get_or_create(username="person")[0]
    return user


def _asked(body: bytes) -> tuple[str, str | None]:
    """Return the grant type and the refresh token that a token request names."""
    try:
        asked = json.loads(body)
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        return "unknown", None
    refresh_token = asked.get("refresh_token")
    return str(asked.get("grant_type", "unknown")), refresh_token if isinstance(refresh_token, str) else None


def _oauth_error(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"])
    except (ValueError, TypeError, KeyError):
        return "unknown"


def _error(status: int, code: str, message: str) -> JsonResponse:
    return JsonResponse({"code": code, "message": message}, status=status)
