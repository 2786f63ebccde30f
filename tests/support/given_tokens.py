"""A function that gives tokens, as a tool has one that asks a vault: other processes find it by its name."""


def token_of(account: str) -> str:
    return f"of-{account}"
