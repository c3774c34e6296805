"""The settings of the tests: evbilling's own, on private folders and servers, with a fast password hasher."""

import atexit
import os
import shutil
import tempfile

# Before evbilling.settings reads them: nothing of the developer's installation may reach a test.
for _name in ("EMAIL_URL", "PUBLIC_URL", "SECRET_KEY", "ALLOWED_HOSTS", "LANGUAGE_CODE", "TIME_ZONE", "DEBUG"):
    os.environ.pop(_name, None)
os.environ["ENV_FILE"] = os.devnull
os.environ["MODE"] = "demo"
os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="evbilling-test-")
atexit.register(shutil.rmtree, os.environ["DATA_DIR"], ignore_errors=True)
if os.environ.get("REDIS_URL"):  # one database of the private Redis for each pytest process
    _number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    os.environ["REDIS_URL"] = f"{os.environ['REDIS_URL'].rsplit('/', 1)[0]}/{_number}"

from evbilling.settings import *  # noqa: E402, F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CELERY_TASK_ALWAYS_EAGER = True  # the fixture celery_worker switches to the real thing
