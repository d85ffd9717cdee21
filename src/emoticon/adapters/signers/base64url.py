"""base64url without padding (RFC 7515 appendix C), one spelling for any bytes."""

import base64


def encode(data: bytes) -> str:
    """Return the one spelling of these bytes."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Return the bytes of text made of base64url's letters; raises ValueError where `encode` spells them otherwise.

    The last letter may have bits that nothing reads: 32 bytes have four spellings, of which three are refused.
    """
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(data) != text:
        raise ValueError("not the canonical spelling")
    return data
