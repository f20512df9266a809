"""What archives keep of a configuration: all that makes it work, and nothing that could be a secret."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import BaseModel

from borg_cluster import config
from borg_cluster.config import written
from borg_cluster.config.keys import Configuration
from borg_cluster.core.policy import Policy
from borg_cluster.shipped import shipped
from tests.unit.test_config_schema import models_in

SECRETS = """
encryption_passcommand: "printf hunter-one"
borg: {ssh_command: "sshpass -p hunter-two ssh", executable: borg}
repositories: [{path: "ssh://backup:hunter-three@vault/./hv", label: main}] # hunter-four
commands:
  - {before: action, when: [create], run: ["curl -H 'Authorization: hunter-five' https://x"]}
  - {after: vm, states: [fail], run: [one, "echo hunter-six"]}
cluster: hv
remoting: {auth: ntlm, username: admin, password: "{credential file /etc/hunter}"}
jobs: {nightly: {kind: virtual_machines, select: {include: [{name: NO}]}}}
"""


def load(folder: Path, text: str) -> Policy:
    file = folder / "config.yaml"
    file.write_text(text, encoding="utf-8")
    return config.load(file)


@pytest.mark.parametrize("name", ["borg-cluster.yaml", "minimal.yaml"])
def test_what_is_kept_is_the_same_configuration(tmp_path: Path, name: str) -> None:
    policy = config.load(shipped("config") / name)
    again = load(tmp_path, policy.written)
    assert replace(again, commands=()) == replace(policy, commands=())
    assert load(tmp_path, again.written) == again


def test_no_secret_is_kept_and_what_is_left_out_is_said(tmp_path: Path) -> None:
    policy = load(tmp_path, SECRETS)
    assert "hunter-" not in policy.written
    assert "{credential file /etc/hunter}" in policy.written
    assert written.left_out(policy.written) == ("encryption_passcommand", "borg.ssh_command", "commands.run")
    again = load(tmp_path, policy.written)
    assert again.jobs == policy.jobs
    assert again.remoting == policy.remoting
    assert [repository.path for repository in again.repositories] == ["ssh://backup@vault/./hv"]
    assert [(hook.moment, hook.scope, hook.when, hook.states) for hook in again.commands] == [
        ("before", "action", ("create",), ()),
        ("after", "vm", (), ("fail",)),
    ]


def test_a_file_without_commands_says_nothing_of_them(tmp_path: Path) -> None:
    assert written.left_out(load(tmp_path, "cluster: hv").written) == ()


def keys(model: type[BaseModel] = Configuration, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        yield (*path, name)
        for inner in models_in(field.annotation):
            yield from keys(inner, (*path, name))


def test_every_key_that_is_a_command_line_is_left_out() -> None:
    lines = {key for key in keys() if re.search(r"command$|^run$", key[-1])}
    assert lines == set(written.COMMAND_LINES)
