"""`python -m forum` is `callboard`."""

from forum.cli import main

main()
