"""Archives and mails in a source: each document in them has its own result, and a bad one hurts only itself."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from nightdrop import Agent
from nightdrop.store import Database
from tests.conftest import invoice_text
from tests.fundamentals.conftest import until
from tests.fundamentals.test_schedules import Stage, stage, total  # noqa: F401 - a fixture


def zipped(files: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def link_to(target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo("link")
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info


def mail(*attached: int) -> bytes:
    message = EmailMessage()
    message["From"], message["Subject"] = "billing@example.com", "Two invoices"
    message.set_content("Please find them attached.")
    for number in attached:
        message.add_attachment(
            invoice_text(number).encode(), maintype="application", subtype="octet-stream", filename=f"{number}.txt"
        )
    return message.as_bytes()


def by_file(agent: Agent, folder: Path) -> dict[str, Any]:
    return {run.input.files[0].source.removeprefix(f"{folder}/"): run for run in agent.batch(str(folder)).results()}  # type: ignore[union-attr]


def test_each_document_in_an_archive_or_mail_has_a_result(agent: Agent, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "week.zip").write_bytes(zipped({"a/1.txt": invoice_text(1), "2.txt": invoice_text(2), "bad.pdf": "%PDF"}))
    (folder / "mail.eml").write_bytes(mail(3, 4))
    (folder / "5.txt").write_text(invoice_text(5))
    with tarfile.open(folder / "old.tgz", "w:gz") as archive:
        archive.add(folder / "5.txt", "b/6.txt")
        archive.addfile(link_to("/etc/passwd"))
    (folder / "5.txt").unlink()
    runs = by_file(agent, folder)
    assert set(runs) == {
        "week.zip!/a/1.txt",
        "week.zip!/2.txt",
        "week.zip!/bad.pdf",
        "mail.eml!/3.txt",
        "mail.eml!/4.txt",
        "old.tgz!/b/6.txt",
        "old.tgz!/link",
    }
    assert {name for name, run in runs.items() if run.error} == {"week.zip!/bad.pdf", "old.tgz!/link"}
    assert runs["mail.eml!/3.txt"].metadata["mail"]["from"] == "billing@example.com"
    assert runs["mail.eml!/3.txt"].content.invoice_number == "INV-00003"


def test_what_was_in_an_archive_is_known_outside_of_it(agent: Agent, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "week.zip").write_bytes(zipped({"1.txt": invoice_text(1)}))
    agent.batch(str(folder)).wait(60)
    (folder / "again.txt").write_text(invoice_text(1))
    progress = agent.batch(str(folder)).wait(60)
    assert (progress.total, progress.skipped, progress.documents) == (2, 2, 1)


def test_an_archive_that_is_a_bomb_is_one_dead_letter(
    db: Database, agent: Agent, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("NIGHTDROP_MAX_ARCHIVE_MB", "1")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "bomb.zip").write_bytes(zipped({f"{n}.txt": "0" * 500_000 for n in range(5)}))
    (folder / "good.txt").write_text(invoice_text(1))
    progress = agent.batch(str(folder)).wait(60)
    assert (progress.total, progress.failed) == (2, 1)
    (letter,) = [one for one in db.dead_letters.list() if (one.file or "").endswith("bomb.zip")]
    assert letter.code == "document_too_complex"
    assert letter.sha256 is not None  # its bytes are kept


def test_a_schedule_moves_an_archive_once_all_that_is_in_it_is_committed(stage: Stage) -> None:  # noqa: F811
    stage.folder.mkdir()
    good, partly = stage.folder / "good.zip", stage.folder / "partly.zip"
    good.write_bytes(zipped({"1.txt": invoice_text(1), "2.txt": invoice_text(2)}))
    partly.write_bytes(zipped({"3.txt": invoice_text(3), "empty.txt": ""}))
    for path in (good, partly):
        os.utime(path, (stage.start / 1000 - 60,) * 2)
    stage.create({"after": "move:done/"})
    (row,) = stage.ended(2)
    assert (row.status.value, total(stage, row)) == ("partial", 4)
    until(lambda: (stage.tick(3), not good.exists())[1])
    assert (stage.folder / "done" / "good.zip").exists()
    assert partly.exists()
    assert total(stage, stage.ended(26)[-1]) == 0  # not opened again


def test_a_mail_that_is_a_document_is_put_away_with_what_hangs_on_it(stage: Stage) -> None:  # noqa: F811
    message = EmailMessage()
    message.set_content(invoice_text(5))
    message.add_attachment(invoice_text(6).encode(), maintype="text", subtype="plain", filename="6.txt")
    stage.folder.mkdir()
    path = stage.folder / "mail.eml"
    path.write_bytes(message.as_bytes())
    os.utime(path, (stage.start / 1000 - 60,) * 2)
    stage.create({"after": "delete"})
    (row,) = stage.ended(2)
    assert (row.status.value, total(stage, row)) == ("success", 2)
    until(lambda: (stage.tick(3), not path.exists())[1])
    assert total(stage, stage.ended(26)[-1]) == 0
