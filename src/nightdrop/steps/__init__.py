"""Ready-made steps of workflows over documents: packets taken apart and told apart, rules, merging, and what is in
doubt."""

from nightdrop.steps.by_words import by_words
from nightdrop.steps.classify import Classify
from nightdrop.steps.doubt import doubtful
from nightdrop.steps.export import Export
from nightdrop.steps.extract import Extract
from nightdrop.steps.kinds import Labelled, LabelledPages
from nightdrop.steps.merge import Merge
from nightdrop.steps.split import PageRange, Split
from nightdrop.steps.validate import Validate

__all__ = [
    "Classify",
    "Export",
    "Extract",
    "Labelled",
    "LabelledPages",
    "Merge",
    "PageRange",
    "Split",
    "Validate",
    "by_words",
    "doubtful",
]
