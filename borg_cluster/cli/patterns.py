"""`borg-cluster patterns`: what Borg is told, and which line decides."""

import ntpath
import posixpath
from difflib import get_close_matches

import click
from rich.text import Text

from borg_cluster.cli.inventory_view import vm_label
from borg_cluster.cli.options import Settings, exit_codes, json_option
from borg_cluster.cli.planning import make_plan
from borg_cluster.cli.render import clean, counted, fields_of, json_document, sentence, words, write_line
from borg_cluster.cli.site import Site, open_site
from borg_cluster.core.archive import ArchiveKind
from borg_cluster.core.pattern import Explanation, explain
from borg_cluster.core.planned import BackupPlan, PlannedArchive
from borg_cluster.core.policy import Policy, locate
from borg_cluster.errors import ExitCode, UsageError
from borg_cluster.source import Source, look


class _ShowByDefault(click.Group):
    """`patterns weekly` is `patterns show weekly`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default command first, where none is given."""
        known = {*self.commands, "-h", "--help"}
        return super().parse_args(ctx, args if args and args[0] in known else ["show", *args])


@click.group("patterns", cls=_ShowByDefault, epilog=exit_codes(ExitCode.REFUSED))
def command() -> None:
    """Show the pattern files that Borg is given.

    Without a command: those of all jobs, or of the JOBs and VOLUMEs that are named.
    """


@command.command("show", epilog=exit_codes(ExitCode.REFUSED))
@click.argument("names", nargs=-1, metavar="[JOB|VOLUME]...")
@json_option
@click.pass_obj
def show(settings: Settings, /, *, names: tuple[str, ...]) -> int:
    """Print pattern files, and VM archives' file lists.

    A volume's archive is read by patterns, a VM's from a list of its files.
    """
    with open_site(settings) as site:
        plan, _ = make_plan(site, _jobs_among(names, site.context.policy))
        sources = [_look(site, archive) for archive in _named(plan, names, site.context.policy)]
        if settings.json:
            write_line(json_document("patterns", {"archives": [_fields(given) for given in sources]}))
        else:
            for number, given in enumerate(sources):
                write_line(("\n" if number else "") + f"# {_title(given.archive)}")
                for line in lines_of(given):
                    write_line(clean(line))
    return ExitCode.FINE


@command.command("explain", epilog=exit_codes(ExitCode.REFUSED))
@click.argument("path")
@json_option
@click.pass_obj
def explain_command(settings: Settings, /, *, path: str) -> int:
    r"""Tell which line decides about PATH.

    PATH as it is mounted here (/mnt/hv/Volume1/web01/web01.vhdx), as Windows has it (C:\ClusterStorage\Volume1\...), or as it is
    called in archives (Volume1/web01/web01.vhdx).
    """
    with open_site(settings) as site:
        local = local_path(path, site.context.policy)
        plan, _ = make_plan(site, ())
        decided = [(archive, explanation) for archive in plan.archives if (explanation := decide(_look(site, archive), local))]
        if settings.json:
            found = [{"archive": archive.name, "job": archive.job, **fields_of(one)} for archive, one in decided]
            write_line(json_document("explanation", {"path": local, "archives": found}))
        else:
            site.console.print(*_explained(local, decided), sep="\n", soft_wrap=True)  # a Group would cut its lines
    return ExitCode.FINE


def lines_of(given: Source) -> tuple[str, ...]:
    """Return what Borg is told to read: a volume's pattern lines, or the paths of a VM's files."""
    return (*given.paths, *given.patterns) if given.patterns is not None else given.paths


def decide(given: Source, path: str) -> Explanation | None:
    """Return what becomes of a local path in one archive; None if that archive has nothing to do with it."""
    if given.patterns is None:
        named = zip(given.archive.files, given.paths, strict=True)
        listed = next((line for file, line in named if file.local_path == path), None)
        return None if listed is None else Explanation(path=path, included=True, line=listed, reason="it is in its list of files")
    for root, name in given.archive.roots:
        folder = root.rstrip("/")
        if path == folder or path.startswith(f"{folder}/"):
            return explain(given.patterns, given.view.folders[name] + path[len(folder) :])
    return None


def local_path(word: str, policy: Policy) -> str:
    """Return where a path is on this machine, given in any of its three spellings. Raises UsageError if it is none of them."""
    if posixpath.isabs(word):
        return posixpath.normpath(word)
    if ntpath.isabs(word):
        for node in (None, *(mount.node for mount in policy.mounts)):
            located = locate(word, policy.mounts, node=node)
            if located is not None:
                return located.local_path
    for mount in policy.mounts:
        if word == mount.name or word.startswith(mount.name + "/"):
            return posixpath.normpath(mount.path + word[len(mount.name) :])
    names = ", ".join(mount.name for mount in policy.mounts)
    raise UsageError(f"{word} lies on no mount of the configuration", hint=f"mounts: {names}")


def _look(site: Site, archive: PlannedArchive) -> Source:
    return look(archive, site.context.state / "views")


def _jobs_among(names: tuple[str, ...], policy: Policy) -> tuple[str, ...]:
    """Return the jobs to plan: those that are named, if all are jobs; a volume's patterns are those of a run of everything."""
    jobs = tuple(name for name in names if any(job.name == name for job in policy.jobs))
    return jobs if len(jobs) == len(names) else ()


def _named(plan: BackupPlan, names: tuple[str, ...], policy: Policy) -> tuple[PlannedArchive, ...]:
    known = {word for archive in plan.archives for word in (archive.name, archive.subject)} | {job.name for job in policy.jobs}
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            raise UsageError(
                f"no job or volume {name} is planned", hint=f"did you mean {near[0]}?" if near else "borg-cluster plan"
            )
    wanted = set(names)
    return tuple(one for one in plan.archives if not names or wanted & {one.name, one.subject, one.job})


def _title(archive: PlannedArchive) -> str:
    machine = archive.kind is ArchiveKind.VIRTUAL_MACHINE
    what = f"the list of {counted(len(archive.files), 'file')}" if machine else "patterns"
    return f"{clean(archive.name)}, job {archive.job}: {what}"


def _fields(given: Source) -> dict[str, object]:
    archive = given.archive
    return {"archive": archive.name, "job": archive.job, "kind": archive.kind, "lines": lines_of(given)}


def _explained(path: str, decided: list[tuple[PlannedArchive, Explanation]]) -> list[Text]:
    lines = [words(path, "bold")]
    if not decided:
        lines.append(words("  no archive of this configuration has to do with it", "yellow"))
    for archive, explanation in decided:
        mark, style = ("in", "green") if explanation.included else ("out", "yellow")
        machine = archive.kind is ArchiveKind.VIRTUAL_MACHINE
        name = vm_label(archive.name, archive.subject) if machine else words(archive.name, "bold")
        lines.append(sentence(Text(f"  {mark:<4}", style), name, f", job {archive.job}: {explanation.reason}"))
        if explanation.line and explanation.line != path:
            lines.append(words(f"        {explanation.line}", "dim"))
    return lines
