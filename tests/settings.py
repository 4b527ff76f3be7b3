"""Settings of the suite: the project's own, on a database of this run, as the owner of the tables."""

from __future__ import annotations

import os

# The controlling process names the run; its workers inherit the name.
os.environ.setdefault("NFCS_TEST_RUN", str(os.getpid()))
os.environ.setdefault("NFCS_HTTPS", "false")
os.environ.setdefault("NFCS_SECRET_KEY", "only-for-tests")
os.environ.setdefault("NFCS_ENCRYPTION_KEYS", "test:b25seSBmb3IgdGVzdHMsIHRoaXMgaXMgbm8gc2VjcmU=")

from nfcs.settings import *  # noqa: F403
from nfcs.settings import DATABASES
from tests.server import OWNER, TEST_SERVER, template_name

_test = {
    **DATABASES["default"],
    "NAME": os.environ.get("NFCS_TEST_DATABASE", "nfcs"),
    "USER": OWNER,
    "HOST": TEST_SERVER.host,
    "EMBEDDED": None,
    "CONN_HEALTH_CHECKS": False,
    # The threads of a live server would hold the database that its end drops.
    "CONN_MAX_AGE": 0,
}
DATABASES = {
    "default": _test
    | {"TEST": {"NAME": f"test_nfcs_{os.environ.get('NFCS_TEST_RUN', '0')}", "TEMPLATE": template_name()}},
    "owner": _test | {"ATOMIC_REQUESTS": False, "TEST": {"MIRROR": "default"}},
}
PASSWORD_HASHERS = ["tests.hashers.CheapArgon2PasswordHasher"]
# A stream that a test does not read to its end keeps its place.
STREAMS = 10_000
STREAM_S = 0.0
LOGGING: dict[str, object] = {"version": 1, "disable_existing_loggers": False}
