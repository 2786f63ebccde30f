"""Standard output, where somebody may look at it."""

from __future__ import annotations

from rich.console import Console


class _Screen(Console):
    def on_broken_pipe(self) -> None:
        """Let the error out, so that the exit code is that of all commands; rich would end the process with 1."""
        raise  # noqa: PLE0704 - rich calls this while it handles the error


def console(*, soft_wrap: bool = False) -> Console:
    """Standard output; what is printed there is text, and no markup."""
    return _Screen(markup=False, highlight=False, emoji=False, soft_wrap=soft_wrap)
