"""One run of a config in its folder: with progress shown, files written in the background, and an orderly end."""

from collections.abc import Callable

from amr.errors import InvalidSettingError
from solvers.config import Case
from solvers.records import RunLimits, Series
from solvers.run import Checkpoint, Interrupted, Reporter, RunError, Solution, Wishes, rules_of

from .background import Background
from .folder import RunFolder
from .interrupt import StopRequest
from .mistake import FAILED, LIMITED, Mistake

STOPPING = "stopping after this step, or compilation, and writing a checkpoint; Ctrl-C again stops at once without one"


def perform(case: Case, folder: RunFolder, show: Reporter, checkpoint: Checkpoint | None = None) -> Solution:
    """Run a case from its beginning or from a checkpoint, and leave everything in the folder.

    Raises `Mistake` where it ended early, which says why and what to do next, `OSError` where files cannot be written.
    """
    with StopRequest(lambda: show.say(STOPPING)) as stop, folder.kept_if_there_is_something():
        try:
            with Background() as writer:
                solution = _solution(case, _wishes(case, folder, show, writer, stop), checkpoint)
        except InvalidSettingError as error:  # found when the first values were there
            raise Mistake(f"the run cannot start: {error}", FAILED) from error
        except RunError as error:
            raise Mistake("\n".join(_after_failure(folder, error)), FAILED) from error
        except Interrupted as interrupt:
            path = folder.keep(interrupt.checkpoint)
            reached = f"t = {float(interrupt.checkpoint.field.time):.6g}, step {interrupt.checkpoint.field.step}"
            text = f"interrupted at {reached}; the checkpoint is {path}\nto go on: amrax resume {folder.directory}"
            raise Mistake(text, stop.status) from interrupt
    if solution.summary.limit:
        raise Mistake(_after_limit(folder, solution), LIMITED)
    for remark in folder.finish(solution):
        show.say(remark)
    return solution


def _after_limit(folder: RunFolder, solution: Solution) -> str:
    """What to say of a run that a limit has ended; its checkpoint is written."""
    summary, most = solution.summary, folder.case.config.time.max_steps
    reached = f"stopped by time.{summary.limit} at t = {summary.time:.6g}, step {summary.steps}"
    more = f" time.max_steps={2 * most}" if most is not None and summary.steps >= most else ""
    return f"{reached}; the checkpoint is in {folder.checkpoints}\nto go on: amrax resume {folder.directory}{more}"


def _after_failure(folder: RunFolder, error: RunError) -> list[str]:
    """What to say of a run that failed; its last good field is written."""
    lines = [f"the run failed: {error}", *getattr(error, "__notes__", ())]
    if error.checkpoint is None:
        return lines
    try:
        path = folder.dump_failed(error.checkpoint)
    except OSError as lost:
        return [*lines, f"the last good field could not be written: {lost}"]
    advice = f"to go on from there with other settings: amrax resume {folder.directory} --from {path} KEY=VALUE"
    return [*lines, f"the last good field is in {path}", advice]


def _solution(case: Case, wishes: Wishes, checkpoint: Checkpoint | None) -> Solution:
    begin = 0.0 if checkpoint is None else float(checkpoint.field.time)
    run = case.simulation.prepared(begin, case.config.time.end, wishes)
    return Solution(*(run.go(case.initial) if checkpoint is None else run.go_on(checkpoint)))


def _wishes(case: Case, folder: RunFolder, show: Reporter, writer: Background, stop: StopRequest) -> Wishes:
    """What the config wants from the run."""

    def written_by(write: Callable, word: str) -> Callable[[Checkpoint], None]:
        def task(checkpoint: Checkpoint) -> None:
            path = write(checkpoint)
            show.say(f"t = {float(checkpoint.field.time):.4g}: {word} {path}")

        return lambda checkpoint: writer.do(lambda: task(checkpoint))

    output, kept = case.config.output, case.config.checkpoint
    dumps = Series(written_by(folder.dump, "wrote"), rules_of(None, output.every_steps, None))
    checkpoints = Series(
        written_by(folder.keep, "checkpoint"), rules_of(kept.every, kept.every_steps, kept.every_minutes)
    )
    recording = case.recording(lambda name, rows: writer.do(lambda: folder.records[name].append(rows)))
    limits = RunLimits(case.config.time.max_steps, case.config.time.max_minutes)
    units = case.simulation.units_of_all
    return Wishes(case.exact, case.output_times, dumps, checkpoints, show, stop, recording, limits, units)
