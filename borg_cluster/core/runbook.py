"""How a VM is brought back without this tool, in plain words, from what its archive's manifest says. Pure.

The commands are BorgBackup's and Windows' own. Each name and path stands in them as a literal, whatever it holds.
"""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from borg_cluster.core.archive import ArchivedFile, ArchiveKind, Consistency, Manifest
from borg_cluster.core.finding import one_line
from borg_cluster.core.inventory import FileKind
from borg_cluster.core.quoting import posix, powershell

_MEANING = {
    Consistency.APPLICATION: "its applications had written out what they held: it starts as after a clean backup of its own",
    Consistency.CRASH: "it starts as after a power failure",
    Consistency.OFFLINE: "nothing wrote to it: it is exactly as it was",
    Consistency.NONE: "its live disks were read while it wrote: look for damage before you rely on it",
}
_HOLD = {
    "manifest.json": "what this archive is, for programs: each file with its Windows path, and the settings of the role",
    "inventory.json": "the whole cluster as it was: nodes, volumes, virtual machines",
    "config.yaml": "the configuration of borg-cluster, without secrets and without its commands",
    "patterns": "what Borg was told to read",
}


ROLE_VARIABLES = (
    "    $resources = @($group | Get-ClusterResource)",
    "    $vm = $resources | Where-Object { [string] $_.ResourceType -eq 'Virtual Machine' }",
    "    $configuration = $resources | Where-Object { [string] $_.ResourceType -eq 'Virtual Machine Configuration' }",
)


def runbook(manifest: Manifest, *, repository: str, archive: str) -> str:
    """Return the text, ending with a line feed.

    Args:
        manifest: of the archive.
        repository: where the archive is, as Borg takes it.
        archive: its name there.
    """
    steps = _volume_steps if manifest.kind is ArchiveKind.VOLUME else _vm_steps
    lines = [*_head(manifest), *steps(manifest, repository, archive), *_tail()]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _head(manifest: Manifest) -> Iterator[str]:
    name = one_line(manifest.name)
    title = f"How to bring {'the files of ' if manifest.kind is ArchiveKind.VOLUME else ''}{name} back by hand"
    yield from (title, "=" * len(title), "")
    yield f"This is {name} of the cluster {one_line(manifest.cluster)} as it was at {manifest.created_at}."
    if manifest.kind is ArchiveKind.VOLUME:
        return
    yield f"What it is worth: {manifest.consistency}. {_sentence(_MEANING[manifest.consistency])}"
    yield f"Why: {one_line(manifest.consistency_reason)}"
    yield from ("", f"With borg-cluster it is one command:  borg-cluster extract {manifest.subject}")
    yield from ("Without it, do what follows, in this order. Nothing else is needed but BorgBackup 1.4 and an administrator.", "")
    vm = manifest.vm or {}
    yield f"  id                {manifest.subject}"
    yield f"  was on            {one_line(manifest.node or 'no node')}, {one_line(str(vm.get('state') or 'in an unknown state'))}"
    yield f"  highly available  {'yes' if manifest.highly_available else 'no'}"
    for key, words in (("generation", "generation"), ("version", "configuration")):
        if vm.get(key) is not None:
            yield f"  {words:<18}{one_line(str(vm[key]))}"
    for adapter in _mappings(vm.get("network_adapters")):
        switch = one_line(str(adapter.get("switch_name") or "no switch"))
        yield f"  {'network':<18}{one_line(str(adapter.get('name')))} on {switch}"


def _vm_steps(manifest: Manifest, repository: str, archive: str) -> Iterator[str]:
    numbers = iter(range(1, 20))
    for step in (_extract(manifest, repository, archive), _look(manifest), _place(manifest), _register(manifest)):
        yield from _numbered(next(numbers), step)
    if manifest.highly_available:
        yield from _numbered(next(numbers), _role(manifest))
    yield from _numbered(next(numbers), _start(manifest))


def _numbered(number: int, step: Iterator[str]) -> Iterator[str]:
    yield from ("", f"{number}. {next(step)}", "")
    yield from step


def _extract(manifest: Manifest, repository: str, archive: str) -> Iterator[str]:
    size = sum(file.size or 0 for file in manifest.files)
    yield "Get the files out of the archive"
    yield f"On a Linux machine with BorgBackup and room for {_size(size)}:"
    yield from ("", f"    export BORG_REPO={posix(repository)}", "    mkdir restored && cd restored")
    yield from (f"    borg extract --list ::{posix(archive)}", "")
    yield "Borg asks for the repository's passphrase, which stands nowhere in here. Below `restored` there are then:"
    yield ""
    for file in manifest.files:
        yield f"    {one_line(file.archive_path)}"
        yield f"        belongs at {one_line(file.windows_path)}  ({_kind(file)})"
    yield from ("", "`.borg-cluster` beside them is about the archive; nothing of it belongs on the cluster.")


