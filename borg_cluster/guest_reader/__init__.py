"""The child process that reads a guest's file system by libyal's libraries: libfsntfs, libfsext, libfsxfs.

Run as ``python -m borg_cluster.guest_reader MODULE SIZE``; it imports nothing else of borg_cluster. A guest's file system is
hostile input to libraries written in C, so this process can do nothing but ask for bytes and answer: it has no environment, may
open, write and start nothing, is nobody if it was root, and its memory is bounded. If it crashes or goes astray, the parent
tells so, and no more is lost.

Frames go both ways: a kind (one byte), a length (four), and so many bytes. The parent sends requests (JSON) as ``Q``, and ``D``:
the bytes that were wanted. The child sends ``R`` (offset, length: it wants bytes), ``J`` (JSON: an entry, a complaint), ``B``
(bytes of a file), ``E`` (the end of an answer), ``X`` (JSON: why there is none).
"""
