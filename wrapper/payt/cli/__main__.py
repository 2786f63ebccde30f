"""`python -m payt.cli`, the same as `payt`."""

from . import main

main()
