"""A file sent in a form: a CSV of one column, as the imports of the Management API take it."""

import csv
import io
import re
from email.message import Message
from typing import Final

from talon_emulator import errors
from talon_emulator.errors import Refusal

FIELD: Final = "upFile"
_SPECIAL = re.compile(r'[",\r\n]')
_LONGEST: Final = 64 * 1024  # characters of one value; the integration IDs that exist are far shorter


def column(content_type: bytes, body: bytes, name: str, most: int, longest: int = _LONGEST) -> list[str] | Refusal:
    """Return the values below the header `name`, each once, in their order; none is empty or longer than `longest`.

    Empty lines count for nothing (assumed).
    """
    sent = _file(content_type, body)
    if isinstance(sent, Refusal):
        return sent
    try:
        text = sent.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return errors.bad_line(sent.count(b"\n", 0, error.start) + 1, "the line is not UTF-8")
    return _read(text, name, most, longest)


def render(name: str, values: list[str]) -> bytes:
    """Write a CSV of one column; a value is quoted where it could not be read back otherwise."""
    quoted = ('"' + value.replace('"', '""') + '"' if _SPECIAL.search(value) else value for value in values)
    return "".join(f"{value}\n" for value in (name, *quoted)).encode()


def _read(text: str, name: str, most: int, longest: int) -> list[str] | Refusal:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    values: dict[str, None] = {}
    line, header = 1, None
    try:
        for row in rows:
            if row and header is None:
                header = row
                if row != [name]:
                    return errors.bad_line(line, f"the header must be the one column {name}")
            elif row:
                if len(row) != 1 or not row[0]:
                    return errors.bad_line(line, f"the line must have one value that is not empty, not {len(row)}")
                if len(row[0]) > longest:
                    return errors.bad_line(line, f"the value is longer than {longest} characters")
                values[row[0]] = None
                if len(values) > most:
                    return errors.bad_line(line, f"there are more than {most} values")
            line = rows.line_num + 1
    except csv.Error as error:
        return errors.bad_line(line, str(error))
    return list(values) if header else errors.bad_line(1, f"the header {name} is missing")


def _file(content_type: bytes, body: bytes) -> bytes | Refusal:
    """Return what the form holds in the field for the file (RFC 7578)."""
    header = Message()
    header["content-type"] = content_type.decode("latin-1")
    boundary = header.get_param("boundary")
    if header.get_content_type() != "multipart/form-data" or not isinstance(boundary, str) or not boundary:
        return errors.bad_form("the body must be multipart/form-data with a boundary")
    start, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary.encode("latin-1"))
    if not parts or start.strip():
        return errors.bad_form("the body does not begin with the boundary")
    if not parts[-1].startswith(b"--"):
        return errors.bad_form("the body does not end with the boundary and two hyphens")
    for part in parts[:-1]:
        head, blank, content = part.partition(b"\r\n\r\n")
        if not blank or not head.startswith(b"\r\n"):
            return errors.bad_form("a part has no headers")
        if _field(head) == FIELD:
            return content
    return errors.bad_form(f"the form has no file {FIELD}")


def _field(head: bytes) -> str | None:
    """Return the name of the form's field that the headers of a part give."""
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-disposition":
            header = Message()
            header["content-disposition"] = value.strip()
            field = header.get_param("name", header="content-disposition")
            return field if isinstance(field, str) else None
    return None
