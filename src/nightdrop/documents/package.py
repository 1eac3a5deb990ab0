"""The parts of an Office file (a ZIP of XML), read within bounds: a bomb or hostile XML ends as a typed error."""

from __future__ import annotations

import io
import lzma
import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lxml import etree

from nightdrop.documents.containers import MOST_MEMBERS, member_names
from nightdrop.errors import DocumentTooComplex, FileCorrupt, FileEncrypted

_MOST_BYTES = 256 * 1024 * 1024  # of all parts together, unpacked
_CHUNK = 1024 * 1024
_LOCKED_FLAG = 0x1
_BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError, NotImplementedError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """What one part says about another: id within it, the last word of the relation's type, the other part's name."""

    id: str
    kind: str
    target: str


class Package:
    """An open Office file. Parts are unpacked when asked for, 256 MB in all."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._room = _MOST_BYTES
        self.names = frozenset(archive.namelist())

    def read(self, name: str) -> bytes:
        """A part's bytes; FileCorrupt when it is missing or damaged, DocumentTooComplex beyond the bound."""
        return b"".join(self._chunks(name))

    def xml(self, name: str) -> etree._Element:
        """A part's root element. A DTD is refused (the formats have none), entities and networks are not followed."""
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        try:
            root = etree.fromstring(self.read(name), parser)
        except etree.XMLSyntaxError as error:
            if "XML_PARSE_HUGE" in str(error):
                raise DocumentTooComplex(f"{name} in the Office file is nested too deeply or too large") from error
            raise FileCorrupt(f"the Office file is damaged: {name} is not valid XML ({error})") from error
        if root.getroottree().docinfo.doctype:
            raise FileCorrupt(f"the Office file is damaged: {name} declares a document type")
        return root

    def related(self, name: str) -> list[Relation]:
        """The relations of a part to other parts inside the file ("" for the file as a whole)."""
        folder, base = posixpath.split(name)
        path = posixpath.join(folder, "_rels", f"{base}.rels")
        if path not in self.names:
            return []
        return [
            Relation(
                id=item.get("Id", ""),
                kind=item.get("Type", "").rpartition("/")[2],
                target=posixpath.normpath(posixpath.join("/", folder, item.get("Target", ""))).lstrip("/"),
            )
            for item in self.xml(path).iter("{*}Relationship")
            if item.get("TargetMode") != "External"
        ]

    def main_part(self) -> str:
        """The name of the part that is the document itself; FileCorrupt when there is none."""
        for relation in self.related(""):
            if relation.kind == "officeDocument" and relation.target in self.names:
                return relation.target
        raise FileCorrupt("the Office file is damaged: its main part is missing")

    def check_xml_size(self) -> None:
        """Unpacks all XML once, keeping nothing: for libraries that open the file by themselves, without bounds."""
        for name in sorted(self.names):
            if name.lower().endswith((".xml", ".rels")):
                for _ in self._chunks(name):
                    pass
        self._room = _MOST_BYTES

    def _chunks(self, name: str) -> Iterator[bytes]:
        try:
            info = self._archive.getinfo(name)
        except KeyError:
            raise FileCorrupt(f"the Office file is damaged: {name} is missing") from None
        if info.flag_bits & _LOCKED_FLAG:
            raise FileEncrypted("the Office file is protected by a password: remove it before handing the file in")
        try:
            with self._archive.open(info) as stream:
                while chunk := stream.read(_CHUNK):
                    self._room -= len(chunk)
                    if self._room < 0:
                        raise DocumentTooComplex(f"the Office file unpacks to more than {_MOST_BYTES >> 20} MB")
                    yield chunk
        except _BROKEN as error:
            raise FileCorrupt(f"the Office file is damaged: {name} cannot be unpacked ({error})") from error


@contextmanager
def opened_package(content: bytes) -> Iterator[Package]:
    """The open Office file, closed on leaving; FileCorrupt when it is no archive, DocumentTooComplex for a vast one."""
    names = member_names(content)
    if len(names) > MOST_MEMBERS:
        raise DocumentTooComplex(f"the Office file has more than {MOST_MEMBERS} parts")
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except _BROKEN as error:
        raise FileCorrupt(f"the Office file is damaged and cannot be opened ({error})") from error
    with archive:
        yield Package(archive)
