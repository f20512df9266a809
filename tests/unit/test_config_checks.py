"""Contradictions between keys of the configuration."""

from pathlib import Path

import pytest

from borg_cluster import config
from borg_cluster.errors import ConfigError

BASE = r"""cluster: hv
mounts:
  - {windows: 'C:\ClusterStorage\Volume1', path: /mnt/1}
repositories: [{path: /srv/borg, label: main}]
"""


def complaints(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "config.yaml"
    file.write_text(text, encoding="utf-8")
    try:
        config.load(file)
    except ConfigError as error:
        return [complaint.render().replace(f"{file}:", "") for complaint in error.complaints]
    return []


def test_the_base_is_fine(tmp_path: Path) -> None:
    assert complaints(tmp_path, BASE) == []


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ("jobs: {a: {kind: volumes, repository: mian}}", "5:39: there is no repository 'mian' (did you mean 'main'?)"),
        ("jobs: {a: {kind: volumes, volumes: [Vol9]}}", "5:37: no mount is called 'Vol9' (there are: Volume1)"),
        ("jobs: {a: {kind: volumes, select: {}}}", "5:27: 'select' has no meaning in a volumes job"),
        ("jobs: {a: {kind: virtual_machines, volumes: []}}", "5:36: 'volumes' has no meaning in a virtual_machines job"),
        (
            "jobs: {a b: {kind: volumes}}",
            "5:8: 'jobs.a b': 'a b' can't be a job's name (letters, digits, '.', '_' and '-', up to 64)",
        ),
        (
            "guest_storage: [{}]",
            "5:17: an empty condition holds for every VM (remove it, or say name: '*')",
        ),
        (
            "jobs: {a: {kind: virtual_machines, select: {exclude: [{}]}}}",
            "5:55: an empty condition holds for every VM (remove it, or say name: '*')",
        ),
        (
            "jobs: {a: {kind: virtual_machines, select: {exclude: [{name: null}]}}}",
            "5:62: 'name' is empty (put quotes around a name that YAML reads as nothing)",
        ),
        ("commands: [{run: [x]}]", "5:12: wants either 'before' or 'after'"),
        ("commands: [{before: vm, after: vm, run: [x]}]", "5:12: wants either 'before' or 'after', not both"),
        ("commands: [{before: vm, states: [fail], run: [x]}]", "5:25: 'states' has no meaning before something has run"),
        ("remoting: {auth: basic}", "5:18: auth basic needs username"),
        ("remoting: {auth: credssp}", "5:18: auth credssp needs username"),
        ("remoting: {auth: certificate}", "5:18: auth certificate needs certificate"),
        (
            "remoting: {auth: certificate, certificate: /c.pem, username: u}",
            "5:52: 'username' has no meaning with auth certificate",
        ),
        ("remoting: {certificate: /c.pem}", "5:12: 'certificate' has no meaning with auth kerberos"),
        ("remoting: {password: '{env P}'}", "5:12: a password without a username"),
        (
            "remoting: {read_timeout: 20}",
            "5:26: read_timeout (20) must be more than operation_timeout (20) (else each long command looks like a dead node)",
        ),
        (
            "encryption_passphrase: '{env P}'\nencryption_passcommand: pass borg",
            "6:1: encryption_passphrase and encryption_passcommand: only one",
        ),
    ],
)
def test_a_contradiction_is_named_at_its_place(tmp_path: Path, more: str, complaint: str) -> None:
    assert complaints(tmp_path, f"{BASE}{more}\n") == [complaint]


@pytest.mark.parametrize(
    "login",
    [
        "{auth: ntlm, username: u}",
        "{auth: certificate, certificate: /c.pem, certificate_key: /k.pem, password: '{keyring borg-cluster key}'}",
        "{auth: credssp, username: u, password: '{env P}'}",
    ],
)
def test_logins_that_fit_together(tmp_path: Path, login: str) -> None:
    assert complaints(tmp_path, f"{BASE}remoting: {login}\n") == []


def test_the_module_is_sent_to_a_full_session_unless_another_is_named(tmp_path: Path) -> None:
    def endpoint(remoting: str) -> tuple[bool, str]:
        assert complaints(tmp_path, f"{BASE}remoting: {remoting}\n") == []
        settings = config.load(tmp_path / "config.yaml").remoting
        return settings.bootstrap, settings.configuration_name

    assert endpoint("{}") == (False, "BorgCluster")
    assert endpoint("{bootstrap: true}") == (True, "Microsoft.PowerShell")
    assert endpoint("{bootstrap: true, configuration_name: PowerShell.7}") == (True, "PowerShell.7")


