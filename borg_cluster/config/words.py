"""The small languages inside values: durations, Windows paths, ids, references to secrets. Text to value, or Wrong."""

import fnmatch
import ipaddress
import ntpath
import re
import string
import uuid

_UNITS = {
    "s": 1,
    "second": 1,
    "m": 60,
    "minute": 60,
    "h": 3600,
    "hour": 3600,
    "d": 86400,
    "day": 86400,
    "w": 604800,
    "week": 604800,
}
_DURATION = re.compile(r"([1-9][0-9]{0,8}|0)\s*([a-z]+)", re.IGNORECASE)
FRACTION_PATTERN = r"^(0(\.\d+)?|1(\.0+)?)$"
DURATION_PATTERN = r"^[0-9]+ *([smhdw]|(second|minute|hour|day|week)s?)$"
_ALWAYS = "always"
_LONG = re.compile(r"([1-9][0-9]{0,3}) *(month|year)s?")
_DAYS = {"month": 30, "year": 365}
FREQUENCY_PATTERN = DURATION_PATTERN.replace("^", f"^{_ALWAYS}$|^[0-9]+ *(month|year)s?$|^")

_DRIVE = re.compile(r"[A-Za-z]:\\")
_SHARE = re.compile(r"\\\\[^\\]+\\[^\\]+")
_FORBIDDEN = re.compile(r'[<>"|?*\x00-\x1f]')

REFERENCE_PATTERN = r"^\{ *(credential +(file|systemd)|env|keyring +[^{} ]+) +[^{} ][^{}]*\}$"
_REFERENCE = re.compile(REFERENCE_PATTERN)
JOB_NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
UMASK_PATTERN = r"^0?[0-7]{1,3}$"
_COMPRESSION = re.compile(
    r"(?:obfuscate,[0-9]+,)?(?:auto,)?(?:none|lz4|zstd(?:,(?:[1-9]|1[0-9]|2[0-2]))?|zlib(?:,[0-9])?|lzma(?:,[0-9])?)"
)
_CHUNKER = re.compile(r"default|fixed,[0-9]+(?:,[0-9]+)?|(?:buzhash,)?[0-9]+,[0-9]+,[0-9]+,[0-9]+")
_REMOTE = re.compile(r"(?:ssh|sftp|rclone|file)://.+|[^/:\s]+@[^/:\s]+:.+")
_PLACEHOLDERS = ("cluster", "subject", "now")


class Wrong(ValueError):
    """A value that says nothing we can use; ``hint`` shows a right one. Never holds the value where that may be a secret."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def parse_duration(value: object) -> object:
    """Return the seconds of '15m', '26h', '8d' or '2 weeks'. A number alone is wrong: of what?"""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise Wrong("wants a duration", "such as 15m, 26h, 8d or 2 weeks")
    if isinstance(value, int):
        raise Wrong(f"wants a unit behind {value}", f"such as {value}m, {value}h or {value}d")
    match = _DURATION.fullmatch(value.strip())
    unit = match and _UNITS.get(match[2].lower(), _UNITS.get(match[2].lower().removesuffix("s")))
    if not match or not unit or match[2].lower() == "ss":
        raise Wrong(f"'{value}' is no duration", "such as 15m, 26h, 8d or 2 weeks")
    return int(match[1]) * unit


def parse_fraction(value: object) -> float:
    """Return a part of the whole, 0 to 1: ``0.01``. Raises ValueError."""
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(FRACTION_PATTERN, text):
        raise ValueError("must be a number from 0 to 1, such as 0.01")
    return float(text)


def parse_seconds(value: object) -> object:
    """As parse_duration, where a number alone means seconds."""
    return value if isinstance(value, int) and not isinstance(value, bool) else parse_duration(value)


def parse_frequency(value: object) -> object:
    """Return the seconds of a duration, of '1 month' (30 days) or '1 year'; None for 'always'."""
    if value is None or value == _ALWAYS:
        return None
    match = _LONG.fullmatch(value.strip()) if isinstance(value, str) else None
    return int(match[1]) * _DAYS[match[2]] * _UNITS["day"] if match else parse_duration(value)


def fits(glob: str, word: str) -> bool:
    """Return whether a word equals a glob or matches it, without case."""
    return word.lower() == glob.lower() or fnmatch.fnmatchcase(word.lower(), glob.lower())


def parse_text(value: object) -> object:
    """Return a number or a boolean as the text that it was in the file: a VM may be called 12 or true."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else value


def parse_windows_path(text: str) -> str:
    r"""Return an absolute Windows path, normalised: a drive's (C:\...) or a share's (\\server\share...)."""
    path = text.replace("/", "\\")
    if path.startswith(("\\\\?\\", "\\\\.\\")):
        raise Wrong(f"'{text}' is a device path", "write it as Windows shows it: C:\\... or \\\\server\\share\\...")
    if not _DRIVE.match(path) and not _SHARE.match(path):
        raise Wrong(f"'{text}' is no full Windows path", "such as 'C:\\ClusterStorage\\Volume1' or '\\\\server\\share'")
    rest = path[2:]
    if _FORBIDDEN.search(rest) or ":" in rest:
        raise Wrong(
            f"'{text}' holds a character that no Windows path can have", 'none of < > : " | ? * and no control characters'
        )
    if {".", ".."} & set(rest.split("\\")):
        raise Wrong(f"'{text}' holds . or ..", "write the path in full")
    return ntpath.normpath(path)


