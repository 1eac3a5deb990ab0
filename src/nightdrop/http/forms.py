"""Reading the form of a run: fields checked, files taken without their paths, all of it bounded."""

from __future__ import annotations

import json
import mmap
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartParser

from nightdrop.errors import FileTooLarge, MediaTypeUnsupported
from nightdrop.http.shapes.text import Text
from nightdrop.records.file import File
from nightdrop.settings import load_settings

_TYPES = ("multipart/form-data", "application/x-www-form-urlencoded")
_FILES = ("files", "files[]")
_MOST_FILES, _MOST_FIELDS = 1000, 200
_MOST_FIELD_BYTES = 4 * 1024 * 1024
_MOST_NAME = 255


class DocumentsForm(BaseModel):
    """The fields of a form of documents alone."""

    model_config = ConfigDict(extra="forbid")

    file_urls: list[Text] = Field(
        default=[], description="URLs to fetch documents from.", examples=[["https://example.com/a.pdf"]]
    )


class RunForm(DocumentsForm):
    """The fields of a run's form, beside its files."""

    message: Text = Field(default="", description="What to ask.", examples=["Extract this invoice."])
    session_id: Text | None = Field(
        default=None, max_length=500, description="The same session, revision, message and documents are one run."
    )
    user_id: Text | None = Field(default=None, max_length=500, description="Whose it is.")
    background: bool = Field(default=False, description="Answer 202 as soon as the run is committed.")
    stream: bool = Field(default=False, description="Answer with server-sent events.")
    rerun: bool = Field(default=False, description="Run even if the session has its answer.")
    metadata: dict[str, JsonValue] = Field(default={}, description="Your own JSON object, as text.")


F = TypeVar("F", bound=DocumentsForm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission(Generic[F]):
    """A form that was read: its fields, and its documents."""

    form: F
    files: Sequence[File]


def openapi_body(fields: type[BaseModel] = RunForm) -> dict[str, Any]:
    """The body of a route that takes a form as OpenAPI has it."""
    schema = fields.model_json_schema()
    del schema["additionalProperties"], schema["title"]
    del schema["properties"]["file_urls"]["default"]
    for name in {"session_id", "user_id"} & schema["properties"].keys():
        given = schema["properties"][name]
        schema["properties"][name] = {"type": "string", "maxLength": 500, "description": given["description"]}
    if "metadata" in schema["properties"]:
        schema["properties"]["metadata"] = {"type": "string", "description": "Your own JSON object, as text."}
    files = {"type": "array", "items": {"type": "string", "format": "binary"}, "description": "The documents."}
    schema["properties"]["files"] = files
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


@asynccontextmanager
async def read_form(request: Request, model: type[F]) -> AsyncIterator[Submission[F]]:
    """The form of this request; its files are gone afterwards.

    Raises MediaTypeUnsupported, RequestValidationError, FileTooLarge.
    """
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in _TYPES:
        raise MediaTypeUnsupported(f"the body is {given or 'of no type'}: send {' or '.join(_TYPES)}")
    limits = {"max_files": _MOST_FILES, "max_fields": _MOST_FIELDS, "max_part_size": _MOST_FIELD_BYTES}
    async with request.form(**limits) as form:
        fields = _fields(form, model)
        files = [await _file(part) for part in _uploads(form)]
        try:
            yield Submission(form=fields, files=[*files, *url_files(fields.file_urls)])
        finally:
            for file in files:
                if isinstance(file.content, mmap.mmap):
                    file.content.close()


def url_files(urls: Sequence[str]) -> list[File]:
    """Documents to fetch for somebody else: their addresses are checked, so that nobody looks into this network."""
    return [File(url=url, guarded=True) for url in urls]


def _fields(form: FormData, model: type[F]) -> F:
    values: dict[str, Any] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            if name not in _FILES:
                raise _wrong(name, "files go into `files`")
        elif name in _FILES:
            raise _wrong(name, "a file needs a filename in its part; text goes into `message`")
        elif name == "file_urls":
            values.setdefault(name, []).append(value)
        elif name in values:
            raise _wrong(name, "given twice")
        else:
            values[name] = _json(value) if name == "metadata" else value
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise RequestValidationError([{**e, "loc": ("body", *e["loc"])} for e in error.errors()]) from error


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise _wrong("metadata", "it is no JSON") from None


def _wrong(name: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("body", name), "msg": message, "type": "value_error", "input": None}])


def _uploads(form: FormData) -> list[UploadFile]:
    return [value for name, value in form.multi_items() if isinstance(value, UploadFile)]


async def _file(part: UploadFile) -> File:
    most = load_settings().max_file_bytes
    name = safe_name(part.filename)
    if part.size is not None and part.size > most:
        shown = name or "a file"
        raise FileTooLarge(f"{shown} has {part.size:,} bytes, the limit is {most:,}; NIGHTDROP_MAX_FILE_MB raises it")
    small = part.size is None or part.size <= MultiPartParser.spool_max_size
    content = await part.read() if small else mmap.mmap(part.file.fileno(), 0, access=mmap.ACCESS_READ)
    return File(content=content, filename=name, mime_type=part.content_type)


def safe_name(filename: str | None) -> str | None:
    """The last part of an uploaded name, for people to see and to tell the kind by: it never becomes a path."""
    last = re.split(r"[/\\]", filename or "")[-1].strip().strip(".")
    return last[-_MOST_NAME:] or None
