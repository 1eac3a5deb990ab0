"""How many wrong values evidence and rules catch, how many right ones they doubt, and what that takes per page.

    python benchmarks/evidence.py [--corpus ../shared/corpus] [--verbose]

Right answers are the known values of real invoices (the corpus, e-invoices without their XML) and of the demo's
samples. Into each of them one error after the other is injected: a wrong digit, two dates or two sums exchanged, an
invented seller, the value of another document. No model is asked: what one would say of itself is not measured here.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_reader import HEADER, INVOICE2DATA, iso, stripped

from nightdrop import ReviewPolicy
from nightdrop.agents import AgentSpec, Answer, OutputSchema, doubts_of
from nightdrop.agents.checks import doubted, judged
from nightdrop.demo.samples import all_samples
from nightdrop.documents.kinds import PDF, TEXT
from nightdrop.documents.pages import read_pages
from nightdrop.reading.ground import ground_answer
from nightdrop.records import FieldResult
from nightdrop.rules import adds_up, in_order
from nightdrop.schemas import Invoice

SCHEMA = OutputSchema(Invoice)
RULES = (adds_up(["net", "tax"], "total"), in_order("date", "due_date"))
POLICY = ReviewPolicy()
INVENTED = (
    "Meridian Trade Partners Ltd",
    "Kessler & Vogt Handels GmbH",
    "Société Aubrac SARL",
    "Norlund Supplies Inc.",
)
WAYS = ("evidence", "with labels", "with labels and rules")


@dataclass(frozen=True)
class Document:
    """A document with the values that really stand in it."""

    name: str
    content: bytes
    mime_type: str
    right: dict[str, Any]


@dataclass
class Tally:
    """caught and missed: injected errors by kind and way; alarms: right values that were doubted, of `values`."""

    caught: dict[str, Counter[str]] = field(default_factory=dict)
    injected: Counter[str] = field(default_factory=Counter)
    alarms: Counter[str] = field(default_factory=Counter)
    values: int = 0
    notes: list[str] = field(default_factory=list)


def samples() -> Iterator[Document]:
    for sample in all_samples():
        if sample.expected is not None and sample.duplicate_of is None:
            kind = PDF if sample.name.endswith(".pdf") else TEXT
            right = {name: value for name, value in sample.expected.items() if name in HEADER and value is not None}
            yield Document(sample.name, sample.content, kind, right)


def corpus_documents(corpus: Path) -> Iterator[Document]:
    for line in (corpus / "zugferd" / "gold.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        seen = {
            n: v for n, v in row["gold"].items() if n in HEADER and v and row["visible_in_text"].get(n) is not False
        }
        right = {name: iso(value) if name in ("date", "due_date") else str(value) for name, value in seen.items()}
        yield Document(row["file"], stripped((corpus / "zugferd" / row["file"]).read_bytes()), PDF, right)
    for file, gold in json.loads((corpus / "invoice2data" / "gold.json").read_text("utf-8")).items():
        right = {INVOICE2DATA[name]: str(value) for name, value in gold.items() if name in INVOICE2DATA}
        yield Document(file, (corpus / "invoice2data" / file).read_bytes(), PDF, right)


def errors_in(right: dict[str, Any], others: list[Document], draw: random.Random) -> Iterator[tuple[str, str, Any]]:
    """(kind, answer with one error, the wrong fields)."""
    for name, value in right.items():
        if any(c.isdigit() for c in str(value)):
            yield "wrong digit", {**right, name: _other_digit(name, str(value), draw)}, {name}
        foreign = [d.right[name] for d in others if d.right.get(name) not in (None, value)]
        if foreign and name != "currency":
            yield "of another document", {**right, name: draw.choice(foreign)}, {name}
    if "seller" in right:
        yield "invented seller", {**right, "seller": draw.choice(INVENTED)}, {"seller"}
    for kind, one, two in (("dates exchanged", "date", "due_date"), ("sums exchanged", "net", "total")):
        if one in right and two in right and right[one] != right[two]:
            yield kind, {**right, one: right[two], two: right[one]}, {one, two}


def _other_digit(name: str, value: str, draw: random.Random) -> str:
    """The value with another digit; of a date, another day."""
    if name in ("date", "due_date"):
        day = int(value[8:10])
        return f"{value[:8]}{draw.choice([d for d in range(1, 29) if d != day]):02}"
    at = draw.choice([i for i, c in enumerate(value) if c.isdigit()])
    return value[:at] + draw.choice([d for d in "0123456789" if d != value[at]]) + value[at + 1 :]


def doubtful(document: Document, content: dict[str, Any]) -> dict[str, set[str]]:
    """The fields that each way doubts."""
    params = {"mime_type": document.mime_type, "schema": SCHEMA.content_schema, "content": content, "candidates": True}
    found = ground_answer(document.content, params)
    fields = {path: FieldResult.from_json(data) for path, data in found["fields"].items()}
    others = {path: [FieldResult.from_json(one) for one in some] for path, some in found["candidates"].items()}
    spec = AgentSpec(id="b", name="b", model="local", instructions=None, schema=SCHEMA, validators=RULES)
    checks = asyncio.run(judged(spec, content)).checks
    ways = (
        Answer(content=content, fields=fields),
        Answer(content=content, fields=fields, candidates=others),
        Answer(content=content, fields=doubted(fields, checks), checks=checks, candidates=others),
    )
    return {way: {d.path for d in doubts_of(POLICY, SCHEMA, a)} for way, a in zip(WAYS, ways, strict=True)}


def measure(documents: list[Document]) -> Tally:
    tally, draw = Tally(), random.Random(7)
    for document in documents:
        tally.values += len(document.right)
        for way, paths in doubtful(document, document.right).items():
            tally.alarms[way] += len(paths & document.right.keys())
            tally.notes += [f"  doubted {document.name} {path} ({way}): {document.right.get(path)!r}" for path in paths]
        others = [other for other in documents if other is not document]
        for kind, answer, wrong in errors_in(document.right, others, draw):
            tally.injected[kind] += 1
            for way, paths in doubtful(document, answer).items():
                tally.caught.setdefault(kind, Counter())[way] += bool(paths & wrong)
                if not paths & wrong:
                    said = {path: answer[path] for path in wrong}
                    tally.notes.append(f"  missed {kind} in {document.name} ({way}): {said}")
    return tally


def speed(documents: list[Document], *, candidates: bool) -> float:
    """Milliseconds per page, the second time."""
    pages = sum(len(read_pages(d.content, d.mime_type).pages) for d in documents)
    for _ in range(2):
        started = time.perf_counter()
        for document in documents:
            params = {"mime_type": document.mime_type, "schema": SCHEMA.content_schema, "content": document.right}
            ground_answer(document.content, {**params, "candidates": candidates})
        seconds = time.perf_counter() - started
    return seconds * 1000 / pages


def show(name: str, documents: list[Document], *, verbose: bool) -> None:
    tally = measure(documents)
    print(f"\n{name}: {len(documents)} documents, {tally.values} right values")
    print(f"  {'':24}{'injected':>10}" + "".join(f"{way:>24}" for way in WAYS))
    total: Counter[str] = Counter()
    for kind, count in tally.injected.items():
        total += tally.caught[kind]
        print(f"  {kind:24}{count:>10}" + "".join(f"{tally.caught[kind][way] / count:>24.1%}" for way in WAYS))
    count = tally.injected.total()
    print(f"  {'all caught':24}{count:>10}" + "".join(f"{total[way] / count:>24.1%}" for way in WAYS))
    alarms = "".join(f"{f'{tally.alarms[way]} ({tally.alarms[way] / tally.values:.1%})':>24}" for way in WAYS)
    print(f"  {'right values doubted':24}{'':>10}{alarms}")
    plain, full = speed(documents, candidates=False), speed(documents, candidates=True)
    print(f"  ms per page: {plain:.1f}; with other values looked for: {full:.1f}")
    if verbose:
        print("\n".join(tally.notes))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "corpus")
    parser.add_argument("--verbose", action="store_true", help="list every missed error and every false alarm")
    options = parser.parse_args()
    show("samples", list(samples()), verbose=options.verbose)
    if options.corpus.is_dir():
        show("corpus", list(corpus_documents(options.corpus)), verbose=options.verbose)
    else:
        print(f"no corpus at {options.corpus}: only the samples were measured")


if __name__ == "__main__":
    main()
