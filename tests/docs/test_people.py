from __future__ import annotations

from tests.docs import people


def test_the_matrix_is_as_the_data_says() -> None:
    assert people.PAGE.read_text() == people.page(), "run `python -m tests.docs.people`"
