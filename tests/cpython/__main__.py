"""`python -m tests.cpython` is `python -m tests.cpython.run`."""

import sys

from tests.cpython.run import main

sys.exit(main())
