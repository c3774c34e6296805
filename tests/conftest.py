"""What every test may use: the marks, a flush that gets past the append-only triggers, and a real Celery worker."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.db import connection
from django.test import TransactionTestCase
from django.utils import translation
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from evbilling.celery import app
from evbilling.kernel.protection import lift_protections
from tests.properties.kills import _kills_where_it_is_said_to  # noqa: F401 - for every test

ROOT = Path(__file__).resolve().parent.parent
WORKER_START_SECONDS = 60

hypothesis_settings.register_profile(
    "default", max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.register_profile(
    "all", max_examples=200, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)

# Playwright keeps an event loop running in the thread of the tests; the ORM would take it for asynchronous code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


def pytest_addoption(parser: pytest.Parser) -> None:
    """--all: with the long proofs and the browser, and more examples for Hypothesis."""
    parser.addoption("--all", action="store_true", help="run the tests marked long and browser too")


def pytest_configure(config: pytest.Config) -> None:
    hypothesis_settings.load_profile("all" if config.getoption("--all") else "default")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what was not asked for (an own -m decides alone) and skip what lacks its server."""
    if not config.getoption("--all") and not config.getoption("-m"):
        left_out = [item for item in items if item.get_closest_marker("long") or item.get_closest_marker("browser")]
        if left_out:
            config.hook.pytest_deselected(items=left_out)
            items[:] = [item for item in items if item not in left_out]
    postgres, redis = connection.vendor == "postgresql", bool(django_settings.REDIS_URL)
    for item in items:
        if not postgres and (item.get_closest_marker("postgres") or item.get_closest_marker("worker")):
            item.add_marker(pytest.mark.skip(reason="needs PostgreSQL: ./run test --postgres"))
        elif not redis and item.get_closest_marker("worker"):
            item.add_marker(pytest.mark.skip(reason="needs Redis: ./run test --postgres"))


@pytest.fixture(autouse=True, scope="session")
def _flush_lifts_protections() -> Iterator[None]:
    """Tests with real transactions end in a flush, which the triggers refuse; post_migrate installs them again."""
    flush = TransactionTestCase._fixture_teardown

    def lift_and_flush(case: TransactionTestCase) -> None:
        lift_protections()
        flush(case)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lift_and_flush)
        yield


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()


@pytest.fixture(autouse=True)
def _own_language() -> None:
    """Pages leave the visitor's language behind in the thread; the next test begins in the installation's own."""
    translation.deactivate()


@pytest.fixture
def without_protections(db: None) -> None:
    """The database without its append-only triggers, for tests that corrupt rows; the rollback brings them back."""
    lift_protections()


class CeleryWorker(NamedTuple):
    """A running worker: its process leads a group of its own, so that a kill reaches the pool too."""

    process: subprocess.Popen
    log: Path

    def kill(self) -> None:
        """SIGKILL to the whole worker at once, as a lost machine would do."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def _database_url() -> str:
    """The test database in the words of DATABASE_URL."""
    user, password, host, port, name = (
        str(connection.settings_dict[key]) for key in ("USER", "PASSWORD", "HOST", "PORT", "NAME")
    )
    if host.startswith("/"):  # the folder of a Unix socket
        return f"postgres://{user}@/{host}/{name}"
    return f"postgres://{quote(user)}:{quote(password, safe='')}@{host}:{port or 5432}/{name}"


@pytest.fixture
def celery_worker(transactional_db: None, tmp_path: Path) -> Iterator[Callable[..., CeleryWorker]]:
    """Start real Celery workers on the test database and Redis; tasks sent by the test go to them.

    Use with @pytest.mark.worker. `celery_worker(queues="billing", concurrency=1, SOME_VARIABLE="x")` starts one and
    returns it when it is ready; all are gone after the test.
    """
    eager, app.conf.task_always_eager = app.conf.task_always_eager, False
    started: list[CeleryWorker] = []

    def start(queues: str = "billing,documents,mail,payments", concurrency: int = 1, **variables: str) -> CeleryWorker:
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "evbilling.settings",
            "DATABASE_URL": _database_url(),
            "REDIS_URL": django_settings.REDIS_URL,
            "CELERY_TASK_ALWAYS_EAGER": "false",
        }
        log = tmp_path / f"worker-{len(started)}.log"
        command = [sys.executable, "-m", "celery", "-A", "evbilling", "worker", "--queues", queues]
        command += ["--concurrency", str(concurrency), "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
        command += ["--hostname", f"test-{os.getpid()}-{len(started)}@localhost"]
        with log.open("w") as output:
            process = subprocess.Popen(
                command, cwd=ROOT, env=environment | variables, stdout=output, stderr=output, start_new_session=True
            )
        worker = CeleryWorker(process, log)
        started.append(worker)
        until = time.monotonic() + WORKER_START_SECONDS
        while " ready." not in log.read_text():
            if process.poll() is not None or time.monotonic() > until:
                pytest.fail(f"The Celery worker did not start:\n{log.read_text()[-4000:]}")
            time.sleep(0.1)
        return worker

    yield start
    for worker in started:
        if worker.process.poll() is None:
            worker.kill()
    with app.connection_for_write() as broker:
        for queue in app.conf.task_queues:
            queue(broker.default_channel).purge()
    app.conf.task_always_eager = eager


@pytest.fixture
def wait_until() -> Callable[..., None]:
    """Wait for what another process brings about: `wait_until(lambda: Message.objects.done().exists())`."""

    def wait(condition: Callable[[], object], seconds: float = 30, every: float = 0.1) -> None:
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until, f"not so after {seconds} s"
            time.sleep(every)

    return wait
