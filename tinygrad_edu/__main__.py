"""`python -m tinygrad_edu`: see `command_line`."""

import sys

from tinygrad_edu.command_line import main

if __name__ == "__main__":
    sys.exit(main())