def _look(manifest: Manifest) -> Iterator[str]:
    yield "Make sure that no other one is there"
    yield "On a node, in Windows PowerShell as administrator, as everything from here on:"
    yield from ("", f"    $id = {powershell(manifest.subject)}")
    yield "    foreach ($node in @(Get-ClusterNode)) {"
    yield "        Get-VM -ComputerName $node.Name | Where-Object { $_.Id -eq $id } | Format-List Name, State, ComputerName"
    yield from (
        "    }",
        "    Get-ClusterGroup | Get-ClusterResource | Get-ClusterParameter -Name VmID -ErrorAction SilentlyContinue |",
    )
    yield from ("        Where-Object { $_.Value -eq $id }", "")
    yield "Two with one id, on the same disks, destroy each other. If it is there, in this order: stop it, remove its role, move"
    yield "its disks and a copy of its .vmcx away, and only then remove it. Remove-VM deletes the configuration and merges"
    yield "checkpoints into whatever disks it still finds."
    yield from (
        "",
        "    Get-ClusterGroup -VMId $id | Stop-ClusterGroup",
        "    Remove-ClusterGroup -VMId $id -RemoveResources -Force",
    )
    yield "    # its node has it again, no longer clustered, some seconds later; now move the files away, then on that node:"
    yield "    Get-VM -Id $id | Remove-VM -Force"


def _place(manifest: Manifest) -> Iterator[str]:
    shared = [file for file in manifest.files if file.read_only]
    yield "Put the files in their places"
    yield "Make the folders, then copy each file to where step 1 says that it belongs (over the mounted volume, or SMB):"
    yield ""
    for folder in sorted({file.windows_path.rpartition("\\")[0] for file in manifest.files}):
        yield f"    [void] [System.IO.Directory]::CreateDirectory({powershell(folder)})"
    yield from ("", "Copy them whole, without holes (no `cp --sparse`, no `rsync -S`): Hyper-V refuses sparse disks on NTFS.")
    if shared:
        yield "Of these it only reads, and another virtual machine may use the same file: then leave the one that is there."
        yield from (f"    {one_line(file.windows_path)}" for file in shared)
    yield from (
        "",
        "Then let the virtual machine's own account use them:",
        "",
        f"    $account = '*{account_of(manifest.subject)}'",
    )
    for file in manifest.files:
        yield f"    icacls {powershell(file.windows_path)} /grant ($account + ':({'R' if file.read_only else 'F'})')"


def _register(manifest: Manifest) -> Iterator[str]:
    named = [file.windows_path for file in manifest.files if file.kind == FileKind.CONFIGURATION]
    yield "Register it"
    yield f"On the node where it shall run (it was {one_line(manifest.node or 'unknown')}), under its own id, in place:"
    yield ""
    if not named:
        yield "    # This archive holds no configuration (.vmcx): make a new virtual machine with New-VM and attach the disks."
        return
    yield f"    $report = Compare-VM -Path {powershell(named[0])} -Register"
    yield "    $report.Incompatibilities | Format-Table MessageId, Source, Message -Wrap"
    yield "    # a network switch that this node lacks: disconnect the adapter, and connect it to another one later"
    yield "    $report.Incompatibilities | Where-Object { $_.MessageId -eq 33012 } |"
    yield "        ForEach-Object { Disconnect-VMNetworkAdapter -VMNetworkAdapter $_.Source }"
    yield from ("    Import-VM -CompatibilityReport $report", "    Get-VM -Id $id", "")
    yield "Anything else that Compare-VM lists must be mended first (a missing disk: step 3). Never let it make a new id."


def _role(manifest: Manifest) -> Iterator[str]:
    setting = manifest.role_setting or {}
    name = str(setting.get("name") or manifest.name)
    yield "Make it highly available again"
    yield "On that same node, at its console or by remote desktop: this one cmdlet does not work from another machine."
    yield from (
        "",
        f"    Add-ClusterVirtualMachineRole -VMId $id -Name {powershell(name)}",
        "    $group = Get-ClusterGroup -VMId $id",
    )
    yield from ROLE_VARIABLES
    yield from ("", "Its role had these settings; leave out what names something that is no more:", "")
    yield from role_settings(setting)


