"""Documents told apart by words that stand in their text: for nothing, without a model."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from nightdrop.engine import reader_pool
from nightdrop.errors import WorkflowInvalid
from nightdrop.workflows import StepFile

_TEXT = "nightdrop.documents.pages:read_page_texts"


def by_words(words: Mapping[str, Sequence[str]]) -> Callable[[StepFile], Awaitable[str | None]]:
    """For `Classify(by=)`: the label whose words stand in the text, any of them, whatever their case.

    None, which is doubt, for a document with the words of several labels or of none, as is a scan.
    """
    if any(isinstance(some, str) or not some for some in words.values()):
        raise WorkflowInvalid(f"by_words({words!r}): give a list of words for each label")

    async def label_of(file: StepFile) -> str | None:
        found = await reader_pool().call(_TEXT, await file.aread(), {"mime_type": file.mime_type})
        text = _folded(" ".join(page["text"] for page in found["pages"]))
        fitting = [label for label, some in words.items() if any(_folded(word) in text for word in some)]
        return fitting[0] if len(fitting) == 1 else None

    return label_of


def _folded(text: str) -> str:
    """Without case, and with single spaces."""
    return " ".join(text.casefold().split())
