"""An error is told in each form, whatever is in its message."""

import json
from io import BytesIO

import pytest
from astropy.io.votable import parse as parse_votable
from lxml import etree
from pyvo.dal import DALQueryError, DALResults

from skyseries.server.documents.errors import FORMS, error_document

MESSAGE = "no column <&\"'> é; did you mean a\x01?"
SHOWN = MESSAGE.replace("\x01", "\N{REPLACEMENT CHARACTER}")


def test_the_votable_is_what_dali_demands():
    document = error_document(MESSAGE)
    resource = etree.fromstring(document)[0]
    info = resource[0]
    assert resource.get("type") == "results"
    assert (info.get("name"), info.get("value"), info.text) == ("QUERY_STATUS", "ERROR", SHOWN)
    table = parse_votable(BytesIO(document), verify="exception")
    assert table.version == "1.4"
    with pytest.raises(DALQueryError, match="no column"):
        DALResults(table)


def test_people_and_programs_get_their_forms():
    assert error_document(MESSAGE, "text").decode() == SHOWN + "\n"
    assert json.loads(error_document(MESSAGE, "json", kind="limit")) == {
        "status": "ERROR", "kind": "limit", "message": MESSAGE,
    }  # fmt: skip
    assert set(FORMS) == {"votable", "text", "json"}
