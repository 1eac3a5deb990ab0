"""How well model="local" reads real invoices: right, wrong and missed values per field, and documents per second.

    python benchmarks/local_reader.py [--corpus ../shared/corpus] [--verbose]

The corpus is described in its README. Wrong with confidence >= 0.8 is the figure to keep at zero.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from nightdrop.errors import InputError
from nightdrop.reading.task import read_document
from nightdrop.schemas import Invoice

SURE = 0.8
HEADER = ("invoice_number", "date", "due_date", "currency", "seller", "buyer", "net", "tax", "total", "due")
MONEY = ("net", "tax", "total", "due")
INVOICE2DATA = {
    "amount": "total",
    "amount_untaxed": "net",
    "amount_tax": "tax",
    "issuer": "seller",
    "partner_name": "seller",
    "date": "date",
    "date_due": "due_date",
    "invoice_number": "invoice_number",
    "currency": "currency",
}


@dataclass
class Score:
    """Counts per field of one part, its documents and seconds."""

    name: str
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    documents: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    def add(self, document: str, name: str, gold: str, answer: dict[str, Any]) -> None:
        counter = self.counts.setdefault(name, Counter())
        value = answer["content"].get(name)
        if value is None:
            counter["missed"] += 1
            self.notes.append(f"  missed {document} {name}: {gold!r}")
            return
        confidence = answer["fields"][name]["confidence"]
        if same(name, value, gold):
            counter["right"] += 1
            counter["right_sure"] += confidence >= SURE
            return
        counter["wrong"] += 1
        counter["wrong_sure"] += confidence >= SURE
        self.notes.append(f"  WRONG  {document} {name}: {value!r} ({confidence}), gold {gold!r}")


def same(name: str, value: str, gold: str) -> bool:
    if name in MONEY:
        return Decimal(value) == Decimal(str(gold))
    flat, wanted = (" ".join(str(text).split()) for text in (value, gold))
    return flat == wanted or (name == "invoice_number" and flat.lstrip("# ") == wanted.lstrip("# "))


def iso(day: str) -> str:
    return f"{day[:4]}-{day[4:6]}-{day[6:]}" if len(day) == 8 else day


def stripped(content: bytes) -> bytes:
    """The PDF without its attachments: what a labelled-form reader would get from another sender."""
    import io

    document = pypdfium2.PdfDocument(content)
    while pdfium.FPDFDoc_GetAttachmentCount(document):
        pdfium.FPDFDoc_DeleteAttachment(document, 0)
    out = io.BytesIO()
    document.save(out)
    document.close()
    return out.getvalue()


def read(score: Score, content: bytes, schema: dict[str, Any]) -> dict[str, Any]:
    start = time.perf_counter()
    try:
        return read_document(content, {"mime_type": "application/pdf", "schema": schema})
    except InputError as error:
        print(f"  {error}")
        return {"content": {}, "fields": {}}
    finally:
        score.seconds += time.perf_counter() - start
        score.documents += 1


def zugferd(corpus: Path, *, strip: bool) -> Score:
    score = Score("zugferd, labels only" if strip else "zugferd, from XML")
    schema = Invoice.model_json_schema()
    for line in (corpus / "zugferd" / "gold.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        content = (corpus / "zugferd" / row["file"]).read_bytes()
        answer = read(score, stripped(content) if strip else content, schema)
        for name, gold in row["gold"].items():
            if name not in HEADER or gold is None or (strip and row["visible_in_text"].get(name) is False):
                continue
            score.add(row["file"], name, iso(gold) if name == "date" else gold, answer)
        if not strip:
            lines = len(answer["content"].get("lines") or [])
            score.add(row["file"], "line_count", str(row["gold"]["line_count"]), _counted(lines))
    return score


def _counted(lines: int) -> dict[str, Any]:
    return {"content": {"line_count": str(lines)}, "fields": {"line_count": {"confidence": 0.99}}}


def invoice2data(corpus: Path) -> Score:
    score = Score("invoice2data, labels only")
    schema = Invoice.model_json_schema()
    for file, gold in json.loads((corpus / "invoice2data" / "gold.json").read_text("utf-8")).items():
        answer = read(score, (corpus / "invoice2data" / file).read_bytes(), schema)
        wanted: dict[str, set[str]] = {}
        for name, value in gold.items():
            if name in INVOICE2DATA:
                wanted.setdefault(INVOICE2DATA[name], set()).add(str(value))
        for name, values in wanted.items():
            answered = answer["content"].get(name)
            best = next((v for v in values if answered is not None and same(name, answered, v)), sorted(values)[0])
            score.add(file, name, best, answer)
    return score


def show(scores: Iterable[Score], *, verbose: bool) -> None:
    columns = ("right", "right_sure", "wrong", "wrong_sure", "missed")
    for score in scores:
        rate = score.documents / score.seconds if score.seconds else 0.0
        print(f"\n{score.name}: {score.documents} documents, {rate:.0f} docs/s")
        print(f"  {'field':16}" + "".join(f"{column:>12}" for column in columns))
        total: Counter[str] = Counter()
        for name, counter in score.counts.items():
            total += counter
            print(f"  {name:16}" + "".join(f"{counter[column]:>12}" for column in columns))
        print(f"  {'all':16}" + "".join(f"{total[column]:>12}" for column in columns))
        if verbose:
            print("\n".join(score.notes))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "corpus")
    parser.add_argument("--verbose", action="store_true", help="list every missed and wrong value")
    options = parser.parse_args()
    if not options.corpus.is_dir():
        sys.exit(print(f"no corpus at {options.corpus}: nothing measured"))
    parts = (zugferd(options.corpus, strip=False), zugferd(options.corpus, strip=True), invoice2data(options.corpus))
    show(parts, verbose=options.verbose)


if __name__ == "__main__":
    main()
