"""`syncflow window`: what is refused before anything is asked of the database."""

import pytest
from click.testing import CliRunner

from syncflow_dagster.cli import main


@pytest.mark.parametrize("length", ["2", "0h", "", "an hour", "9999999999d", "9" * 5000 + "h"])
def test_what_is_no_length_is_refused(length):
    words = ["window", "open", "order_list", "--for", length, "--reason", "r", "--actor", "a"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2, result.output
    assert "is no length of time: write, for example, 2h, 45m or 1d" in result.output
