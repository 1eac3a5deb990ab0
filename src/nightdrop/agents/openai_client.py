"""The OpenAI SDK's client as we use it: documents are put into the body while it is sent, and a body that is JSON
already is not walked key by key before.
"""

from __future__ import annotations

import binascii
from collections.abc import AsyncIterator
from functools import cached_property
from typing import Any

import httpx2
from openai import AsyncOpenAI, DefaultAioHttpClient
from openai.resources.chat import AsyncChat
from openai.resources.chat.completions import AsyncCompletions
from openai.resources.responses import AsyncResponses

from nightdrop.agents.marks import pieces
from nightdrop.agents.request import Attachment
from nightdrop.limits.headers import hear

_CHUNK = 96 * 1024
"""Bytes encoded at a time; a multiple of three, so that the pieces of base64 join without padding."""


class _Completions(AsyncCompletions):
    """Chat completions whose messages and tools go out as they are given."""

    async def create(self, **arguments: Any) -> Any:
        """As the SDK's. It would walk both by their types, to change nothing."""
        return await super().create(**_as_given(arguments, "messages", "tools"), messages=())


class _Responses(AsyncResponses):
    """Responses whose input and tools go out as they are given."""

    async def create(self, **arguments: Any) -> Any:
        """As the SDK's, see `_Completions.create`."""
        return await super().create(**_as_given(arguments, "input", "tools"))


def _as_given(arguments: dict[str, Any], *names: str) -> dict[str, Any]:
    """The arguments with those of these names moved to `extra_body`, which the SDK does not look into."""
    moved = {name: arguments.pop(name) for name in names if isinstance(arguments.get(name), list)}
    return {**arguments, "extra_body": {**moved, **(arguments.get("extra_body") or {})}}


class _Chat(AsyncChat):
    @cached_property
    def completions(self) -> AsyncCompletions:
        return _Completions(self._client)


class OpenAIClient(AsyncOpenAI):
    """AsyncOpenAI with the two resources above."""

    @cached_property
    def chat(self) -> AsyncChat:
        """Chat completions."""
        return _Chat(self)

    @cached_property
    def responses(self) -> AsyncResponses:
        """Responses."""
        return _Responses(self)


class DocumentClient(DefaultAioHttpClient):
    """An HTTP client that sends documents in place of their marks.

    aiohttp's pool: the SDK's default client scans every connection at each request.
    """

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Send the request with the documents in it. What fails before (bytes that are gone) is raised as it is."""
        cut = pieces(request.content)
        if len(cut) > 1:
            request = await _with_documents(request, cut)
        response = await super().send(request, **options)
        hear(response.headers)
        return response


async def _with_documents(request: httpx2.Request, cut: list[bytes | Attachment]) -> httpx2.Request:
    body = _Body(cut)
    headers = request.headers.copy()
    headers["content-length"] = str(await body.load())
    return httpx2.Request(request.method, request.url, headers=headers, stream=body, extensions=request.extensions)


class _Body(httpx2.AsyncByteStream):
    """A body with documents as base64, each read before anything is sent and let go when it is sent."""

    def __init__(self, cut: list[bytes | Attachment]) -> None:
        self._cut = cut
        self._loaded: dict[int, bytes] = {}

    async def load(self) -> int:
        """Read the documents; returns the length of the body."""
        length = 0
        for index, piece in enumerate(self._cut):
            if isinstance(piece, bytes):
                length += len(piece)
            else:
                content = self._loaded[index] = await piece.read()
                length += (len(content) + 2) // 3 * 4
        return length

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for index, piece in enumerate(self._cut):
            if isinstance(piece, bytes):
                yield piece
                continue
            # sent once more after a redirect: then it is read again
            content = self._loaded.pop(index, None) or await piece.read()
            for start in range(0, len(content), _CHUNK):
                yield binascii.b2a_base64(memoryview(content)[start : start + _CHUNK], newline=False)
            del content
