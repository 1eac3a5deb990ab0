"""Logging of commands, as the settings say."""

from __future__ import annotations

from nightdrop.cli.errors import reports_errors


@reports_errors
def configure() -> None:
    """Write the log to stderr in the form and from the level that the environment names."""
    from nightdrop.logs import configure_logging
    from nightdrop.settings import load_settings

    settings = load_settings()
    configure_logging(settings.log_format, settings.log_level)
