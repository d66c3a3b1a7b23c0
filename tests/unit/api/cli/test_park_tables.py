"""How the park's machines look in a terminal."""

import pytest

from api.cli.park_tables import print_nodes


def test_no_node_at_all_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    print_nodes([])

    said = capsys.readouterr()
    assert (said.out.split(), said.err) == (["node", "pool", "kind", "count", "state"], "none\n")
