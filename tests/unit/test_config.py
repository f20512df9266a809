"""The configuration file: what it means, and what is said about a wrong one."""

from pathlib import Path

import pytest

from borg_cluster import config
from borg_cluster.core.policy import Condition, JobKind, Mount, Policy
from borg_cluster.errors import ConfigError, ExitCode, UsageError

HEAD = "cluster: hv.example.test\nrepositories: [{path: /srv/borg, label: main}]\n"


@pytest.fixture
def load(tmp_path: Path) -> "Loader":
    return Loader(tmp_path / "config.yaml")


class Loader:
    """Writes a configuration and loads it, or returns the complaints without the folder's name."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def policy(self, text: str) -> Policy:
        """Return what the text means."""
        self.file.write_text(text, encoding="utf-8")
        return config.load(self.file)

    def complaints(self, text: str | bytes) -> list[str]:
        """Return what is said about the text."""
        self.file.write_bytes(text.encode() if isinstance(text, str) else text)
        with pytest.raises(ConfigError) as raised:
            config.load(self.file)
        return [complaint.render().replace(f"{self.file}:", "") for complaint in raised.value.complaints]


def test_the_least_configuration_gets_its_defaults(load: Loader) -> None:
    policy = load.policy("cluster: hv.example.test\n")

    assert (policy.cluster, policy.domain, policy.seeds) == ("hv.example.test", "example.test", ())
    assert (policy.remoting.auth, policy.remoting.port, policy.remoting.deadline) == ("kerberos", 5986, 300)
    assert (policy.discovery_max_age, policy.borg.umask, policy.keep_parked) == (900, 0o077, 7 * 86400)
    assert (policy.mounts, policy.repositories, policy.jobs, policy.commands) == ((), (), (), ())


def test_a_whole_configuration(load: Loader) -> None:
    policy = load.policy(r"""
cluster: {name: hv, nodes: [node1, node2], domain: example.test}
remoting: {auth: ntlm, username: HV\backup, password: "{env PASS}", addresses: {Node1: 127.1.2.3}}
mounts:
  - {windows: 'c:/ClusterStorage/Volume1/', path: /mnt/1}
  - {windows: '\\fs1\vms', path: /mnt/fs1, writable: false}
  - {windows: D:\VMs, path: /mnt/d, node: node1, name: node1-d}
