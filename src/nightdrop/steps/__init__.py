"""Ready-made steps of workflows over documents: rules, merging by confidence, and what is in doubt."""

from nightdrop.steps.doubt import doubtful
from nightdrop.steps.merge import Merge
from nightdrop.steps.validate import Validate

__all__ = ["Merge", "Validate", "doubtful"]
