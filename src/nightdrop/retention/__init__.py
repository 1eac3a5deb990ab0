"""Letting go of what is old, and of one document: rows, bytes and the engine's own rows, in an order that is safe."""

from nightdrop.retention.forget import Forgotten, forget
from nightdrop.retention.prune import Pruned, prune, would_prune

__all__ = ["Forgotten", "Pruned", "forget", "prune", "would_prune"]
