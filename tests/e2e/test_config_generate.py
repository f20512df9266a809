"""`config generate` of a cluster that answers over the wire."""

from pathlib import Path

import yaml

from borg_cluster import config
from borg_cluster.simulator import story
from tests.e2e.conftest import Shop


def test_a_cluster_is_asked_and_what_comes_out_backs_it_up(window: Shop, tmp_path: Path) -> None:
    was = yaml.safe_load(window.site.configuration.read_text(encoding="utf-8"))["remoting"]
    flat = {**was, **{f"addresses.{name}": address for name, address in was.pop("addresses").items()}}
    del flat["addresses"]
    pairs = [word for key, value in flat.items() for word in ("--remoting", f"{key}={value}")]
    file = tmp_path / "made.yaml"
    cluster = f"{window.cluster.name}.{window.cluster.domain}"
    done = window.run("config", "generate", cluster, *pairs, "--destination", str(file))
    assert done.code == 0, done.err
    assert window.run("--config", str(file), "config", "validate").code == 0
    text = file.read_text(encoding="utf-8")
    assert f"#   {story.QUOTED}, highly available, on " in text
    policy = config.load(file)
    assert policy.remoting.addresses == config.load(window.site.configuration).remoting.addresses
    file.write_text(text.replace("/mnt/hv", str(window.site.cluster / "volumes")), encoding="utf-8")
    plan = window.run("--config", str(file), "--json", "plan", "--refresh").document
    assert [one for one in plan["skipped"] if one["refused"]] == []
    assert len(plan["archives"]) > len(window.cluster.volume_names)


def test_nothing_is_overwritten_and_what_is_wrong_is_said(window: Shop, tmp_path: Path) -> None:
    file = tmp_path / "made.yaml"
    words = ("config", "generate", "--destination", str(file))
    assert window.run(*words).code == 0
    file.write_text("mine", encoding="utf-8")
    refused = window.run(*words)
    assert (refused.code, "--overwrite" in refused.err, file.read_text(encoding="utf-8")) == (64, True, "mine")
    assert window.run(*words, "--overwrite").code == 0
    assert "kind: virtual_machines" in file.read_text(encoding="utf-8")
    printed = window.run("config", "generate", "--destination", "-")
    assert config.check(printed.out, name="printed").cluster == "hv.example.test"
    assert "did you mean 'username'?" in window.run(*words, "--overwrite", "--remoting", "user_name=x").err
    assert window.run(*words, "--overwrite", "--remoting", "username").code == 64
    gone = window.run(
        "config",
        "generate",
        "hv2.example.test",
        "--destination",
        str(tmp_path / "gone"),
        "--remoting",
        "port=1",
        "--remoting",
        "addresses.hv2.example.test=127.0.0.1",
    )
    assert gone.code == 4, gone.err
    assert not (tmp_path / "gone").exists()
