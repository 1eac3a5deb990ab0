"""The twelve samples, and writing them to a folder."""

from __future__ import annotations

from pathlib import Path

from nightdrop.demo.samples import (
    american,
    british,
    damaged,
    dutch,
    factur_x,
    french,
    german,
    italian,
    order_mail,
    receipt,
)
from nightdrop.demo.samples.bill import Bill
from nightdrop.demo.samples.sample import Sample

PASSWORD = "estate-office"
"""Opens the protected sample."""


def all_samples() -> tuple[Sample, ...]:
    """Draw every sample: the same bytes at every call."""
    survey = _read("TKS-2026-0187.pdf", british.draw(british.BILL), british.BILL)
    wholesale = _read("Factuur 26004173.pdf", dutch.draw(), dutch.BILL)
    return (
        _read("INV-20418.pdf", american.draw(), american.BILL),
        survey,
        _read("Rechnung_RE-2026-01187.pdf", german.draw(), german.BILL),
        _read("facture-F2026-0318.pdf", french.draw(), french.BILL),
        wholesale,
        _read("fattura_214-2026.pdf", italian.draw(), italian.BILL),
        _read("FA-2026-0092_factur-x.pdf", factur_x.draw(), factur_x.BILL),
        _read("receipt-harbour-lane.pdf", receipt.draw(), receipt.BILL),
        _read("Rechnung-Größe-Ü 7.txt", order_mail.write(), order_mail.BILL),
        _refused("download (3).pdf", damaged.broken_off(wholesale.content), "pdf_corrupt"),
        _refused("TKS-2026-0203 CONFIDENTIAL.pdf", british.draw(british.CONFIDENTIAL, PASSWORD), "pdf_encrypted"),
        Sample(
            name="scan-0007 (copy).pdf",
            content=survey.content,
            expected=dict(survey.expected or {}),
            error=None,
            duplicate_of=survey.name,
        ),
    )


def write_samples(folder: Path) -> tuple[Sample, ...]:
    """Write every sample that is missing or differs into the folder, which is made if needed; all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = all_samples()
    for sample in samples:
        path = folder / sample.name
        if not path.is_file() or path.read_bytes() != sample.content:
            path.write_bytes(sample.content)
    return samples


def _read(name: str, content: bytes, bill: Bill) -> Sample:
    return Sample(name=name, content=content, expected=bill.expected(), error=None, duplicate_of=None)


def _refused(name: str, content: bytes, error: str) -> Sample:
    return Sample(name=name, content=content, expected=None, error=error, duplicate_of=None)
