"""``nano-flow policy``: explain, test, compare, replay, calibrate, suggest and train the routing policy."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from nano_flow.cli import output
from nano_flow.cli.common import Options, pass_options
from nano_flow.cli.run import Dollars
from nano_flow.core.errors import UsageError

_EPILOG = """\b
Examples:
  nano-flow policy explain "Design a REST API in about 500 lines"
  nano-flow policy explain --step workflow.yaml:report
  nano-flow policy explain --run last report
  nano-flow policy test
  nano-flow policy diff main..HEAD --format markdown --exit-code
  nano-flow policy replay new-routing.yaml --since 7d
  nano-flow policy calibrate --share 60/30/10
  nano-flow policy suggest --since 30d
  nano-flow policy train outcomes.jsonl --write
  nano-flow policy train --since 30d
"""
_WORKFLOW = click.option(
    "--workflow",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Under the files in force for this workflow.",
)


_FLAGS = {"tags": "tag", "policy_name": "policy"}


@click.group("policy", epilog=_EPILOG)
def command() -> None:
    """Explain, test, compare, replay, calibrate and train the routing policy. None of these sends anything."""


@command.command("explain")
@click.argument("prompt", required=False)
@click.option("--step", metavar="FILE:STEP", help="A step of a workflow, as far as its prompt is known.")
@click.option("--run", "run", nargs=2, metavar="RUN ADDRESS", help="A recorded decision of a run.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="A tag that the step would have.")
@click.option("--tools", type=click.IntRange(0, 1000), default=0, help="How many tools the step would have.")
@click.option("--policy", "policy_name", default="default", metavar="NAME", help="A policy of routing.yaml.")
@click.option("--model", default="auto", metavar="MODEL", help="What the step would say: auto, a tier, provider/model.")
@_WORKFLOW
@pass_options
def explain(
    options: Options, /, prompt: str | None, step: str | None, run: tuple[str, str] | None, **given: object
) -> int:
    """Which model would get PROMPT ("-" reads it from stdin, @FILE from a file), why, and what each would cost."""
    from nano_flow.cli.routing.explaining import show
    from nano_flow.operations.policy import explaining

    if sum(source is not None for source in (prompt, step, run)) != 1:
        raise UsageError('give one of PROMPT, --step FILE:STEP and --run RUN ADDRESS; "-" reads the prompt from stdin')
    asked = {name for name, value in given.items() if value not in (None, (), 0, "auto", "default")}
    asked -= {"policy_name"} if step is not None else set()
    if prompt is None and asked:
        named = " and ".join(f"--{_FLAGS.get(name, name)}" for name in sorted(asked))
        raise UsageError(f"{named} tell of the step that a PROMPT would have: leave them out of --step and --run")
    if step is not None:
        named = str(given["policy_name"])
        decision = explaining.explain_step(options.place, step, None if named == "default" else named)
    elif run is not None:
        decision = explaining.explain_run(options.place, *run)
    else:
        decision = explaining.explain_prompt(options.place, prompt or "", explaining.PromptOptions(**given))  # type: ignore[arg-type]
    show(options, decision)
    return 0


@command.command("test")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("-k", "wanted", default="", metavar="TEXT", help="Only cases whose file::name holds TEXT.")
@pass_options
def test(options: Options, /, paths: tuple[Path, ...], wanted: str) -> int:
    """Run the cases of routing.test.yaml below PATHS (default: here)."""
    from nano_flow.cli.routing.testing import run_cases

    return run_cases(options, paths or (Path(),), wanted)


@command.command("diff")
@click.argument("revisions", required=False, metavar="[BASE[..HEAD]]")
@click.option(
    "--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text", help="How to show it."
)
@click.option("--exit-code", is_flag=True, help="Exit with 7 where anything changes.")
@click.option("--runs", type=click.IntRange(0, 10_000), default=50, metavar="N", help="Recorded runs to compare.")
@_WORKFLOW
@pass_options
def diff(
    options: Options,
    /,
    revisions: str | None,
    form: Literal["text", "markdown", "json"],
    exit_code: bool,
    runs: int,
    workflow: Path | None,
) -> int:
    """Which requests change model, provider or tier between two policies, and what that costs.

    BASE and HEAD are git revisions, routing documents or folders of policy files; without HEAD, the working tree;
    without BASE, the last commit. Compared are test cases, the workflows below this folder and recorded runs.
    """
    from nano_flow.cli.routing.comparing import shown
    from nano_flow.operations.policy.comparing import compare_policies

    found = compare_policies(options.place, revisions, runs, workflow)
    if options.json or form == "json":
        output.document("nano-flow/policy-diff@1", found.as_json())
    else:
        output.data(shown(found, markdown=form == "markdown"))
    return 7 if exit_code and found.differs else 0


@command.command("replay")
@click.argument("candidate", required=False, default="", metavar="[POLICY]")
@click.option("--run", "run", metavar="RUN", help="Only this run.")
@click.option("--runs", type=click.IntRange(1, 10_000), default=50, metavar="N", help="The newest runs.")
@click.option("--since", metavar="TIME", help="Only runs since then: 7d, 12h, 2026-01-31.")
@click.option(
    "--labels", multiple=True, type=click.Path(path_type=Path), metavar="FILE", help="Outcomes (JSON lines or CSV)."
)
@_WORKFLOW
@pass_options
def replay(options: Options, /, candidate: str, **chosen: object) -> int:
    """What recorded calls would have cost under POLICY, a file, folder or git revision (default: the one in force).

    Where verify or output_schema judged replies, or --labels has outcomes, it also says how often the models that
    POLICY would ask first were right.
    """
    from nano_flow.cli.routing.replaying import replay_text
    from nano_flow.operations.policy.replaying import ReplayOptions, replay_policy

    found = replay_policy(options.place, candidate, ReplayOptions(**chosen))  # type: ignore[arg-type]
    if options.json:
        output.document("nano-flow/policy-replay@1", found.as_json())
    else:
        output.data(replay_text(found))
    return 0


@command.command("calibrate")
@click.option("--share", metavar="60/30/10", help="How many of a hundred prompts each tier should get.")
@click.option("--budget", type=Dollars(), metavar="USD", help="What --per calls may cost.")
@click.option("--per", type=click.IntRange(1), default=1000, metavar="N", help="How many calls; default: 1000.")
@click.option(
    "--labels",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Prompts, and maybe the tier that each should get (JSON lines or CSV); default: the journal's.",
)
@click.option("--runs", type=click.IntRange(1, 10_000), default=200, metavar="N", help="Of the journal: the newest.")
@click.option("--since", metavar="TIME", help="Of the journal: only runs since then: 7d, 12h, 2026-01-31.")
@click.option("--write", is_flag=True, help="Change routing.yaml; without it the change is only shown.")
@_WORKFLOW
@pass_options
def calibrate(options: Options, /, share: str | None, write: bool, **chosen: object) -> int:
    """Propose the tiers' `below`: for shares, for a budget, or for labels.

    Shows the shares of the tiers, the expected cost and the change of routing.yaml, in which nothing but `below`
    differs. Half of the prompts that have a tier are held out: quality is measured on them alone. Where labels alone
    are given and it would fall, nothing is written.
    """
    from nano_flow.cli.routing.calibrating import calibrate_on, read_share
    from nano_flow.operations.policy.calibrating import CalibrateOptions

    return calibrate_on(options, CalibrateOptions(share=read_share(share), **chosen), write=write)  # type: ignore[arg-type]


@command.command("suggest")
@click.option(
    "--loss",
    type=click.FloatRange(0.001, 0.5),
    default=0.02,
    show_default=True,
    metavar="SHARE",
    help="How many right answers, as a share, may be lost 1 time in 20.",
)
@click.option(
    "--labels", multiple=True, type=click.Path(path_type=Path), metavar="FILE", help="Outcomes (JSON lines or CSV)."
)
@click.option("--runs", type=click.IntRange(1, 10_000), default=200, metavar="N", help="Of the journal: the newest.")
@click.option("--since", metavar="TIME", help="Of the journal: only runs since then: 7d, 12h, 2026-01-31.")
@click.option("--write", is_flag=True, help="Change routing.yaml; without it the change is only shown.")
@_WORKFLOW
@pass_options
def suggest(options: Options, /, write: bool, **chosen: object) -> int:
    """The change of routing.yaml that saves most and that what the checks said supports.

    Tried are other thresholds, another first model of a tier and another escalate_at. Recorded conversations are
    followed over whole ladders, and unknown outcomes count against a change. One half of the prompts chooses it, the
    other half alone says what it saves and what it may lose. Where no change is supported, it is said how much is
    missing (exit 1).
    """
    from nano_flow.cli.routing.suggesting import suggest_on
    from nano_flow.operations.policy.suggesting import SuggestOptions

    return suggest_on(options, SuggestOptions(**chosen), write=write)  # type: ignore[arg-type]


@command.command("train")
@click.argument("data", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
@click.option("--run", "run", metavar="RUN", help="Of the journal: only this run.")
@click.option("--runs", type=click.IntRange(1), metavar="N", help="Of the journal: the newest runs; default: all.")
@click.option("--since", metavar="TIME", help="Of the journal: only runs since then: 7d, 12h, 2026-01-31.")
@click.option(
    "--weak",
    metavar="MODEL",
    help="The cheaper model; default: the one least often right, in the journal the one asked first.",
)
@click.option(
    "--strong",
    metavar="MODEL",
    help="The dearer model; default: the one most often right, in the journal the one asked next.",
)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Default: beside routing.yaml.")
@click.option("--cascade", is_flag=True, help="Learn to judge replies of the cheaper model; rows have its reply, too.")
@click.option("--write", is_flag=True, help="Write the learned score; without it figures are only shown.")
@_WORKFLOW
@pass_options
def train(options: Options, /, data: tuple[Path, ...], cascade: bool, **chosen: object) -> int:
    """Learn a score from labelled outcomes: FILEs, or without any the journal of this project.

    A FILE holds rows of prompt, model, right (and group) as JSON lines or CSV. The journal holds what verify and
    output_schema said of each reply. A stronger model is asked there only where a weaker one failed: what the weaker
    one passed counts as no gain, and how often that was assumed is said. Where all prompts were kept, their words are
    learned from, else only facts and declared words.

    Reports how it ranks prompts that it has not seen, by group where groups are given, beside the declared signals
    and the prompt's length; advises a weight, and tells what the score does at that weight: on each source (file,
    step) when trained on the others, to `policy test` and to `policy diff`. One that does not beat the declared signals
    by more than chance, ranks unseen sources worse or breaks a test is not written.
    """
    from nano_flow.operations.policy.training import TrainOptions

    if cascade:
        from nano_flow.cli.routing.cascades import train_cascade_on

        return train_cascade_on(options, data, TrainOptions(**chosen))  # type: ignore[arg-type]
    from nano_flow.cli.routing.training import train_on

    return train_on(options, data, TrainOptions(**chosen))  # type: ignore[arg-type]
