"""Django's settings in tests: the real ones, on a home folder of the test run's own.

Processes that tests start have their own homes and the real settings module (the commands name
it themselves, whatever the environment says).
"""

import atexit
import os
import shutil
import tempfile

for _name in [name for name in os.environ if name.startswith("XPLATFORM_")]:
    if _name != "XPLATFORM_TEST_ENGINES":
        del os.environ[_name]
os.environ["XPLATFORM_HOME"] = _home = tempfile.mkdtemp(prefix="xplatform-tests-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)

from xplatform.settings import *  # noqa: E402, F403
from xplatform.settings import PASSWORD_HASHERS as _HASHERS  # noqa: E402

# A hash that is to take long takes a good part of a test's time. Servers have the real one.
PASSWORD_HASHERS = ["tests.support.hashers.QuickScrypt", *_HASHERS[1:]]
