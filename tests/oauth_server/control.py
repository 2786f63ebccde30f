"""The endpoints under `/control/`, through which tests arrange the server and ask what it saw."""

import json
import secrets
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import RequestFactory
from django.utils import timezone
from oauth2_provider.models import (
    get_access_token_model,
    get_application_model,
    get_grant_model,
    get_refresh_token_model,
)
from oauth2_provider.settings import oauth2_settings

from oauth_server.counts import recorder
from oauth_server.runtime import runtime
from oauth_server.views import exchange, person


def application(request: HttpRequest) -> JsonResponse:
    """Register an application and return its id and secret."""
    asked = json.loads(request.body)
    credentials = {name: asked[name] for name in ("client_id", "client_secret") if asked[name] is not None}
    made = get_application_model().objects.create(
        authorization_grant_type=asked["grant"].replace("_", "-"),
        client_type="confidential",
        redirect_uris=" ".join(asked["redirect_uris"]),
        skip_authorization=True,
        # Hashing costs every token request some time and would protect nothing here.
        hash_client_secret=False,
        **credentials,
    )
    return JsonResponse({"client_id": made.client_id, "client_secret": made.client_secret})


def login(request: HttpRequest) -> HttpResponse:
    """Return the token endpoint's answer to the code of a person who has just agreed."""
    asked = json.loads(request.body)
    client = get_application_model().objects.get(client_id=asked["client_id"])
    redirect_uri = client.redirect_uris.split()[0]
    grant = get_grant_model().objects.create(
        user=person(),
        application=client,
        code=secrets.token_urlsafe(),
        expires=timezone.now() + timedelta(minutes=1),
        redirect_uri=redirect_uri,
        scope=asked["scope"],
    )
    body = {
        "grant_type": "authorization_code",
        "code": grant.code,
        "redirect_uri": redirect_uri,
        "client_id": client.client_id,
        "client_secret": client.client_secret,
    }
    return exchange(RequestFactory().post("/oauth/token", body, content_type="application/json"))


def revoke_access(request: HttpRequest) -> JsonResponse:
    """End access tokens and leave their refresh tokens usable.

    The toolkit revokes an access token together with its refresh token; ended early, it is refused alone.
    """
    return JsonResponse({"revoked": _named(request, get_access_token_model()).update(expires=timezone.now())})


def revoke_login(request: HttpRequest) -> JsonResponse:
    """Revoke refresh tokens by the toolkit's own means, and so the access tokens that belong to them."""
    refresh_tokens = list(_named(request, get_refresh_token_model()).filter(revoked__isnull=True))
    for refresh_token in refresh_tokens:
        refresh_token.revoke()
    return JsonResponse({"revoked": len(refresh_tokens)})


def settings(request: HttpRequest) -> JsonResponse:
    """Change the settings that the body names and return all of them."""
    for name, value in json.loads(request.body).items():
        setattr(runtime, name, value)
    oauth2_settings.REFRESH_TOKEN_GRACE_PERIOD_SECONDS = runtime.grace_period
    return JsonResponse(asdict(runtime))


def counts(request: HttpRequest) -> JsonResponse:
    """Return the counts since the last reset."""
    return JsonResponse(asdict(recorder.counts()))


def reset(request: HttpRequest) -> JsonResponse:
    """Count anew."""
    recorder.reset()
    return JsonResponse({})


def _named(request: HttpRequest, model: Any) -> Any:
    """Return the tokens of a model that the body means: the one with that value, or all."""
    value = json.loads(request.body)["token"]
    return model.objects.all() if value is None else model.objects.filter(token=value)
