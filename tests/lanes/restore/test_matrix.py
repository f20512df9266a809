"""Every cell of what can be restored; the ordinary tests carry out a seventh of them."""

from pathlib import Path

import pytest

from tests.e2e.matrix_cells import carry_out
from tests.e2e.matrix_site import CELLS, MatrixStock, UnpackedArchives
from tests.e2e.test_restore_matrix import archives, matrix

__all__ = ["archives", "matrix"]


@pytest.mark.parametrize("cell", CELLS, ids="-".join)
def test_each_cell_ends_as_it_should(request: pytest.FixtureRequest, cell: tuple[str, str, str], tmp_path: Path) -> None:
    stock: MatrixStock = request.getfixturevalue("matrix")
    unpacked: UnpackedArchives = request.getfixturevalue("archives")
    carry_out(stock, unpacked, cell, tmp_path)
