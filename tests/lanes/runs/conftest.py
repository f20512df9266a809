"""The sites that the ordinary tests have, too."""

from tests.e2e.conftest import shop

__all__ = ["shop"]
