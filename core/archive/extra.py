"""The optional package that reads and writes Arrow and Parquet."""

from __future__ import annotations

from typing import Any

from core.exceptions import DomainError


class ArrowMissing(DomainError):
    """Parquet and Arrow need pyarrow, which is not installed: install the extra `arrow` (pip install "nfcs[arrow]")."""

    code = "arrow_missing"


def import_pyarrow() -> Any:
    """The module pyarrow.

    Raises:
        ArrowMissing: it is not installed.
    """
    try:
        import pyarrow
    except ImportError as error:
        raise ArrowMissing from error
    return pyarrow


def import_parquet() -> Any:
    """The module pyarrow.parquet.

    Raises:
        ArrowMissing: it is not installed.
    """
    import_pyarrow()
    import pyarrow.parquet

    return pyarrow.parquet
