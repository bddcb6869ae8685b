"""A CSV of one column in a form: read strictly, written so that it reads back."""

from hypothesis import given
from hypothesis import strategies as st

from emulator_support import pure
from talon_emulator import uploads
from talon_emulator.errors import Refusal

TYPE = b"multipart/form-data; boundary=cut"
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=100)


def form(file: bytes, before: bytes = b"") -> bytes:
    head = b'--cut\r\nContent-Disposition: form-data; name="upFile"; filename="a"\r\nContent-Type: text/csv\r\n\r\n'
    return before + head + file + b"\r\n--cut--\r\n"


def read(file: bytes, most: int = 10, longest: int = 100) -> list[str] | Refusal:
    return uploads.column(TYPE, form(file), "item", most, longest)


@pure
@given(st.lists(VALUES, unique=True, max_size=5))
def test_what_is_written_reads_back(values: list[str]) -> None:
    assert read(uploads.render("item", values)) == values


@pure
@given(st.binary())
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    uploads.column(TYPE, body, "item", 10)
    uploads.column(body, form(b"item\n"), "item", 10)
    read(body)


def test_what_is_taken() -> None:
    assert read(b"item") == read(b"\xef\xbb\xbfitem\r\n\r\n") == read(b"\n\nitem\n\n") == []
    assert read(b'item\r\n"a"\r\n\r\nb\na') == ["a", "b"]
    other = b'--cut\r\nContent-Disposition: form-data; name="x"\r\n\r\nitem\r\n'
    assert uploads.column(TYPE, form(b"item\na", other), "item", 1) == ["a"]
    assert uploads.column(b'Multipart/Form-Data; boundary="cut"', form(b"item\na"), "item", 1) == ["a"]


def test_what_is_refused_names_its_line() -> None:
    def line(file: bytes) -> str:
        refusal = read(file, most=2, longest=3)
        assert isinstance(refusal, Refusal)
        return refusal.errors[0].source["line"]

    assert line(b"") == line(b"Item\n") == line(b'"ite\nm"\n') == "1"
    assert line(b"\nItem\n") == "2"
    assert line(b'item\n"a\nb"\nabcd\n') == "4"
    assert line(b"item\na\nb\nc\n") == "4"
    assert line(b"item\na\n\xc3\n") == "3"
    assert line(b'item\n"open') == "2"
