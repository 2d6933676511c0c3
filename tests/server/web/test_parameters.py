"""Parameters of requests that are not what they should be."""

from __future__ import annotations

import pytest

from skyseries.errors import InputError
from skyseries.server.web.parameters import Parameters


@pytest.mark.parametrize(
    "text", ["+-5", "--5", "++", "-", "1e3", "0x5", "\u00b2", "\uff15", "1 2", "NaN"]
)
def test_what_is_no_whole_number(text):
    with pytest.raises(InputError, match="LAST is a whole number, not"):
        Parameters([("last", text)]).whole("LAST")


@pytest.mark.parametrize(("text", "number"), [
    ("5", 5), (" +5 ", 5), ("-5", -5), ("", None), ("9" * 18, int("9" * 18)),
    (str(2**63), 2**63 - 1), ("9" * 5_000, 2**63 - 1),
])  # fmt: skip
def test_whole_numbers_are_of_64_bits(text, number):
    assert Parameters([("last", text)]).whole("LAST", -5) == number


def test_numbers_that_no_database_knows(archive):
    for path in ("/tap/async?LAST=99999999999999999999", "/tap/async?LAST=%2B5"):
        assert archive.http.get(path).status_code == 200
    assert archive.http.get("/tap/async?LAST=%2B-5").status_code == 400
