"""Signatures as Standard Webhooks has them (www.standardwebhooks.com), so that its libraries check ours."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from nightdrop.errors import UsageError

_PREFIX = "whsec_"


def signed_headers(delivery_id: str, body: bytes, secret: str, now_s: int) -> dict[str, str]:
    """The headers that tell a receiver who sent this, when, and which delivery it is.

    What is signed is `id.timestamp.body`, with HMAC-SHA256. now_s: seconds since 1970.
    """
    signed = f"{delivery_id}.{now_s}.".encode() + body
    digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(now_s),
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }


def _key(secret: str) -> bytes:
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise UsageError(f"the secret of a webhook begins with {_PREFIX} and is not base64 behind it") from error
