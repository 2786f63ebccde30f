"""`python -m payt`, the same as `payt`."""

from .cli import main

main()
