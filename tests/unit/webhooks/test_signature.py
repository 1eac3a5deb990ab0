"""Signatures, secrets, and what follows from an answer."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from nightdrop import Delivery, DeliveryState, UsageError, Webhook
from nightdrop.clock import to_ms
from nightdrop.outbound.sign import signed_headers
from nightdrop.webhooks.send import Attempt, outcome

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
NOW = to_ms(BEGAN) + 1000


def test_the_example_of_standard_webhooks() -> None:
    """Their own specification has this secret, message and signature."""
    headers = signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        b'{"test": 2432232314}',
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        1614265330,
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_a_secret_that_is_no_base64_is_said() -> None:
    with pytest.raises(UsageError, match="base64"):
        signed_headers("a", b"", "whsec_%%%", 1)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"secret": "short"}, "16 characters"),
        ({"secret": "env:"}, "name of a variable"),
        ({"secret": "env:A-B"}, "name of a variable"),
        ({"events": ()}, "names no event"),
        ({"events": "run.error"}, "takes a list"),
        ({"events": ["run"]}, "'run' is no event"),
        ({"events": ["r*"]}, "'r*' is no event"),
        ({"events": ["run.ended"]}, "run.completed"),
    ],
)
def test_a_webhook_that_means_nothing_is_a_wrong_call(given: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError) as refused:
        Webhook(**{"url": "https://x.example/", "secret": "0123456789abcdef", **given})  # type: ignore[arg-type]
    assert words in str(refused.value)


def test_a_secret_is_never_shown() -> None:
    webhook = Webhook(url="https://x.example/", secret="0123456789abcdef")
    assert "0123" not in repr(webhook) + str(webhook.to_json())


def delivery(attempts: int = 1) -> Delivery:
    return Delivery(
        id="d",
        webhook_id="w",
        event="run.completed",
        about="r",
        data={},
        state=DeliveryState.PENDING,
        attempts=attempts,
        next_attempt_at=None,
        status_code=None,
        error=None,
        created_at=BEGAN,
        completed_at=None,
    )


def test_waits_grow_and_end() -> None:
    waits = []
    for number in range(1, 8):
        values = outcome(delivery(number), Attempt(error="no", again=True), NOW)
        waits.append((values["not_before"] - NOW) / 1000)
    for wait, expected in zip(waits, (5, 30, 120, 600, 3600, 10_800, 21_600), strict=True):
        assert 0.8 * expected <= wait <= 1.2 * expected
    assert outcome(delivery(8), Attempt(error="no", again=True), NOW)["state"] == "dead"


def test_a_receiver_that_asks_for_time_gets_it() -> None:
    values = outcome(delivery(1), Attempt(error="no", again=True, retry_after=900.0), NOW)
    assert values["not_before"] == NOW + 900_000
    values = outcome(delivery(1), Attempt(error="no", again=True, retry_after=1e9), NOW)
    assert values["not_before"] == NOW + 6 * 3_600_000


def test_a_429_spends_no_attempt_but_not_for_ever() -> None:
    busy = Attempt(status_code=429, error="it answered 429", again=True, spends=False)
    assert outcome(delivery(8), busy, NOW)["attempts"] == 7
    assert outcome(delivery(8), busy, NOW + 4 * 86_400_000)["state"] == "dead"


def test_what_cannot_get_better_ends_at_once() -> None:
    assert outcome(delivery(), Attempt(status_code=410, error="it answered 410"), NOW)["state"] == "dead"
    done = outcome(delivery(), Attempt(status_code=204), NOW)
    assert (done["state"], done["error"], done["completed_at"]) == ("delivered", None, NOW)