@pytest.mark.parametrize(
    ("mount", "complaint"),
    [
        (
            r"{windows: 'c:\clusterstorage\VOLUME1\', path: /mnt/2, name: b}",
            "4:15: c:\\clusterstorage\\VOLUME1 is mapped twice; ",
        ),
        (r"{windows: '\\fs1\volume1', path: /mnt/2}", "4:15: two mounts have the name 'volume1' in archives; first at 3:15"),
        (r"{windows: '\\fs1\vms', path: /mnt/1/}", "4:34: two mounts at one place; first at 3:50"),
        (r"{windows: '\\fs1\vms', path: /mnt/2, node: node1}", r"4:48: all nodes reach \\fs1\vms (leave `node:` out)"),
        (r"{windows: 'D:\VMs', path: /mnt/2}", "4:15: D:\\VMs is another disk on each node: `node:` is missing"),
        (
            r"{windows: 'D:\VMs', path: /mnt/2, node: node1.example.test}",
            "4:45: 'mounts[1].node': 'node1.example.test' is no node's",
        ),
        (r"{windows: 'D:\', path: /mnt/2, node: node1, name: a/b}", "4:55: 'mounts[1].name': 'a/b' can't be the first folder"),
    ],
)
def test_mounts_that_cannot_both_be_meant(tmp_path: Path, mount: str, complaint: str) -> None:
    first, rest = BASE.split("repositories", 1)

    (told,) = complaints(tmp_path, f"{first}  - {mount}\nrepositories{rest}")

    assert told.startswith(complaint)


def test_one_path_of_two_nodes_is_two_mounts(tmp_path: Path) -> None:
    text = r"""cluster: hv
mounts:
  - {windows: 'D:\VMs', path: /mnt/1, node: node1, name: node1-d}
  - {windows: 'D:\VMs', path: /mnt/2, node: node2, name: node2-d}
  - {windows: 'E:\', path: /mnt/e, node: '*'}
"""
    assert complaints(tmp_path, text) == []
    assert [(mount.name, mount.node) for mount in config.load(tmp_path / "config.yaml").mounts] == [
        ("node1-d", "node1"),
        ("node2-d", "node2"),
        ("E", None),
    ]


@pytest.mark.parametrize(
    ("repositories", "complaint"),
    [
        ("[]", "2:8: there is no repository for this job"),
        (
            "[{path: /a}, {path: /b, label: b}]",
            "2:8: 'n' must say which repository (there are: /a, b; or share it out among them: repositories: ['*'])",
        ),
    ],
)
def test_a_job_without_a_repository_needs_that_there_is_one(tmp_path: Path, repositories: str, complaint: str) -> None:
    assert complaints(tmp_path, f"cluster: hv\njobs: {{n: {{kind: volumes}}}}\nrepositories: {repositories}\n") == [complaint]


def test_repositories_that_are_one(tmp_path: Path) -> None:
    text = "cluster: hv\nrepositories: [{path: /a, label: x}, {path: /a, label: y}, {path: /b, label: x}]\n"

    assert complaints(tmp_path, text) == [
        "2:45: the repository /a is there twice; first at 2:23",
        "2:78: two repositories have the label 'x'; first at 2:34",
    ]


SHARED = """cluster: hv
repositories: [{path: /a, label: a}, {path: /b, label: b}]
jobs:
  n: {kind: %s}
"""


@pytest.mark.parametrize(
    ("job", "complaint"),
    [
        ("virtual_machines, repositories: ['*'], assign: [{repository: b, tag: gold}]", None),
        ("volumes, repositories: [a, b], assign: [{repository: b, volume: 'V*'}]", None),
        ("discovery, frequency: 1h", None),
        ("virtual_machines, repository: a, repositories: [a]", "'repository' and 'repositories': only one"),
        ("virtual_machines, repositories: [c]", "no repository is called 'c' (there are: a, b)"),
        ("virtual_machines, repository: a, assign: [{repository: a, tag: x}]", "'repository' and 'repositories': only one"),
        ("virtual_machines, assign: [{repository: a, tag: x}]", "'assign' shares out among 'repositories', and there are none"),
        ("virtual_machines, repositories: [a], assign: [{repository: b, tag: x}]", "'b' is none of the job's repositories"),
        ("virtual_machines, repositories: [a], assign: [{repository: a}]", "a rule without a condition holds for all"),
        ("volumes, repositories: [a], assign: [{repository: a, tag: x}]", "'tag' has no meaning in a volumes job"),
        ("discovery, repository: a", "'repository' has no meaning in a discovery job"),
    ],
)
def test_several_repositories_and_a_look_at_the_cluster(tmp_path: Path, job: str, complaint: str | None) -> None:
    told = complaints(tmp_path, SHARED % job)
    assert (told == []) == (complaint is None), told
    assert complaint is None or complaint in told[0]


def test_what_shares_out_knows_its_repositories(tmp_path: Path) -> None:
    assert complaints(tmp_path, SHARED % "virtual_machines, repositories: ['A', b*], assign: [{repository: b, tag: gold}]") == []
    (job,) = config.load(tmp_path / "config.yaml").jobs
    assert (job.repository, job.labels, job.assign[0].condition.render()) == ("", ("a", "b"), "tag gold")
