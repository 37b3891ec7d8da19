"""`python -m tinygrad_edu ops` prints the op table."""

import argparse

from tinygrad_edu.explainer.reference import op_table


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m tinygrad_edu", description="What tinygrad_edu can differentiate.")
    parser.add_argument("what", choices=["ops"], help="ops: every operation with its formula and derivatives, in Markdown")
    parser.parse_args()
    print(op_table())


if __name__ == "__main__":
    main()
