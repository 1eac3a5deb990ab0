"""Making an answer: by the local reader or by a model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nightdrop.agents.checks import doubted, judged
from nightdrop.agents.evidence import grounded
from nightdrop.agents.request import Answer, AnswerRequest
from nightdrop.agents.spec import AgentSpec
from nightdrop.documents.pool import ReaderPool
from nightdrop.errors import UsageError
from nightdrop.ledger.log import CallLog
from nightdrop.records.field import FieldResult

_LOCAL_READER = "nightdrop.reading.task:read_document"


async def answer(spec: AgentSpec, request: AnswerRequest, reader: ReaderPool, log: CallLog) -> Answer:
    """A valid answer with the evidence of each value, checked by the validators.

    Raises InputError for a document that cannot be used, ModelFailed for what the model did.

    Every call of a model is written to `log` before it is made.
    """
    found = await _made(spec, request, reader, log)
    checks = found.checks if found.is_judged else (await judged(spec, found.content)).checks
    return replace(found, fields=doubted(found.fields, checks), checks=checks)


async def recheck(spec: AgentSpec, request: AnswerRequest, content: Any, reader: ReaderPool) -> Answer:
    """An answer that a person has corrected, searched in the documents and checked like any other."""
    checks = (await judged(spec, content)).checks
    evidence = await grounded(spec, request, content, reader)
    return Answer(content=content, fields=evidence.fields, checks=checks)


async def _made(spec: AgentSpec, request: AnswerRequest, reader: ReaderPool, log: CallLog) -> Answer:
    if spec.is_local:
        return await _read_locally(spec, request, reader)
    from nightdrop.agents.ask import ask  # the model layer takes half a second to import: only where it is used

    found = await ask(spec, request, reader, log)
    evidence = await grounded(spec, request, found.content, reader)
    return replace(found, fields=evidence.fields, candidates=evidence.candidates)


async def _read_locally(spec: AgentSpec, request: AnswerRequest, reader: ReaderPool) -> Answer:
    if len(request.documents) != 1:
        raise UsageError(f'model="local" reads one document per run, got {len(request.documents)}')
    document = request.documents[0]
    found = await reader.call(
        _LOCAL_READER,
        await document.read(),
        {"mime_type": document.mime_type, "filename": document.filename, "schema": spec.schema.json_schema},
    )
    fields = {path: FieldResult.from_json(data) for path, data in found["fields"].items()}
    for path in found["missing"]:
        fields.setdefault(path, FieldResult(value=None, confidence=0.0))
    return Answer(content=spec.schema.validate(found["content"]), fields=fields)
