"""The options of `./generate.sh`, apart so that `--help` needs nothing but Python."""

from __future__ import annotations

import argparse
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def parser() -> argparse.ArgumentParser:
    """What reads the options."""
    result = argparse.ArgumentParser(
        prog="./generate.sh",
        description="Generate the client from the contract, or check that it is what the contract gives.",
    )
    result.add_argument(
        "--check",
        action="store_true",
        help="change nothing; exit 1 where contract and output disagree, where the contract lacks words or examples, "
        "or where a breaking change is not announced",
    )
    result.add_argument("--lint", action="store_true", help="only judge the contract, and generate nothing")
    result.add_argument(
        "--against",
        metavar="REVISION",
        help="say what changed since this revision; default: the last release, else the last commit",
    )
    result.add_argument("--contract", type=Path, default=ROOT / "openapi.yaml", help="default: openapi.yaml")
    result.add_argument("--output", type=Path, default=ROOT / "generated/payt_api", help="default: generated/payt_api")
    return result


if __name__ == "__main__":
    parser().parse_args()
