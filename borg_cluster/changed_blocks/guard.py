"""Whether the Borg here is one that was tried.

Borg promises no Python API, so each version's functions are known by their source.
What a version has otherwise than these, or a distribution has patched, means a plain full read, never a try.
"""

import hashlib
import importlib
import inspect
from typing import Any

FUNCTIONS = (
    ("borg.archive", "ChunksProcessor.process_file_chunks"),
    ("borg.archive", "ChunksProcessor.maybe_checkpoint"),
    ("borg.archive", "ChunksProcessor.write_part_file"),
    ("borg.archive", "FilesystemObjectProcessors.__init__"),
    ("borg.archive", "FilesystemObjectProcessors.create_helper"),
    ("borg.archive", "FilesystemObjectProcessors.process_file"),
    ("borg.archive", "Archive.__init__"),
    ("borg.archive", "Archive.load"),
    ("borg.archive", "Archive.iter_items"),
    ("borg.archive", "DownloadPipeline"),
    ("borg.archive", "backup_io_iter"),
    ("borg.archive", "cached_hash"),
    ("borg.archiver", "Archiver.do_create"),
    ("borg.archiver", "Archiver._process_any"),
    ("borg.cache", "LocalCache.add_chunk"),
    ("borg.cache", "LocalCache.seen_chunk"),
    ("borg.cache", "LocalCache.chunk_incref"),
    ("borg.cache", "LocalCache.file_known_and_unchanged"),
    ("borg.cache", "LocalCache.memorize_file"),
)
"""All of Borg's that is called, replaced, or relied upon here."""

TESTED: dict[str, str] = {
    "1.4.0": "33bf95d60cfa3d1f16154064304ce895d0629b851dca23ca5ba80b0d4e1c4065",
    "1.4.1": "aa34968fcf58e6bdfa5d263d8cdcd05b9f1f543b7d64a740adc1691ce9b92600",
    "1.4.2": "a98f3318e23669676910a37b381844b1fd5b48cabd39122cc4f282256cb4625a",
    "1.4.3": "a98f3318e23669676910a37b381844b1fd5b48cabd39122cc4f282256cb4625a",
    "1.4.4": "a98f3318e23669676910a37b381844b1fd5b48cabd39122cc4f282256cb4625a",
    "1.4.5": "903e51d1c9812c3b0a97b7a934f7bceed0224bc09665fbd88c7b8611ef896049",
}
"""Of each version that was tried, the hash of those functions."""


def fingerprint() -> str:
    """Return the hash of the functions' source here. Raises OSError, TypeError, AttributeError or ImportError: there is none."""
    digest = hashlib.sha256()
    for module, path in FUNCTIONS:
        found: Any = importlib.import_module(module)
        for name in path.split("."):
            found = getattr(found, name)
        digest.update(f"{module}.{path}\n{inspect.getsource(found)}\n".encode())
    return digest.hexdigest()


def refusal() -> str | None:
    """Return why the Borg that is installed here can't be worked with, or None."""
    try:
        borg = importlib.import_module("borg")
        version = str(borg.__version__)
        if version not in TESTED:
            return f"borg {version} has not been tried with it"
        if fingerprint() != TESTED[version]:
            return f"borg {version} is not as it was published"
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, all is read as usual
        return f"Borg's own Python can't be used: {type(error).__name__}: {error}"
    return None
