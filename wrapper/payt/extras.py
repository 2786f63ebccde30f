"""What to say where a package of an extra is missing."""

from __future__ import annotations

import re


def missing(what: str, module: str, extra: str) -> ImportError:
    """The error for a package that is not installed, with the command that brings it.

    The command names what the extra consists of. So it is right wherever this client came from: an index, a wheel, a
    git repository or a checkout.

    Args:
        what: What needs the package.
        module: The package's name, as it is imported.
        extra: The extra that it belongs to, one of pyproject.toml's.
    """
    from importlib.metadata import PackageNotFoundError, requires  # noqa: PLC0415 - rarely needed

    try:
        requirements = requires("payt-client") or []
    except PackageNotFoundError:  # it is on the path, but was never installed
        requirements = []
    of_extra = re.compile(rf"(.+?)\s*;\s*extra == ['\"]{extra}['\"]")
    packages = [found[1] for found in map(of_extra.fullmatch, requirements) if found] or [module]
    line = " ".join(f'"{package}"' for package in packages)
    return ImportError(f'{what} needs {module}, which comes with the extra "{extra}": pip install {line}', name=module)
