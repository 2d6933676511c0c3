import pytest

pytest.register_assert_rewrite("tests.formats.streams.contract", "tests.formats.streams.votables")
