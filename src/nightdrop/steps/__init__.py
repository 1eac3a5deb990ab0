"""Ready-made steps of workflows over documents: packets taken apart, rules, merging, and what is in doubt."""

from nightdrop.steps.doubt import doubtful
from nightdrop.steps.merge import Merge
from nightdrop.steps.split import PageRange, Split
from nightdrop.steps.validate import Validate

__all__ = ["Merge", "PageRange", "Split", "Validate", "doubtful"]