def role_settings(setting: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines that give a role its settings back; ``$group`` is the role, ``$vm`` and ``$configuration`` its pair."""
    if setting.get("description"):
        yield f"    $group.Description = {powershell(str(setting['description']))}"
    yield from _properties("$group", setting.get("properties"))
    yield from _owners("$group", setting.get("preferred_owners"))
    classes = _texts(setting.get("anti_affinity_class_names"))
    if classes:
        yield "    $classes = New-Object -TypeName System.Collections.Specialized.StringCollection"
        yield from (f"    [void] $classes.Add({powershell(one)})" for one in classes)
        yield "    $group.AntiAffinityClassNames = $classes"
    for one in _texts(setting.get("group_sets")):
        yield f"    Add-ClusterGroupToSet -Name {powershell(one)} -Group $group.Name"
    for one in _texts(setting.get("affinity_rules")):
        yield f"    Add-ClusterGroupToAffinityRule -Name {powershell(one)} -Groups $group.Name"
    yield from _resource("$vm", setting.get("vm_resource"))
    yield from _resource("$configuration", setting.get("configuration_resource"))


def _resource(variable: str, setting: object) -> Iterator[str]:
    if not isinstance(setting, Mapping):
        return
    for name, value in _values(setting.get("parameters")):
        yield f"    Set-ClusterParameter -InputObject {variable} -Name {powershell(name)} -Value {value}"
    yield from _properties(variable, setting.get("properties"))
    yield from _owners(variable, setting.get("possible_owners"))
    for one in _texts(setting.get("extra_dependencies")):
        yield f"    Add-ClusterResourceDependency -InputObject {variable} -Provider {powershell(one)}"


def _properties(variable: str, table: object) -> Iterator[str]:
    for name, value in _values(table):
        member = f"{variable}.{name}" if name.isidentifier() else f"{variable}.{powershell(name)}"
        yield f"    if ({member} -ne {value}) {{ {member} = {value} }}"


def _owners(variable: str, names: object) -> Iterator[str]:
    owners = ", ".join(powershell(name) for name in _texts(names))
    if owners:
        yield f"    Set-ClusterOwnerNode -InputObject {variable} -Owners {owners}"


def _start(manifest: Manifest) -> Iterator[str]:
    state = str((manifest.vm or {}).get("state") or "")
    yield "Start it, and look"
    start = "Start-ClusterGroup -InputObject $group" if manifest.highly_available else "Get-VM -Id $id | Start-VM"
    yield f"    {start}"
    if manifest.highly_available:
        yield "    Get-ClusterGroup -VMId $id      # Online"
    yield from ("    Get-VM -Id $id | Get-VMIntegrationService", "")
    if state in {"Off", "Saved"}:
        yield f"It was {state.lower()} when this was made: it need not be started at all."
    yield "'General access denied': the icacls lines of step 3. 'must not be sparse': fsutil sparse setflag FILE 0."
    yield "A virtual TPM only starts on a node that has the certificates 'Shielded VM Local Certificates' of the old ones."


def _volume_steps(manifest: Manifest, repository: str, archive: str) -> Iterator[str]:
    yield f"It holds the volume's files less those of virtual machines that have archives of their own: {len(manifest.left_out)}"
    yield "files, whose paths are in manifest.json (left_out). Bring those machines back from their archives, each of which has a"
    yield "text like this one. What follows is for the rest."
    yield from _numbered(1, _extract_volume(manifest, repository, archive))


def _extract_volume(manifest: Manifest, repository: str, archive: str) -> Iterator[str]:
    yield "Get the files out of the archive, all or some"
    yield from (f"    export BORG_REPO={posix(repository)}", "    mkdir restored && cd restored")
    yield f"    borg list ::{posix(archive)}"
    yield from (f"    borg extract --list ::{posix(archive)} [PATH...]", "")
    yield f"and copy them to where the volume is mounted. Their paths begin with {one_line(manifest.name)}/, which is its top."
    yield "`.borg-cluster` is about the archive and belongs nowhere on the cluster."


def _tail() -> Iterator[str]:
    yield from ("", "What lies beside this text, in .borg-cluster", "")
    yield from (f"  {name:<15} {words}" for name, words in _HOLD.items())


def account_of(vm_id: str) -> str:
    """Return the SID of a VM's own account: the bytes of its GUID, as .NET orders them, as four numbers (hyperv E.6)."""
    raw = uuid.UUID(vm_id).bytes_le
    return "-".join(("S-1-5-83-1", *(str(int.from_bytes(raw[at : at + 4], "little")) for at in range(0, 16, 4))))


def _kind(file: ArchivedFile) -> str:
    return f"{file.kind.replace('_', ' ')}, {_size(file.size or 0)}"


def _size(count: int) -> str:
    amount = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if amount < 1024:  # noqa: PLR2004 - the base of these units
            return f"{amount:,.0f} {unit}" if unit == "bytes" else f"{amount:,.1f} {unit}"
        amount /= 1024
    return f"{amount:,.1f} TiB"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _values(table: object) -> Iterator[tuple[str, str]]:
    """Yield names and values as PowerShell takes them; what has no value was never set."""
    for name, value in sorted(table.items()) if isinstance(table, Mapping) else ():
        if isinstance(value, int):
            yield str(name), str(int(value))
        elif isinstance(value, str):
            yield str(name), powershell(value)


def _texts(values: object) -> tuple[str, ...]:
    return tuple(str(value) for value in values) if isinstance(values, list | tuple) else ()


def _mappings(values: object) -> tuple[Mapping[str, Any], ...]:
    return tuple(value for value in values if isinstance(value, Mapping)) if isinstance(values, list | tuple) else ()
