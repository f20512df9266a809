"""A job of ours in borgmatic's words; that borgmatic itself takes it is the lane's matter."""

import pytest
import yaml

from borg_cluster import config
from borg_cluster.config.borgmatic import borgmatic
from borg_cluster.core.policy import Policy
from borg_cluster.errors import UsageError
from tests.golden.golden import check

CALL = ("env", "STATE_DIRECTORY=/var/lib/borg-cluster", "/opt/borg-cluster/bin/borg-cluster", "--config", "/etc/it's here.yaml")
TEXT = """
cluster: hv.example.test
repositories: [{path: "ssh://backup@vault/./hv", label: main}, {path: /srv/second, label: second}]
encryption_passphrase: "{credential systemd passphrase}"
borg: {lock_wait: 5, umask: 0027, ssh_command: "ssh -i /root/key", upload_rate_limit: 512}
checks: [{name: repository, frequency: 2 weeks}, {name: extract, frequency: 36h}, {name: archives}]
jobs:
  nightly:
    kind: virtual_machines
    repository: main
    compression: zstd,3
    extra_borg_options: ["--exclude-caches", "--comment=it's"]
    keep_within: 3d
    keep_last: 2
    keep_daily: 7
  bare: {kind: virtual_machines, repository: main, compression: none}
"""


def policy(text: str = TEXT) -> Policy:
    return config.check(text, name="test")


def made(job: str, *, of: Policy | None = None) -> str:
    known = of or policy()
    chosen = next(one for one in known.jobs if one.name == job)
    return borgmatic(known, chosen, known.repositories, patterns="/var/lib/borg-cluster/p", call=CALL)


def test_all_that_a_job_says_is_said_in_borgmatics_words() -> None:
    check("configurations/borgmatic.yaml", made("nightly"))


def test_a_job_that_keeps_everything_prunes_nothing() -> None:
    assert yaml.safe_load(made("bare"))["skip_actions"] == ["prune"]


def test_secrets_stay_references_that_borgmatic_knows() -> None:
    env = policy(TEXT.replace("{credential systemd passphrase}", "{env PASS}"))
    assert yaml.safe_load(made("bare", of=env))["encryption_passphrase"] == "${PASS}"
    keyring = policy(TEXT.replace("{credential systemd passphrase}", "{keyring borg hv}"))
    with pytest.raises(UsageError, match=r"borgmatic knows no \{keyring borg hv\}"):
        made("bare", of=keyring)
