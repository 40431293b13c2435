from __future__ import annotations

import pytest

from syncflow_dagster.demo import dev


class MadeUpWorld(Exception):
    pass


@pytest.mark.parametrize("given", [None, "MONDAY_TOKEN", "SALESFORCE_CLIENT_SECRET"])
def test_a_secret_of_either_service_means_real_accounts(monkeypatch, tmp_path, given):
    def fresh_databases(*_):
        raise MadeUpWorld

    monkeypatch.setattr(dev, "fresh_databases", fresh_databases)
    monkeypatch.setattr(dev, "supervise", lambda **_: 0)
    for name in dev._REAL:
        monkeypatch.delenv(name, raising=False)
    told = []
    if given is None:
        with pytest.raises(MadeUpWorld):
            dev.run_dev(tmp_path, port=0, say=told.append)
        assert "sandbox" in told[0]
    else:
        monkeypatch.setenv(given, "secret")
        assert dev.run_dev(tmp_path, port=0, say=told.append) == 0
        assert told == [f"{given} is set: working on the real accounts and the lasting database"]
