"""What a model request asks for: the nouns that the three APIs come down to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Api: TypeAlias = Literal["chat", "responses", "messages"]
Output: TypeAlias = Literal["text", "native", "tool"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file found in the request, with the sha256 of its bytes; `content` is kept only for an answer hook to read."""

    sha256: str
    size: int
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A function that the model may call, with the JSON schema of its arguments."""

    name: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """One call, the same for OpenAI's Chat Completions (`chat`) and Responses, and for Anthropic's Messages.

    output: how the answer is to be given: as `text`, by a `native` response format, or as a call of the output `tool`.
    schema and schema_name: what the answer has to fit, None for plain text. tools: the functions other than the output
    tool. done: names of the functions called so far in this conversation. text: all text of the request, in order;
    text_before_files: characters of it before the first file. cache_key: OpenAI's `prompt_cache_key`. cache_marks:
    characters of the text before each of Anthropic's `cache_control`.
    """

    api: Api
    model: str
    text: str
    files: tuple[Attachment, ...] = ()
    output: Output = "text"
    schema: dict[str, Any] | None = None
    schema_name: str | None = None
    tools: tuple[Tool, ...] = ()
    done: tuple[str, ...] = ()
    stream: bool = False
    include_usage: bool = False
    text_before_files: int = 0
    cache_key: str | None = None
    cache_marks: tuple[int, ...] = ()

    @property
    def hashes(self) -> tuple[str, ...]:
        """sha256 of each file, in order."""
        return tuple(file.sha256 for file in self.files)

    @property
    def document(self) -> str:
        """What the call is about: its file hashes, or the hash of its text when there are none."""
        return ",".join(self.hashes) or hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def seed(self) -> str:
        """Equal for equal documents and text: what a generated answer depends on, besides the schema."""
        return hashlib.sha256("\n".join([*self.hashes, self.text]).encode()).hexdigest()
