"""A prompt cache: what begins like an earlier request is read from it: by itself (OpenAI), up to a mark (Anthropic)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from nightdrop.testing.model_request import ModelRequest
from nightdrop.testing.price import CHARACTERS_PER_TOKEN

_LEAST_TOKENS = 1024
_STEP_TOKENS = 128


class PromptCache:
    """Remembers beginnings, by model, schema, tools and cache key. Forgets nothing. Only text before the first file is
    cached."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def look(self, request: ModelRequest) -> tuple[int, int]:
        """Input tokens that are read from the cache, and that are written to it at a surcharge (Anthropic's)."""
        ends = list(self._ends(request))
        known = max((end for end, name in ends if name in self._known), default=0)
        self._known.update(name for _, name in ends)
        longest = max((end for end, _ in ends), default=0)
        return known, longest - known if request.api == "messages" else 0

    def _ends(self, request: ModelRequest) -> Iterator[tuple[int, str]]:
        """Where a beginning may end, in tokens, and a name for it up to there."""
        seed = json.dumps([request.model, request.cache_key, request.schema, [t.name for t in request.tools]])
        running = hashlib.sha256(seed.encode())
        at = 0
        for tokens in self._places(request):
            end = tokens * CHARACTERS_PER_TOKEN
            running.update(request.text[at:end].encode())
            at = end
            if tokens >= _LEAST_TOKENS:
                yield tokens, running.hexdigest()

    def _places(self, request: ModelRequest) -> Iterator[int]:
        if request.api == "messages":
            yield from sorted({mark // CHARACTERS_PER_TOKEN for mark in request.cache_marks})
        else:
            yield from range(_STEP_TOKENS, request.text_before_files // CHARACTERS_PER_TOKEN + 1, _STEP_TOKENS)
