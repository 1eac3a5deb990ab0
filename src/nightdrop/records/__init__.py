"""The nouns: frozen data, no I/O."""

from nightdrop.records.batch import BatchProgress, BatchStatus
from nightdrop.records.dead_letter import DeadLetter, DeadLetterState
from nightdrop.records.document import Document, DocumentText, NewDocument, Page, Word
from nightdrop.records.field import FieldMatch, FieldResult
from nightdrop.records.file import File
from nightdrop.records.metrics import RunMetrics
from nightdrop.records.run import FileRef, RunInput, RunOutput, RunStatus
from nightdrop.records.run_error import RunError

__all__ = [
    "BatchProgress",
    "BatchStatus",
    "DeadLetter",
    "DeadLetterState",
    "Document",
    "DocumentText",
    "FieldMatch",
    "FieldResult",
    "File",
    "FileRef",
    "NewDocument",
    "Page",
    "RunError",
    "RunInput",
    "RunMetrics",
    "RunOutput",
    "RunStatus",
    "Word",
]
