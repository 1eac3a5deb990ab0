"""Settings that come from the environment, read when they are needed (docs/reference/settings.md lists them)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from nightdrop.errors import UsageError

Durability = Literal["process", "power"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What NIGHTDROP_* variables say, with defaults."""

    db: str = "nightdrop.db"
    max_file_mb: int = 100
    max_archive_mb: int = 512
    reader_processes: int = 0  # 0: one per core
    reader_timeout_seconds: int = 30
    reader_memory_mb: int = 1024
    ocr_pages: int = 20  # of one document at most, with the extra ocr; 0: none
    memory_mb: int = 512  # of documents at work, in one process
    lease_seconds: int = 12
    model_timeout_seconds: int = 600
    rate_limit_patience_hours: int = 24
    prices: str = "prices.toml"
    limits: str = "limits.toml"
    sources: str = "sources.toml"
    budget_per_day: str = "none"  # US dollars, for all agents on a database together
    allow_hosts: str = "none"  # hosts, *.domains, addresses and networks that URLs of others may lead to
    log_format: str = "text"  # text | json: what commands write to stderr
    log_level: str = "warning"  # debug | info | warning | error
    page_images: str = "always"  # always | scans | never: for models that do not read PDFs themselves

    @property
    def max_archive_bytes(self) -> int:
        """What the documents of one archive or mail may have together, in bytes."""
        return self.max_archive_mb * 1024 * 1024

    @property
    def max_file_bytes(self) -> int:
        """The largest document accepted, in bytes."""
        return self.max_file_mb * 1024 * 1024


def load_settings() -> Settings:
    """The settings of this process: environment over defaults."""
    default = Settings()
    return Settings(
        db=os.environ.get("NIGHTDROP_DB", default.db),
        max_file_mb=_whole("NIGHTDROP_MAX_FILE_MB", default.max_file_mb),
        max_archive_mb=_whole("NIGHTDROP_MAX_ARCHIVE_MB", default.max_archive_mb),
        reader_processes=_whole("NIGHTDROP_READER_PROCESSES", default.reader_processes),
        reader_timeout_seconds=_whole("NIGHTDROP_READER_TIMEOUT_SECONDS", default.reader_timeout_seconds),
        reader_memory_mb=_whole("NIGHTDROP_READER_MEMORY_MB", default.reader_memory_mb),
        ocr_pages=_whole("NIGHTDROP_OCR_PAGES", default.ocr_pages),
        memory_mb=_whole("NIGHTDROP_MEMORY_MB", default.memory_mb),
        model_timeout_seconds=_whole("NIGHTDROP_MODEL_TIMEOUT_SECONDS", default.model_timeout_seconds),
        rate_limit_patience_hours=_whole("NIGHTDROP_RATE_LIMIT_PATIENCE_HOURS", default.rate_limit_patience_hours),
        prices=os.environ.get("NIGHTDROP_PRICES", default.prices),
        limits=os.environ.get("NIGHTDROP_LIMITS", default.limits),
        sources=os.environ.get("NIGHTDROP_SOURCES", default.sources),
        budget_per_day=os.environ.get("NIGHTDROP_BUDGET_PER_DAY", "").strip() or default.budget_per_day,
        allow_hosts=os.environ.get("NIGHTDROP_ALLOW_HOSTS", "").strip() or default.allow_hosts,
        log_format=_choice("NIGHTDROP_LOG_FORMAT", default.log_format, ("text", "json")),
        log_level=_choice("NIGHTDROP_LOG_LEVEL", default.log_level, ("debug", "info", "warning", "error")),
        page_images=_choice("NIGHTDROP_PAGE_IMAGES", default.page_images, ("always", "scans", "never")),
        lease_seconds=_whole("NIGHTDROP_LEASE_SECONDS", default.lease_seconds),
    )


def _whole(name: str, default: int) -> int:
    text = os.environ.get(name)
    if text is None or not text.strip():
        return default
    try:
        return int(text)
    except ValueError:
        raise UsageError(f"{name}={text!r} is not a whole number") from None


def _choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    text = os.environ.get(name, default)
    if text not in allowed:
        raise UsageError(f"{name}={text!r}: choose {', '.join(allowed)}")
    return text
