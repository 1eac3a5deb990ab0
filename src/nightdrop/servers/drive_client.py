"""What Google Drive is asked, version 3 of its REST API: one signed-in client for each thread."""

from __future__ import annotations

import json
from typing import Any

from google.auth.transport.requests import AuthorizedSession

from nightdrop.errors import UsageError

FOLDER = "application/vnd.google-apps.folder"
_SCOPES = {
    "full_control": "https://www.googleapis.com/auth/drive",
    "read_only": "https://www.googleapis.com/auth/drive.readonly",
}
_FIELDS = "id,name,mimeType,size,md5Checksum,createdTime,modifiedTime,parents,trashed"
_ALL_DRIVES = {"supportsAllDrives": "true"}
_PAGE = "1000"
_TIMEOUT_SECONDS = 60
_BOUNDARY = "a-part-of-a-document-that-no-document-holds-5f1c"

Item = dict[str, Any]


class DriveClient:
    """creds: a service account or an authorized user, as JSON or the path of a file; None for what Google finds."""

    def __init__(self, creds: str | None, access: str, endpoint_url: str) -> None:
        if access not in _SCOPES:
            raise UsageError(f"gdrive: access is {' or '.join(_SCOPES)}, not {access!r}")
        signed_in = _credentials(creds, [_SCOPES[access]])
        self._session: Any = AuthorizedSession(signed_in)  # type: ignore[no-untyped-call]
        self._files = f"{endpoint_url.rstrip('/')}/drive/v3/files"
        self._upload = f"{endpoint_url.rstrip('/')}/upload/drive/v3/files"

    def children(self, folder: str, name: str | None = None) -> list[Item]:
        """What lies in a folder, or what has this name there, the oldest first."""
        query = f"'{_quoted(folder)}' in parents and trashed = false"
        query += "" if name is None else f" and name = '{_quoted(name)}'"
        asked = {"q": query, "fields": f"nextPageToken,files({_FIELDS})", "pageSize": _PAGE, **_ALL_DRIVES}
        asked["includeItemsFromAllDrives"] = "true"
        found: list[Item] = []
        while True:
            page = json.loads(self._ask("GET", self._files, asked))
            found += page["files"]
            if not page.get("nextPageToken"):
                break
            asked["pageToken"] = page["nextPageToken"]
        if name is not None:
            found = [item for item in found if item["name"] == name]
        return sorted(found, key=lambda item: (item["createdTime"], item["id"]))

    def get(self, file_id: str) -> Item:
        """A file or folder by its id. Raises FileNotFoundError."""
        asked = {"fields": _FIELDS, **_ALL_DRIVES}
        item: Item = json.loads(self._ask("GET", f"{self._files}/{file_id}", asked))
        return item

    def content(self, file_id: str) -> bytes:
        """The bytes of a file."""
        return self._ask("GET", f"{self._files}/{file_id}", {"alt": "media", **_ALL_DRIVES})

    def exported(self, file_id: str, mime_type: str) -> bytes:
        """A document of Google's own kind as one of this type; Google gives ten megabytes at most."""
        return self._ask("GET", f"{self._files}/{file_id}/export", {"mimeType": mime_type})

    def make_folder(self, name: str, parent: str) -> Item:
        """A new folder."""
        made = {"name": name, "mimeType": FOLDER, "parents": [parent]}
        asked = {"fields": _FIELDS, **_ALL_DRIVES}
        item: Item = json.loads(self._ask("POST", self._files, asked, json.dumps(made).encode(), "application/json"))
        return item

    def change(self, file_id: str, fields: dict[str, Any], **asked: str) -> None:
        """Another name, other parents, the trash."""
        given = json.dumps(fields).encode()
        self._ask("PATCH", f"{self._files}/{file_id}", {**asked, **_ALL_DRIVES}, given, "application/json")

    def create(self, name: str, parent: str, content: bytes) -> None:
        """A new file, whole or not at all."""
        head = json.dumps({"name": name, "parents": [parent]}).encode()
        parts = ((b"application/json; charset=UTF-8", head), (b"application/octet-stream", content))
        body = b"".join(
            b"--%s\r\nContent-Type: %s\r\n\r\n%s\r\n" % (_BOUNDARY.encode(), kind, part) for kind, part in parts
        )
        body += b"--%s--\r\n" % _BOUNDARY.encode()
        asked = {"uploadType": "multipart", **_ALL_DRIVES}
        self._ask("POST", self._upload, asked, body, f"multipart/related; boundary={_BOUNDARY}")

    def replace(self, file_id: str, content: bytes) -> None:
        """Other bytes for a file, whole or not at all."""
        asked = {"uploadType": "media", **_ALL_DRIVES}
        self._ask("PATCH", f"{self._upload}/{file_id}", asked, content, "application/octet-stream")

    def _ask(
        self, method: str, url: str, asked: dict[str, str], content: bytes | None = None, mime_type: str | None = None
    ) -> bytes:
        headers = {"Content-Type": mime_type} if mime_type else None
        answer = self._session.request(
            method, url, params=asked, data=content, headers=headers, timeout=_TIMEOUT_SECONDS
        )
        if answer.status_code == 404:
            raise FileNotFoundError("Google Drive has no such file")
        if answer.status_code >= 400:
            words = f"Google Drive: {answer.status_code} {_reason(answer)}"
            is_refused = answer.status_code == 403 and "imit" not in words  # rateLimitExceeded, dailyLimitExceeded
            raise PermissionError(words) if is_refused else ConnectionError(words)
        return bytes(answer.content)


def _reason(answer: Any) -> str:
    try:
        error = answer.json()["error"]
        return f"{error['errors'][0]['reason']}: {error['message']}"
    except (ValueError, KeyError, IndexError, TypeError):
        return str(answer.reason)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _credentials(creds: str | None, scopes: list[str]) -> Any:
    """Raises UsageError for a file that is none of Google's, and what Google raises when it finds none."""
    import google.auth
    from google.auth.exceptions import DefaultCredentialsError
    from google.oauth2 import credentials, service_account

    if creds is None:
        try:
            return google.auth.default(scopes=scopes)[0]
        except DefaultCredentialsError as error:
            raise UsageError(f"gdrive: {error} (docs/how-to/sources.md)") from error
    try:
        text = creds
        if not creds.lstrip().startswith("{"):
            with open(creds, encoding="utf-8") as stream:
                text = stream.read()
        info = json.loads(text)
        kinds: dict[str, Any] = {
            "service_account": service_account.Credentials.from_service_account_info,
            "authorized_user": credentials.Credentials.from_authorized_user_info,
        }
        return kinds[info["type"]](info, scopes=scopes)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"gdrive: creds is no key of a service account and no authorized user ({type(error).__name__})"
        ) from error
