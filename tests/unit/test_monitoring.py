"""The files of `monitoring:` are whole, or the ones before."""

import stat
from pathlib import Path

import pytest

from borg_cluster import config
from borg_cluster.errors import ConfigError
from borg_cluster.monitoring import replace_file


def test_a_file_is_replaced_at_once_and_everybody_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    path.write_text("before", encoding="utf-8")
    with path.open(encoding="utf-8") as reader:
        replace_file(path, "after")
        assert reader.read() == "before"

    assert path.read_text(encoding="utf-8") == "after"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_what_can_not_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    path.write_text("before", encoding="utf-8")
    with pytest.raises(UnicodeEncodeError):
        replace_file(path, "half a \ud800")

    assert path.read_text(encoding="utf-8") == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_where_they_go_is_configured(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("cluster: hv\nmonitoring: {prometheus_file: /run/hv.prom}\n", encoding="utf-8")

    assert config.load(file).monitoring.prometheus_file == "/run/hv.prom"
    assert config.load(file).monitoring.status_file is None
    file.write_text("cluster: hv\nmonitoring: {status_file: here.json}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"config\.yaml:2:27: .*no absolute path"):
        config.load(file)
