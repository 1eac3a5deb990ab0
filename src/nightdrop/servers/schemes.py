"""The schemes of URLs that lead to a file system here: which ones, and of which kind."""

from __future__ import annotations

BUCKETS = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "memory"})
HOSTS = frozenset({"sftp", "ssh", "ftp", "smb", "webdav", "webdavs"})
ARCHIVES = frozenset({"zip", "tar"})
DRIVES = frozenset({"gdrive", "onedrive"})
SCHEMES = BUCKETS | HOSTS | ARCHIVES | DRIVES
