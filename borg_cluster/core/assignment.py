"""Which repository a VM or a volume goes into, and why: the one that it is in already, a rule's, or one by its id. Pure.

By its id means rendezvous hashing: each repository draws a number for each id, and the highest has it. So a new repository takes
only what it wins, and the others keep the rest.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from borg_cluster.core.inventory import VirtualMachine
from borg_cluster.core.policy import Assignment, Job, Mount
from borg_cluster.core.selection import fits, meets

Key = tuple[str, str]
"""A job's name, and the subject: VM id or volume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The repository of a subject, by its label, and why."""

    repository: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """Where subjects are: ``archives``, by job, of each one's newest archive; ``told``, where it was sent by hand."""

    archives: Mapping[Key, str] = field(default_factory=dict)
    told: Mapping[str, str] = field(default_factory=dict)


NOTHING_REMEMBERED = Remembered()


def home_of_vm(vm: VirtualMachine, job: Job, remembered: Remembered, mounts: tuple[Mount, ...]) -> Home:
    """Return the repository of a VM's archives by ``job``."""
    rule = next((one for one in job.assign if meets(vm, one.condition, mounts)), None)
    return _home(vm.id, job, remembered, rule)


def home_of_volume(mount: Mount, job: Job, remembered: Remembered) -> Home:
    """Return the repository of a volume's archives by ``job``; rules are met by ``volume`` alone."""
    rule = next((one for one in job.assign if fits(one.condition.volume, (mount.name,))), None)
    return _home(mount.name, job, remembered, rule)


def _home(subject: str, job: Job, remembered: Remembered, rule: Assignment | None) -> Home:
    if job.repository:
        return Home(repository=job.repository, reason="the job names it")
    fresh = _fresh(subject, job, rule)
    told = remembered.told.get(subject)
    if told in job.labels:
        return Home(repository=str(told), reason="it was sent there: borg-cluster assign")
    known = remembered.archives.get((job.name, subject))
    if known is None:
        return fresh
    if known not in job.labels:
        return Home(repository=fresh.repository, reason=f"{known}, where it was, is no longer one of the job's; {fresh.reason}")
    if rule is not None and rule.repository != known:
        return Home(repository=known, reason=f"its archives are there, though now the rule is {rule.repository}: {fresh.reason}")
    return Home(repository=known, reason="its archives are there")


def _fresh(subject: str, job: Job, rule: Assignment | None) -> Home:
    """Return where something goes of which nothing is known."""
    if rule is not None:
        return Home(repository=rule.repository, reason=f"by the rule {rule.condition.render()}")
    return Home(repository=max(job.repositories, key=lambda label: (draw(label, subject), label)), reason="by its id")


def draw(label: str, subject: str) -> bytes:
    """Return what a repository draws for a subject."""
    return hashlib.sha256(f"{label}\0{subject}".encode("utf-8", "surrogatepass")).digest()
