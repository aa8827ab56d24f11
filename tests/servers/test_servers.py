"""Each server for a moment, natively and translated: answers, data and shutdown, not speed."""

from __future__ import annotations

import pytest

from tests.servers.base import Complaint, running
from tests.servers.redis import Redis
from tests.servers.run import SERVERS, try_server


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(SERVERS)), ids=[kind.name for kind in SERVERS])
def test_server(number: int) -> None:
    kind = SERVERS[number]
    if missing := kind.missing():
        pytest.skip(missing)
    report = try_server(kind, 0, 0.2)
    assert not report.problem, report.problem
    assert len(report.rows) >= 3


@pytest.mark.slow
def test_wrong_data_is_found() -> None:
    """The verification itself can fail."""
    if missing := Redis.missing():
        pytest.skip(missing)
    with running(Redis, translated=True) as server:
        server.verify()
        assert isinstance(server, Redis)
        server.ask("SET", "known:7", "wrong")
        with pytest.raises(Complaint, match="not the value"):
            server.verify()
