"""``nano-flow test``: workflow tests on scripted models, and tests of the routing policy."""

from __future__ import annotations

import time
from pathlib import Path

import click

from nano_flow.cli import output
from nano_flow.cli.common import Options, pass_options

_EPILOG = """\b
Examples:
  nano-flow test
  nano-flow test workflows -k "one of them limited"
  nano-flow test --junit report.xml
"""


@click.command("test", epilog=_EPILOG)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("-k", "wanted", default="", metavar="TEXT", help="Only cases whose file::name holds TEXT.")
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write a JUnit report.")
@pass_options
def command(options: Options, /, paths: tuple[Path, ...], wanted: str, junit: Path | None) -> int:
    """Run the cases of every *.test.yaml below PATHS (default: here); nothing is sent, nothing costs anything."""
    from nano_flow.core.errors import UsageError
    from nano_flow.operations.testing import as_json, case_text, junit_text, summary_text, test_workflows

    started = time.perf_counter()
    results = []
    for result in test_workflows(options.place, paths or (Path(),), wanted):
        results.append(result)
        if not options.json:
            output.data(output.clean(case_text(result, verbose=options.verbosity > 0)))
    took = time.perf_counter() - started
    if junit is not None:
        try:
            junit.write_text(junit_text(results), encoding="utf-8")
        except OSError as error:
            raise UsageError(f'"{junit}" cannot be written: {error.strerror}') from None
    failed = sum(1 for result in results if result.problems)
    if options.json:
        output.document("nano-flow/tests@1", as_json(results, took))
    elif results:
        output.data(output.style(summary_text(results, took), "bad" if failed else "good"))
    else:
        output.fail("no case was found: tests are files named *.test.yaml" + (f", with {wanted!r}" if wanted else ""))
    return 1 if failed or not results else 0
