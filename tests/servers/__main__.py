"""`python -m tests.servers` is `python -m tests.servers.run`."""

import sys

from tests.servers.run import main

sys.exit(main())
