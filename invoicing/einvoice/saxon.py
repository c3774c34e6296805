"""The program that runs XSLT 3 stylesheets for `rules`: a small process of its own beside each worker.

Saxon brings a virtual machine along: apart, its 150 MB are not the worker's, and a worker may fork. It reads requests
from its input and answers on its output: a line with a path and a length, then so many bytes; the answer likewise. It
ends when its worker does, because its input ends then.
"""

import sys
from typing import Any, BinaryIO


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the input ends. Each stylesheet is compiled once. An answer begins with ok or failed."""
    from saxonche import PySaxonProcessor  # noqa: PLC0415 - in this process only

    processor = PySaxonProcessor(license=False)
    compiled: dict[str, Any] = {}
    while header := requests.readline():
        length, _space, path = header.decode().rstrip("\n").partition(" ")
        xml = requests.read(int(length))
        try:
            if path not in compiled:
                compiled[path] = processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=path)
            node = processor.parse_xml(xml_text=xml.decode())
            word, answer = "ok", str(compiled[path].transform_to_string(xdm_node=node)).encode()
        except Exception as error:  # whatever Saxon finds wrong is the asker's to know; the next request goes on
            word, answer = "failed", str(error).encode()
        answers.write(f"{word} {len(answer)}\n".encode() + answer)
        answers.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
