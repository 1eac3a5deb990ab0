"""`python -m nightdrop.cli`."""

from nightdrop.cli import main

main()
