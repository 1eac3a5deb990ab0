"""What is done with a file once its result is committed: moved or deleted, by whichever process comes next."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nightdrop.faults import reach
from nightdrop.intake.sources import source_of
from nightdrop.intake.take import look_at
from nightdrop.records.file import File

log = logging.getLogger("nightdrop.schedules")


def put_away(row: Mapping[str, Any]) -> bool:
    """Do what is noted for a file; True when nothing is left to do. Doing it again changes nothing.

    A file that has changed since it was taken is left to the next fire. False: it is not on this machine, its server
    does not answer, or the folder cannot be written; it is tried again. Raises UsageError for a source that this
    process cannot reach.
    """
    if "://" in row["path"]:
        source = source_of(row["path"])
        return source is None or source.put_away(row["path"], row["version"], row["after"], row["run_id"])
    path = Path(row["path"])
    if not path.parent.is_dir():
        return False
    if not path.exists():
        return True  # done before, by who died before it could say so, or somebody took it away
    if look_at(File(filepath=row["path"])).version != row["version"]:
        return True
    try:
        if row["after"] == "delete":
            path.unlink()
        else:
            _move(path, Path(row["after"].removeprefix("move:")), row["run_id"])
    except FileNotFoundError:
        return not path.exists()
    except OSError as error:
        log.warning("%s: %s is not possible: %s", path, row["after"], error)
        return False
    reach("after.done")
    return True


def _move(path: Path, folder: Path, run_id: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / path.name
    if target.exists():  # an earlier file of this name: nothing is overwritten
        target = folder / f"{path.stem}-{run_id}{path.suffix}"
    os.replace(path, target)
