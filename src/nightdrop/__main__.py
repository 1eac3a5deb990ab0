"""`python -m nightdrop`."""

from nightdrop.cli import main

main()
