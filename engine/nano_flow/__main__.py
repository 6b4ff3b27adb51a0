"""The command ``nano-flow``, also ``python -m nano_flow``: a signal finds it ready before the rest is loaded."""

import os
import signal


def main() -> None:
    """The entry point of the console script."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _leave)
    from nano_flow.cli.main import main as command

    command()


def _leave(number: int, frame: object) -> None:
    """Nothing is begun, so there is nothing to save, and no trace of half an import to show."""
    os._exit(128 + number)


if __name__ == "__main__":
    main()
