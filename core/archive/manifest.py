"""The manifest of an archive: what it holds, and the checksums that prove it."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.archive.columns import Column
from core.exceptions import Conflict, NotFound

FORMAT = "nfcs-archive/1"
NAME = "manifest.json"


@dataclass(frozen=True)
class ArchivedFile:
    """One Parquet file.

    Attributes:
        name: without a directory; it lies beside the manifest.
        sha256: of its bytes, hex.
    """

    name: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What an archive holds.

    Attributes:
        from_at: start of the partition's span, UTC, ISO 8601, inclusive.
        to_at: its end, exclusive.
        rows_sha256: sum of the SHA-256 of the rows in PostgreSQL's binary format, modulo 2^256, hex: the same for the
            same rows in any order and any file format.
        made_at: ISO 8601.
    """

    schema: str
    table: str
    partition: str
    from_at: str
    to_at: str
    rows: int
    rows_sha256: str
    columns: tuple[Column, ...]
    files: tuple[ArchivedFile, ...]
    made_at: str
    server_version: str


def write_manifest(manifest: Manifest, directory: Path) -> Path:
    """Write the manifest beside its files, all or nothing; from then on the archive is there."""
    data = {"format": FORMAT, **asdict(manifest)}
    path, draft = directory / NAME, directory / f".{NAME}.draft"
    with draft.open("w") as file:
        json.dump({**data, "manifest_sha256": _checksum(data)}, file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_directory(directory)
    return path


def read_manifest(directory: Path) -> Manifest:
    """The manifest in `directory`.

    Raises:
        NotFound: there is none.
        Conflict: it is not a manifest of this format, or was changed since it was written.
    """
    path = directory / NAME
    try:
        data = json.loads(path.read_bytes())
        checksum = data.pop("manifest_sha256")
        if data.pop("format") != FORMAT:
            raise Conflict(f"{path} is not in the format {FORMAT}.")
        if _checksum({"format": FORMAT, **data}) != checksum:
            raise Conflict(f"{path} is not what was written: its checksum differs.")
        manifest = Manifest(
            **{
                **data,
                "columns": tuple(Column(**column) for column in data["columns"]),
                "files": tuple(ArchivedFile(**file) for file in data["files"]),
            }
        )
    except FileNotFoundError as error:
        raise NotFound(f"There is no archive in {directory}: {NAME} is missing.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Conflict(f"{path} is not a manifest.") from error
    for file in manifest.files:
        if Path(file.name).name != file.name:
            raise Conflict(f"{path} names a file elsewhere: {file.name}")
    return manifest


def list_manifests(root: Path) -> list[tuple[Path, Manifest]]:
    """The archives under `root`, by table and partition."""
    return [(path.parent, read_manifest(path.parent)) for path in sorted(root.glob(f"*/*/{NAME}"))]


def sync_directory(directory: Path) -> None:
    """Have what was renamed in a directory outlive a power cut."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _checksum(data: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
