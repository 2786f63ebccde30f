"""Tokens in a database."""


class SQLTokenStore:
    """Tokens in a database."""
