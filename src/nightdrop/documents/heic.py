"""HEIC, the pictures of phones: read by pi-heif (the extra `heic`), which teaches Pillow."""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec

NEEDS = 'it needs: pip install "nightdrop[heic]"'
BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1")
"""What stands behind `ftyp` in the first bytes of such a picture."""


@lru_cache(maxsize=1)
def can_read_heic() -> bool:
    """Whether the extra is installed."""
    return find_spec("pi_heif") is not None


@lru_cache(maxsize=1)
def teach_pillow() -> None:
    """Let Pillow open HEIC in this process. The picture comes upright: its own turns are applied."""
    from pi_heif import register_heif_opener  # an optional extra: `kinds.check` has refused where it is missing

    register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
