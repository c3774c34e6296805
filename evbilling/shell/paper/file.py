"""Writing the finished PDF objects to bytes.

pydyf's own writer serialises and deflates every object twice, at the slowest level, to compute the file identifier; for
an annex with tens of thousands of structure elements that costs more than drawing it. Here each object is serialised
once. The format is the same: objects in one compressed object stream, then a cross-reference stream (PDF 1.5+).
"""

import zlib
from collections.abc import Iterable
from hashlib import md5

import pydyf

_HEADER = b"%PDF-1.7\n%\xf0\x9f\x96\xa4\n"


def deflated(parts: Iterable[bytes], extra: dict[str, object] | None = None) -> pydyf.Stream:
    """A stream that holds its content deflated already."""
    return pydyf.Stream([zlib.compress(b"\n".join(parts), 6)], {**(extra or {}), "Filter": "/FlateDecode"})


def write_objects(pdf: pydyf.PDF, identifier: bytes) -> bytes:
    """The file. Its permanent identifier is the one given, its changing identifier a digest of the content."""
    pdf.add_object(pdf.info)
    packed = [item for item in pdf.objects if item.free != "f" and item.compressible]
    bundle = _bundle(packed)
    pdf.add_object(bundle)
    places: dict[int | None, tuple[int, int | None, int]] = {
        item.number: (2, bundle.number, index) for index, item in enumerate(packed)
    }
    content = bytearray(_HEADER)
    for item in pdf.objects:
        if isinstance(item, pydyf.Stream):
            places[item.number] = (1, len(content), 0)
            _deflate(item)
            content += item.indirect + b"\n"
    start, count = len(content), len(pdf.objects) + 1
    places[count - 1] = (1, start, 0)
    free = (0, 0, 65535)
    table = b"".join(
        b"%c%b%b" % (kind, (second or 0).to_bytes(4, "big"), third.to_bytes(4, "big"))
        for kind, second, third in (places.get(number, free) for number in range(count))
    )
    changing = md5(content, usedforsecurity=False).hexdigest().encode()
    references = deflated(
        [table],
        {
            "Type": "/XRef",
            "Index": pydyf.Array((0, count)),
            "W": pydyf.Array((1, 4, 4)),
            "Size": count,
            "Root": pdf.catalog.reference,
            "Info": pdf.info.reference,
            "ID": pydyf.Array((pydyf.String(identifier).data, pydyf.String(changing).data)),
        },
    )
    pdf.add_object(references)
    content += references.indirect + b"\nstartxref\n%d\n%%%%EOF\n" % start
    return bytes(content)


def _bundle(packed: list[pydyf.Object]) -> pydyf.Stream:
    """The object stream: numbers and offsets first, then the objects."""
    numbers: list[str] = []
    parts: list[bytes] = []
    size = 0
    for item in packed:
        data = item.data
        numbers += (str(item.number), str(size))
        parts.append(data)
        size += len(data) + 1
    head = " ".join(numbers).encode()
    return deflated((head, *parts), {"Type": "/ObjStm", "N": len(packed), "First": len(head) + 1})


def _deflate(item: pydyf.Stream) -> None:
    """Deflate a stream that still asks for it, at the usual level instead of the slowest."""
    if item.compress:
        ready = deflated((pydyf._to_bytes(part) for part in item.stream), item.extra)
        item.stream, item.extra, item.compress = ready.stream, ready.extra, False
