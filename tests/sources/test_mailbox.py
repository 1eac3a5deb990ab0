"""An IMAP mailbox on a real server: every mail once, marked, moved or deleted only after the commit."""

from __future__ import annotations

import imaplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from nightdrop import Agent, SqliteDb
from nightdrop.errors import FileMissing, FileTooLarge, SourceNotFound, SourceUnreadable, UsageError
from nightdrop.intake.imap import Imap
from nightdrop.schedules import service
from nightdrop.schemas import Invoice
from tests.conftest import invoice_text
from tests.fundamentals.conftest import until
from tests.sources.serve import PASSWORD
from tests.sources.test_through_the_doors import Night

# connections end with the threads that have them
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


class Mailbox:
    """pymap with one user, and a look at what is in its mailboxes."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"imap://nightly@127.0.0.1:{port}/INBOX"

    def client(self) -> imaplib.IMAP4:
        connection = imaplib.IMAP4("127.0.0.1", self.port, timeout=10)
        connection.login("nightly", PASSWORD)
        return connection

    def drop(self, number: int, *, attached: bool = True) -> None:
        message = EmailMessage()
        message["From"], message["Subject"] = "billing@example.com", f"Invoice {number}"
        message.set_content("See there." if attached else invoice_text(number))
        if attached:
            content = invoice_text(number).encode()
            message.add_attachment(content, maintype="application", subtype="octet-stream", filename=f"{number}.txt")
        with closing_client(self.client()) as client:
            assert client.append("INBOX", "", "", message.as_bytes())[0] == "OK"

    def count(self, mailbox: str, search: str = "UNDELETED") -> int:
        with closing_client(self.client()) as client:
            if client.select(f'"{mailbox}"', readonly=True)[0] != "OK":
                return 0
            return len(client.search(None, search)[1][0].split())


class closing_client(closing):  # type: ignore[type-arg]
    def __exit__(self, *exc: object) -> None:
        self.thing.logout()


@pytest.fixture
def mailbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    user = ["--demo-user", "nightly", "--demo-password", PASSWORD]
    command = [str(Path(sys.executable).parent / "pymap"), "--host", "127.0.0.1", "--port", str(port), "--no-tls"]
    with subprocess.Popen([*command, "dict", *user], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(port)
            (tmp_path / "sources.toml").write_text(f'["imap://127.0.0.1:{port}"]\npassword = "env:DROP_PASSWORD"\n')
            monkeypatch.setenv("NIGHTDROP_SOURCES", str(tmp_path / "sources.toml"))
            monkeypatch.setenv("DROP_PASSWORD", PASSWORD)
            yield Mailbox(port)
        finally:
            process.kill()


def _wait_for(port: int) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return


@pytest.fixture
def agent(tmp_path: Path) -> Any:
    db = SqliteDb(tmp_path / "nightdrop.db")
    yield Agent(id="remote", model="local", output_schema=Invoice, db=db)
    db.close()


def test_mails_are_listed_and_read_without_being_marked(mailbox: Mailbox) -> None:
    mailbox.drop(1)
    mailbox.drop(2)
    first, second = Imap().list(mailbox.url)
    assert first.url.startswith(f"{mailbox.url};UIDVALIDITY=")
    assert first.version != second.version
    content = Imap().read(first.url, 100_000, first.size)
    assert (len(content), b"Subject: Invoice 1" in content) == (first.size, True)
    assert mailbox.count("INBOX", "UNSEEN") == 2
    assert len(list(Imap().list(f"{mailbox.url}?SUBJECT%20%22Invoice 2%22"))) == 1
    assert len(list(Imap().list(f"{mailbox.url}?UNSEEN"))) == 2
    with pytest.raises(FileTooLarge):
        Imap().read(first.url, 10, first.size)
    with pytest.raises(FileMissing):
        Imap().read(first.url.rpartition("=")[0] + "=999", 1000)
    with pytest.raises(SourceNotFound):
        Imap().list(mailbox.url.replace("INBOX", "Nothing"))


def test_attachments_are_documents_and_a_mail_is_known_the_next_time(mailbox: Mailbox, agent: Agent) -> None:
    for number in range(3):
        mailbox.drop(number)
    mailbox.drop(9, attached=False)
    batch = agent.batch(mailbox.url)
    progress = batch.wait(60)
    assert (progress.total, progress.failed) == (4, 0)
    runs = list(batch.results())
    assert {run.content.invoice_number for run in runs} == {f"INV-{n:05}" for n in (0, 1, 2, 9)}
    assert {run.metadata["mail"]["subject"] for run in runs if run.metadata} == {f"Invoice {n}" for n in range(3)}
    assert agent.batch(mailbox.url).wait(60).skipped == 4


@pytest.mark.parametrize("after", ["mark", "delete", "move:/Done"])
def test_a_schedule_puts_mails_away_after_the_commit(mailbox: Mailbox, agent: Agent, after: str) -> None:
    mailbox.drop(1)
    night = Night(agent, {"message": "Extract.", "files": f"{mailbox.url}?UNSEEN", "after": after, "settle_seconds": 0})
    assert night.fire(0) == ("success", 1)
    expected = {"mark": (1, 0, 0), "delete": (0, 0, 0), "move:/Done": (0, 0, 1)}[after]

    def state() -> tuple[int, int, int]:
        return mailbox.count("INBOX"), mailbox.count("INBOX", "UNSEEN UNDELETED"), mailbox.count("Done")

    until(lambda: (night.look(), state() == expected)[1])
    assert night.fire(1) == ("success", 0)
    mailbox.drop(2)
    assert night.fire(2) == ("success", 1)
    night.stop()


def test_a_mailbox_that_cannot_be_asked_is_said(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DROP_PASSWORD", "wrong")
    with pytest.raises(SourceUnreadable):
        Imap().list(mailbox.url.replace("nightly", "nobody"))
    with pytest.raises(UsageError):
        Imap().list('imap://nightly@127.0.0.1/INBOX?SUBJECT "x"\r\nDELETE INBOX')


def test_only_mailboxes_can_mark(agent: Agent) -> None:
    assert agent.db is not None
    fields = {"name": "x", "cron": "0 2 * * *", "endpoint": "/agents/remote/runs"}
    with pytest.raises(UsageError, match="keep, delete or move"):
        service.create_schedule(agent.db, {**fields, "payload": {"files": "in/", "after": "mark"}})
