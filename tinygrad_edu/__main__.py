"""`python -m tinygrad_edu`: see `command_line`."""

import signal
import sys

from tinygrad_edu.command_line import main

if __name__ == "__main__":
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # who reads what is printed may leave early, as `head` does
    sys.exit(main())
