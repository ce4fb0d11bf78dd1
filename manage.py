#!/usr/bin/env python3
"""The same commands as ``xplatform``, for those who look for them here."""

import sys

from xplatform.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
