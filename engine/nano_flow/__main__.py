"""``python -m nano_flow`` is ``nano-flow``."""

from nano_flow.cli.main import main

main()
