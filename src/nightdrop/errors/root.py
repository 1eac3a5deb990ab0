"""The root of every error."""

from __future__ import annotations

import inspect


class NightdropError(Exception):
    """Something went wrong inside nightdrop."""

    code = "internal"
    retryable = False
    http_status = 500

    def __init__(self, message: str | None = None, *, code: str | None = None) -> None:
        self.message = message or inspect.cleandoc(self.__doc__ or "").split("\n")[0]
        if code is not None:
            self.code = code
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"
