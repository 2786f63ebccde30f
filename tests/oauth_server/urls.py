"""Where everything is answered: the client's paths as Payt has them, the tests' own under `/control/`."""

from django.urls import path

from oauth_server import control, views

urlpatterns = [
    path("oauth/token", views.token),
    path("oauth/authorize", views.Authorize.as_view()),
    path("v1/contacts", views.Contacts.as_view()),
    path("control/application", control.application),
    path("control/login", control.login),
    path("control/revoke-access", control.revoke_access),
    path("control/revoke-login", control.revoke_login),
    path("control/settings", control.settings),
    path("control/counts", control.counts),
    path("control/reset", control.reset),
]
