"""``python -m xplatform``."""

import sys

from xplatform.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
