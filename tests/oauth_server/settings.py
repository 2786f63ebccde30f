"""The Django settings: django-oauth-toolkit with rotation, reuse protection and JSON token requests."""

import os
from pathlib import Path
from typing import Final

from oauth_server.runtime import runtime

FOLDER_VARIABLE: Final = "OAUTH_SERVER_FOLDER"
DATABASE_FILE: Final = Path(os.environ[FOLDER_VARIABLE]) / "oauth.sqlite3"

SECRET_KEY = "these-tokens-open-nothing"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
USE_TZ = True
USE_I18N = False
STATIC_URL = "static/"
ROOT_URLCONF = "oauth_server.urls"
# Gives each answer its length, without which HTTP/1.1 has to close the connection.
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
APPEND_SLASH = False
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "oauth2_provider"]
# Tables come straight from the models: replaying every migration would take most of the start.
MIGRATION_MODULES = {"contenttypes": None, "auth": None, "oauth2_provider": None}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# The toolkit's page for a request that cannot be sent back to the client (unknown client, foreign redirect).
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATABASE_FILE,
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            # Seconds that a writer waits for another one.
            "timeout": 30,
            # A transaction that begins by reading cannot wait for the write lock later: SQLite fails it at once.
            "transaction_mode": "IMMEDIATE",
            # Nothing here has to survive a power cut.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF",
        },
    }
}

OAUTH2_PROVIDER = {
    "OAUTH2_BACKEND_CLASS": "oauth_server.backend.JSONBackend",
    "SCOPES": {"contacts:read": "Read contacts", "contacts:write": "Create and change contacts"},
    "ROTATE_REFRESH_TOKEN": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": runtime.grace_period,
    # The lifetime of access tokens, asked for each: ACCESS_TOKEN_EXPIRE_SECONDS is read once.
    "EXTRA_SERVER_KWARGS": {"token_expires_in": lambda _request: runtime.expires_in},
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": 600,
    "PKCE_REQUIRED": False,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["http"],
}

# Refused requests are what the tests are for; only a fault of the server itself is worth a line.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler", "level": "ERROR"}},
    "root": {"handlers": ["stderr"], "level": "ERROR"},
    "loggers": {"django": {"handlers": [], "level": "ERROR", "propagate": True}},
}
