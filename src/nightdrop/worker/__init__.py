"""Worker processes: executing what others accepted, supervised, drained on SIGTERM."""

from nightdrop.worker.process import work
from nightdrop.worker.quarantine import Quarantine
from nightdrop.worker.supervisor import Supervisor

__all__ = ["Quarantine", "Supervisor", "work"]
