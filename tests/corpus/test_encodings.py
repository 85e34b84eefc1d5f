from __future__ import annotations

import codecs

import pytest

from ragtune.corpus.encodings import read_text
from ragtune.errors import CorpusError

CHINESE = "图书馆的开放时间是早上九点到晚上八点。"
RUSSIAN = "Библиотека открыта с девяти утра до восьми вечера каждый день."


@pytest.mark.parametrize(
    ("data", "text", "encoding"),
    [
        (b"The fee is \xa340.", "The fee is £40.", "cp1252"),
        (b"Store at 25 \xb0C.", "Store at 25 °C.", "cp1252"),
        ("“Café” – naïve résumé, 5 €".encode("cp1252"), "“Café” – naïve résumé, 5 €", "cp1252"),
        ("Grüße aus Köln, schöne Straße und Übung".encode("latin-1"), "Grüße aus Köln, schöne Straße und Übung", "cp1252"),
        ("ÄÖÜ äöüß".encode("cp1252"), "ÄÖÜ äöüß", "cp1252"),
        ("The fee is £40.".encode(), "The fee is £40.", "utf-8"),
        (codecs.BOM_UTF8 + "é".encode(), "é", "utf-8"),
        ("héllo".encode("utf-16"), "héllo", "utf-16"),
        ("héllo".encode("utf-32"), "héllo", "utf-32"),
        ("héllo there".encode("utf-16-le"), "héllo there", "utf-16-le"),
        ("plain words".encode("utf-16-be"), "plain words", "utf-16-be"),
        ("plain words".encode("utf-32-le"), "plain words", "utf-32-le"),
        (CHINESE.encode("gb18030"), CHINESE, "gb18030"),
        (CHINESE.encode("utf-16-le") + "\n".encode("utf-16-le"), CHINESE + "\n", "utf-16-le"),
        ("図書館の開館時間は午前九時から午後八時までです。".encode("shift_jis"), "図書館の開館時間は午前九時から午後八時までです。", "cp932"),
        ("도서관은 오전 아홉 시부터 문을 엽니다.".encode("euc_kr"), "도서관은 오전 아홉 시부터 문을 엽니다.", "euc_kr"),
        (RUSSIAN.encode("cp1251"), RUSSIAN, "cp1251"),
    ],
)  # fmt: skip
def test_the_encoding_is_told_from_the_bytes(data: bytes, text: str, encoding: str) -> None:
    found = read_text(data, "a.txt")
    assert (found.text, found.encoding, found.unreadable) == (text, encoding, 0)
    assert bool(found.notes) == (encoding != "utf-8")


def test_one_broken_byte_among_much_utf8_stays_utf8_and_is_said() -> None:
    found = read_text("Größe, Übung, Straße, Tür, Öl, Käse".encode() * 2 + b"\xfc", "a.txt")
    assert found.text.startswith("Größe, Übung")
    assert found.notes == ("read as utf-8, 1 byte(s) of it unreadable",)


def test_markup_may_declare_its_encoding() -> None:
    html = '<meta charset="windows-1251"><p>да</p>'
    assert "да" in read_text(html.encode("cp1251"), "a.html", markup=True).text
    assert "£" in read_text(b'<meta charset="utf-8"><p>\xa340', "a.html", markup=True).text


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(CorpusError, match=r"a\.txt: this is not text"):
        read_text(b"\x80\x00\xff" * 50, "a.txt")
