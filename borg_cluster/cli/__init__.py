"""Words in, exit code out; the only place that prints."""


def main() -> None:
    """Run `borg-cluster`."""
