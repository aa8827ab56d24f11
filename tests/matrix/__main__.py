"""`python -m tests.matrix` is `python -m tests.matrix.run`."""

import sys

from tests.matrix.run import main

sys.exit(main())
