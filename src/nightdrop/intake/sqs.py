"""Messages of an SQS queue: hidden from others while they are in work, deleted when what they name has ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nightdrop.errors import ExtraMissing, UsageError
from nightdrop.intake.held import HOLD_SECONDS, MOST, Held, Message
from nightdrop.intake.messages import names_nothing
from nightdrop.servers.credentials import options_for, refuse_password

_PAGE = 10  # what one call may take
_WAIT_SECONDS = 1  # without waiting, a queue says that it is empty when it is not


class Sqs:
    """One queue, `sqs://NAME`, in the region and account of the environment."""

    def __init__(self, url: str) -> None:
        try:
            import boto3
            from botocore.exceptions import BotoCoreError, ClientError
        except ImportError as error:
            raise ExtraMissing('sqs:// needs: pip install "nightdrop[sqs]"') from error
        refuse_password(url)
        self.url, self.name = url, url.partition("://")[2].strip("/")
        if not self.name or "/" in self.name or "?" in self.name:
            raise UsageError(f"{url}: write it as sqs://NAME")
        self.broken: tuple[type[Exception], ...] = (BotoCoreError, ClientError, OSError)
        try:
            self.client: Any = boto3.client("sqs", **options_for(url))
        except BotoCoreError as error:
            raise UsageError(f"{url}: {error}") from error
        self.held = Held(self._renew)
        self._address: str | None = None

    @property
    def address(self) -> str:
        """The queue's own URL."""
        if self._address is None:
            self._address = str(self.client.get_queue_url(QueueName=self.name)["QueueUrl"])
        return self._address

    def receive(self) -> None:
        """Take what nobody holds."""
        while len(self.held.messages) < MOST:
            answer = self.client.receive_message(
                QueueUrl=self.address,
                MaxNumberOfMessages=_PAGE,
                WaitTimeSeconds=_WAIT_SECONDS,
                VisibilityTimeout=HOLD_SECONDS,
                AttributeNames=["ApproximateReceiveCount"],
            )
            found = answer.get("Messages", [])
            for one in found:
                self._hold(one)
            if not found:
                return

    def acknowledge(self, version: str, message: Message | None) -> None:
        """Delete a message that this process holds. One that it does not hold is left to whom it is delivered next."""
        del version
        if message is not None:
            self.client.delete_message(QueueUrl=self.address, ReceiptHandle=message.receipt)

    def _hold(self, one: dict[str, Any]) -> None:
        body, receipt = str(one["Body"]).encode(), str(one["ReceiptHandle"])
        if names_nothing(body):
            self.client.delete_message(QueueUrl=self.address, ReceiptHandle=receipt)
            return
        count = int(one.get("Attributes", {}).get("ApproximateReceiveCount", 1))
        self.held.add(Message(url=f"{self.url}#{one['MessageId']}", body=body, receipt=receipt, deliveries=count))

    def _renew(self, held: Sequence[Message]) -> Sequence[Message]:
        gone: list[Message] = []
        for at in range(0, len(held), _PAGE):
            page = held[at : at + _PAGE]
            entries = [
                {"Id": str(n), "ReceiptHandle": m.receipt, "VisibilityTimeout": HOLD_SECONDS}
                for n, m in enumerate(page)
            ]
            answer = self.client.change_message_visibility_batch(QueueUrl=self.address, Entries=entries)
            gone += [page[int(failed["Id"])] for failed in answer.get("Failed", [])]
        return gone
