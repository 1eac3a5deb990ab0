"""Documents that cannot be used."""

from nightdrop.errors.root import NightdropError


class InputError(NightdropError):
    """The document cannot be used."""

    code = "input_invalid"
    http_status = 422


class MessageUnreadable(InputError):
    """A message of a queue names no documents that can be understood. content: the message as it came."""

    code = "message_unreadable"

    def __init__(self, message: str | None = None, *, content: bytes = b"") -> None:
        self.content = content
        super().__init__(message)


class FileMissing(InputError):
    """There is no file at this path."""

    code = "file_not_found"


class FileUnreadable(InputError):
    """The file is there but cannot be read."""

    code = "file_unreadable"


class UrlRefused(InputError):
    """The URL leads where it must not: to an address that is not public, or it is not a plain http or https URL."""

    code = "url_refused"


class PathRefused(InputError):
    """Somebody else named this path or source, and it lies below nothing that is allowed."""

    code = "path_refused"


class FileEmpty(InputError):
    """The file has no bytes."""

    code = "file_empty"


class FileTooLarge(InputError):
    """The file is larger than the limit (NIGHTDROP_MAX_FILE_MB)."""

    code = "file_too_large"
    http_status = 413


class FileTypeUnsupported(InputError):
    """This type of file is not supported."""

    code = "file_type_unsupported"
    http_status = 415


class FileTypeMismatch(InputError):
    """The file's content is not what its name or declared type says."""

    code = "file_type_mismatch"
    http_status = 415


class FileCorrupt(InputError):
    """The file is damaged and cannot be opened."""

    code = "file_corrupt"


class FileEncrypted(InputError):
    """The file is protected by a password."""

    code = "file_encrypted"


class PdfCorrupt(InputError):
    """The PDF is damaged and cannot be opened."""

    code = "pdf_corrupt"


class PdfEncrypted(InputError):
    """The PDF is protected by a password."""

    code = "pdf_encrypted"


class PdfNoPages(InputError):
    """The PDF has no pages."""

    code = "pdf_no_pages"


class DocumentTooComplex(InputError):
    """Reading the document took more time or memory than allowed."""

    code = "document_too_complex"


class NoText(InputError):
    """The document has no text layer: it is a scan. Configure a model that reads images, such as model="openai:..."."""

    code = "no_text"


class ReaderFailed(NightdropError):
    """Reading the document failed for a reason of the reader's own."""

    code = "reader_failed"


class SchemaTooFree(InputError):
    """The local reader cannot fill this schema: it asks for prose. Configure a model, such as model="openai:..."."""

    code = "schema_needs_model"