repositories: [{path: /srv/borg, label: main}, {path: ssh://b@proxy/./hv}]
jobs:
  nightly:
    kind: virtual_machines
    repository: main
    select: {include: [{name: "web*", highly_available: true}], exclude: [{tag: nobackup}]}
    max_age: 26h
  weekly: {kind: volumes, repository: ssh://b@proxy/./hv, volumes: ["volume*"], max_age: 2 weeks, compression: "zstd,3"}
commands:
  - {before: action, when: [create], run: [echo a]}
  - {after: vm, states: [fail], run: [echo b, echo c]}
restore: {stop_action: shutdown, keep_parked: 0d, release_when_due: true}
guest_storage: [{tag: iscsi}, {name: NO, node: node1}]
""")
    assert policy.seeds == ("node1", "node2")
    assert policy.remoting.addresses == {"node1": "127.1.2.3"}
    assert policy.remoting.username == "HV\\backup"
    assert policy.mounts == (
        Mount(windows="c:\\ClusterStorage\\Volume1", path="/mnt/1", name="Volume1", node=None, writable=True),
        Mount(windows="\\\\fs1\\vms", path="/mnt/fs1", name="vms", node=None, writable=False),
        Mount(windows="D:\\VMs", path="/mnt/d", name="node1-d", node="node1", writable=True),
    )
    assert [repository.label for repository in policy.repositories] == ["main", "ssh://b@proxy/./hv"]
    nightly, weekly = policy.jobs
    assert nightly.select.include == (Condition(name="web*", highly_available=True),)
    assert nightly.select.exclude == (Condition(tag="nobackup"),)
    assert (nightly.max_age, weekly.max_age) == (26 * 3600, 14 * 86400)
    assert (nightly.compression, weekly.compression) == ("lz4", "zstd,3")
    assert (weekly.kind, weekly.volumes) == (JobKind.VOLUMES, ("volume*",))
    assert [(hook.moment, hook.scope, hook.run) for hook in policy.commands] == [
        ("before", "action", ("echo a",)),
        ("after", "vm", ("echo b", "echo c")),
    ]
    assert (policy.stop_action, policy.keep_parked, policy.release_when_due) == ("shutdown", 0, True)
    assert policy.guest_storage == (Condition(tag="iscsi"), Condition(name="NO", node="node1"))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("NO", "NO"),
        ("on", "on"),
        ("10:30", "10:30"),
        ("012", "012"),
        ("1e3", "1e3"),
        ("0x10", "0x10"),
        ("2024-01-31", "2024-01-31"),
        ("True", "True"),
        ("12", "12"),
        ("-3", "-3"),
        ("true", "true"),
        ("'null'", "null"),
        (r"'web[1]*'", "web[1]*"),
        (r'"two\nlines"', "two\nlines"),
        ("$(x) `y`", "$(x) `y`"),
        ("it's", "it's"),
        ("Größe 😀", "Größe 😀"),
        ("x" * 100, "x" * 100),
    ],
)
def test_a_virtual_machines_name_is_the_text_that_was_written(load: Loader, written: str, meant: str) -> None:
    policy = load.policy(f"{HEAD}jobs:\n  a: {{kind: virtual_machines, select: {{include: [{{name: {written}}}]}}}}\n")

    assert policy.jobs[0].select.include == (Condition(name=meant),)


def test_a_condition_takes_an_id_in_any_spelling(load: Loader) -> None:
    guid = "{5F0C3A52-0000-4000-8000-00000000000A}"

    policy = load.policy(f'{HEAD}jobs: {{a: {{kind: virtual_machines, select: {{include: [{{id: "{guid}"}}]}}}}}}\n')

    assert policy.jobs[0].select.include[0].id == "5f0c3a52-0000-4000-8000-00000000000a"


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("90s", 90), ("15m", 900), ("26h", 93600), ("8d", 691200), ("2 weeks", 1209600), ("1 day", 86400), ("3W", 1814400)],
)
def test_durations(load: Loader, written: str, seconds: int) -> None:
    assert load.policy(f"cluster: hv\ndiscovery: {{max_age: {written}}}\n").discovery_max_age == seconds


@pytest.mark.parametrize("written", ["0077", "077", "77", "'0077'"])
def test_a_umask_is_octal_however_it_is_written(load: Loader, written: str) -> None:
    assert load.policy(f"cluster: hv\nborg: {{umask: {written}}}\n").borg.umask == 0o077


def test_a_key_given_twice_names_both_places(load: Loader) -> None:
    assert load.complaints("cluster: a\ncluster: b\n") == ["2:1: key 'cluster' is given twice (first at 1:1)"]


def test_an_unknown_key_names_the_nearest_right_one_wherever_it_is(load: Loader) -> None:
    assert load.complaints(
        f"{HEAD}remotin: {{}}\nremoting: {{pasword: x}}\njobs:\n"
        "  a: {kind: virtual_machines, compresion: lz4, select: {include: [{nmae: x}]}}\nborg: {zzz: 1}\n"
    ) == [
        "3:1: unknown key 'remotin' (did you mean 'remoting'?)",
        "4:12: unknown key 'remoting.pasword' (did you mean 'password'?)",
        "6:31: unknown key 'jobs.a.compresion' (did you mean 'compression'?)",
        "6:68: unknown key 'jobs.a.select.include[0].nmae' (did you mean 'name'?)",
        "7:8: unknown key 'borg.zzz' (known here: executable, lock_wait, umask, ssh_command, base_directory, upload_rate_limit)",
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("cluster: [a]", "1:10: 'cluster' wants a mapping (key: value), not a list"),
        ("{}", "1:1: 'cluster' is missing"),
        ("", "1:1: 'cluster' is missing"),
        ("- a", "1:1: 'the file' wants a mapping (key: value), not a list"),
        ("cluster: {name: hv, nodes: node1}", "1:28: 'cluster.nodes' wants a list, not text (one item a line, each behind '- ')"),
        ("cluster: hv\nremoting: {port: '5986'}", "2:18: 'remoting.port' wants a whole number, not text"),
        ("cluster: hv\nremoting: {port: 70000}", "2:18: 'remoting.port' must be at most 65535, not 70000"),
        (
            "cluster: hv\nrestore: {keep_parked: no}",
            "2:24: 'restore.keep_parked': 'no' is no duration (such as 15m, 26h, 8d or 2 weeks)",
        ),
        (
            "cluster: hv\nrestore: {release_when_due: no}",
            "2:29: 'restore.release_when_due' wants true or false, not text (write false)",
        ),
        (
            "cluster: hv\nremoting: {auth: kerbros}",
            (
                "2:18: 'remoting.auth' wants one of kerberos, negotiate, ntlm, basic, certificate, credssp, not 'kerbros' "
                "(did you mean 'kerberos'?)"
            ),
        ),
        ("cluster: hv\nremoting: {addresses: {node1: nowhere}}", "2:31: 'remoting.addresses.node1': 'nowhere' is no IP address"),
        (
            "cluster: hv\ndiscovery: {max_age: 26}",
            "2:22: 'discovery.max_age': wants a unit behind 26 (such as 26m, 26h or 26d)",
        ),
        (
            "cluster: hv\ndiscovery: {max_age: soon}",
            "2:22: 'discovery.max_age': 'soon' is no duration (such as 15m, 26h, 8d or 2 weeks)",
        ),
        (
            "cluster: hv\narchive_name_format: '{subject}'",
            "2:22: 'archive_name_format': two archives could get one name ({subject} and {now} must be in it)",
        ),
        (
            "cluster: hv\narchive_name_format: '{vm}{subject}{now}'",
            "2:22: 'archive_name_format': there is no placeholder {vm} (there are {cluster}, {subject} and {now})",
        ),
        ("cluster: hv\nborg: {umask: 0999}", "2:15: 'borg.umask': wants a umask (octal digits, such as 0077)"),
        ("cluster: hv\nmounts: [{path: /mnt}]", "2:10: 'mounts[0].windows' is missing"),
        (
            "cluster: hv\nmounts: [{windows: 'V1', path: /mnt}]",
            r"2:20: 'mounts[0].windows': 'V1' is no full Windows path (such as 'C:\ClusterStorage\Volume1' or '\\server\share')",
        ),
        (
            "cluster: hv\nmounts: [{windows: '\\\\fs1\\vms', path: mnt}]",
            "2:39: 'mounts[0].path': 'mnt' is no absolute path of this machine (such as /mnt/mnt)",
        ),
        ("cluster: hv\ncommands: [{before: vm, run: []}]", "2:30: 'commands[0].run' is empty"),
    ],
)
def test_a_wrong_value_says_what_is_wanted_and_where(load: Loader, text: str, complaint: str) -> None:
    assert load.complaints(text) == [complaint]


@pytest.mark.parametrize("path", ["C:\\a\\..\\b", "C:\\a?b", "C:a", "\\\\server", "\\\\?\\C:\\a", "C:\\a:b", "/mnt/x"])
def test_a_windows_path_that_cannot_be_is_refused(load: Loader, path: str) -> None:
    (complaint,) = load.complaints(f"cluster: hv\nmounts: [{{windows: '{path}', path: /mnt, node: a, name: b}}]\n")

    assert complaint.startswith("2:20: 'mounts[0].windows': ")


@pytest.mark.parametrize("key", ["encryption_passphrase: hunter2", "remoting: {username: u, password: hunter2}"])
def test_a_secret_in_plain_text_is_refused_and_not_repeated(load: Loader, key: str) -> None:
    (complaint,) = load.complaints(f"cluster: hv\n{key}\n")

    assert "{credential file PATH}" in complaint
    assert "hunter2" not in complaint


@pytest.mark.parametrize("value", ["{a: hunter2}", "[hunter2]"])
def test_a_secret_of_a_wrong_kind_is_not_repeated_either(load: Loader, value: str) -> None:
    assert "hunter2" not in "".join(load.complaints(f"cluster: hv\nencryption_passphrase: {value}\n"))


def test_everything_wrong_is_told_at_once_in_the_files_order(load: Loader) -> None:
    complaints = load.complaints(
        "nam: x\nremoting: {port: x}\nmounts:\n  - {windows: 'D:\\VMs', path: a}\njobs: {a: {kind: x}}\n"
    )

    assert [line.partition(": ")[0] for line in complaints] == ["1:1", "1:1", "2:18", "4:15", "4:31", "5:8", "5:18"]


def test_several_files_are_told_of_together(tmp_path: Path) -> None:
    for name, text in {"a.yaml": "cluster: [", "b.yaml": "clustr: x", "c.yaml": "cluster: hv", "d.yaml": "cluster: HV"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError) as raised:
        config.load_all(config.files(tmp_path))

    assert raised.value.exit_code is ExitCode.USAGE
    assert [Path(complaint.place.partition(":")[0]).name for complaint in raised.value.complaints] == [
        "a.yaml", "b.yaml", "b.yaml", "d.yaml",
    ]  # fmt: skip
    assert f"the cluster HV is in {tmp_path / 'c.yaml'} already" in raised.value.message


def test_a_directory_is_read_by_name_and_a_file_as_it_is_called(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yaml", "notes.txt"):
        (tmp_path / name).touch()

    assert config.files(tmp_path) == (tmp_path / "a.yaml", tmp_path / "b.yaml")
    assert config.files(tmp_path / "notes.txt") == (tmp_path / "notes.txt",)


def test_no_configuration_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no configuration there \(begin with config/minimal.yaml"):
        config.files(tmp_path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: can't be read: No such file or directory$"):
        config.load(config.files(tmp_path / "none.yaml")[0])


def test_the_state_directory_is_systemds_then_xdgs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    given = config.state_directory({"STATE_DIRECTORY": f"{tmp_path}/given:/other", "XDG_STATE_HOME": str(tmp_path)})
    xdg = config.state_directory({"XDG_STATE_HOME": str(tmp_path / "xdg")})
    home = config.state_directory({})

    assert given == tmp_path / "given"
    assert xdg == tmp_path / "xdg/borg-cluster"
    assert home == tmp_path / "home/.local/state/borg-cluster"
    assert {path.stat().st_mode & 0o777 for path in (given, xdg, home)} == {0o700}


def test_a_state_directory_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(UsageError, match=r"can't make the state directory .*/file/x: Not a directory"):
        config.state_directory({"STATE_DIRECTORY": f"{tmp_path}/file/x"})
