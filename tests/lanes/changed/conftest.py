"""What this lane shares with the end-to-end tests."""

from tests.e2e.conftest import shop

__all__ = ["shop"]
