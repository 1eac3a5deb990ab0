"""The extra that the simulated provider needs, and what is said when it is missing."""

from __future__ import annotations

from nightdrop.errors import UsageError


def missing_extra(error: ModuleNotFoundError) -> UsageError:
    """The error to raise when a library of the extra is not installed: it names the extra and the command."""
    return UsageError(
        f"nightdrop.testing needs {error.name}: pip install 'nightdrop[testing]'",
        code="extra_missing",
    )
