"""Schedules: made by people and programs, fired once each by whichever process comes first."""

from nightdrop.schedules.scheduler import Scheduler

__all__ = ["Scheduler"]