def is_cluster_wide(windows: str) -> bool:
    """Tell whether all nodes reach the same files under this path: a cluster volume or a share."""
    below_drive = windows[2:].lower()
    return windows.startswith("\\\\") or below_drive == "\\clusterstorage" or below_drive.startswith("\\clusterstorage\\")


def default_mount_name(windows: str) -> str:
    """Return the last part of a Windows path: 'Volume1'; the letter for a drive."""
    return ntpath.normpath(windows).rstrip("\\").rpartition("\\")[2].rstrip(":")


def parse_mount_name(text: str) -> str:
    """Return the name that a mount's files have in archives; it is one part of a path there."""
    if text in {"", ".", "..", ".borg-cluster"} or "/" in text or not text.isprintable() or text != text.strip():
        raise Wrong(f"'{text}' can't be the first folder in archives", "letters, digits, - and _ are safe")
    return text


def parse_local_path(text: str) -> str:
    """Return an absolute path of this machine."""
    if not text.startswith("/") or "\x00" in text:
        raise Wrong(f"'{text}' is no absolute path of this machine", f"such as /mnt/{text.strip('./') or 'Volume1'}")
    return text


def parse_repository(text: str) -> str:
    """Return a repository's location as Borg takes it: an absolute path or ssh://..."""
    if not text.startswith("/") and not _REMOTE.fullmatch(text):
        raise Wrong(f"'{text}' is neither an absolute path nor a remote repository", "/srv/borg/main or ssh://user@host/./main")
    return text


def parse_id(text: str) -> str:
    """Return a VM id: a GUID in lower case, without braces."""
    try:
        return str(uuid.UUID(text.strip("{}")))
    except ValueError as error:
        raise Wrong(
            f"'{text}' is no VM id", "a GUID, as `borg-cluster discover --json` shows it; a name goes under `name`"
        ) from error


def parse_node(text: str) -> str:
    """Return a node's short name."""
    if "." in text or not text.strip():
        raise Wrong(f"'{text}' is no node's short name", "the name before the first dot, as `borg-cluster discover` shows it")
    return text


def parse_address(text: str) -> str:
    """Return an IP address."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise Wrong(f"'{text}' is no IP address") from error


def parse_secret(text: str) -> str:
    """Return a reference to a secret. The message never repeats what was written: it may be the secret itself."""
    if not _REFERENCE.fullmatch(text):
        raise Wrong(
            "a secret does not belong in this file",
            "write it to a file that only its owner can read and put '{credential file PATH}' here; also "
            "'{credential systemd NAME}', '{env NAME}' and '{keyring SERVICE USER}'",
        )
    return text


def parse_job_name(text: str) -> str:
    """Return a job's name: it becomes part of file names."""
    if not re.match(JOB_NAME_PATTERN, text) or text.endswith("\n"):
        raise Wrong(f"'{text}' can't be a job's name", "letters, digits, '.', '_' and '-', up to 64")
    return text


def parse_umask(value: object) -> int:
    """Return the number of an octal umask; 77 and '0077' are the same, as for borg."""
    if isinstance(value, bool) or not re.fullmatch(UMASK_PATTERN, str(value)):
        raise Wrong("wants a umask", "octal digits, such as 0077")
    return int(str(value), 8)


def parse_compression(text: str) -> str:
    """Return a compression as Borg takes it."""
    if not _COMPRESSION.fullmatch(text):
        raise Wrong(f"'{text}' is no compression of Borg's", "such as lz4, zstd,3, auto,zstd,6 or none")
    return text


def parse_chunker(text: str) -> str:
    """Return chunker parameters as Borg takes them."""
    if not _CHUNKER.fullmatch(text):
        raise Wrong(f"'{text}' are no chunker parameters of Borg's", "such as fixed,4194304 or buzhash,19,23,21,4095")
    return text


def parse_archive_name_format(text: str) -> str:
    """Return the format of archive names. It must tell apart the subjects and the times."""
    try:
        names = [name for _, name, spec, conversion in string.Formatter().parse(text) if name is not None or spec or conversion]
    except ValueError as error:
        raise Wrong(f"'{text}' is no format: {error}", "such as '{cluster}-{subject}-{now}'") from error
    for name in names:
        if name not in _PLACEHOLDERS:
            raise Wrong(f"there is no placeholder {{{name}}}", "there are {cluster}, {subject} and {now}")
    if not {"subject", "now"} <= set(names):
        raise Wrong("two archives could get one name", "{subject} and {now} must be in it")
    if "/" in text or text.endswith(".checkpoint"):
        raise Wrong("Borg's archive names hold no slash and don't end in .checkpoint")
    return text
