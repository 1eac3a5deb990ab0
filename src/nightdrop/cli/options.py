"""Options that many commands have, said once."""

from __future__ import annotations

import click

DB = click.option("--db", metavar="PATH|URL", help="The database; default: NIGHTDROP_DB, or ./nightdrop.db.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
LIMIT = click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
CURSOR = click.option("--cursor", help="Go on after this one (next_cursor of the page before).")
