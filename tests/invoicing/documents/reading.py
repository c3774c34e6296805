"""Reading a PDF back, the way its recipient's programs do."""

import io
import re
import subprocess

import pikepdf


def text_of(content: bytes, *, layout: bool = True) -> str:
    """The text as pdftotext reads it, with plain spaces."""
    command = ["pdftotext", *(["-layout"] if layout else []), "-", "-"]
    raw = subprocess.run(command, input=content, capture_output=True, check=True).stdout.decode()
    return raw.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


def words_of(content: bytes) -> list[tuple[str, float, float]]:
    """Each word with its left and right edge in points, in reading order."""
    raw = subprocess.run(["pdftotext", "-bbox", "-", "-"], input=content, capture_output=True, check=True).stdout
    found = re.findall(r'<word xMin="([\d.]+)" yMin="[\d.]+" xMax="([\d.]+)" yMax="[\d.]+">(.*?)</word>', raw.decode())
    return [(word, float(left), float(right)) for left, right, word in found]


def unbroken(text: str) -> str:
    """Without spaces and hyphens: a long reference goes on below, and its line may end at a hyphen that is left out."""
    return "".join(text.split()).replace("-", "")


def pages_of(content: bytes) -> list[str]:
    """The text page by page."""
    return text_of(content).split("\f")[:-1]


def opened(content: bytes) -> pikepdf.Pdf:
    """The PDF's objects."""
    return pikepdf.open(io.BytesIO(content))
