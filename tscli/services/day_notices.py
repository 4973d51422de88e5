"""Who hears of a morning: one message for each rule and command, and none that says nothing new."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from domain.audit import canonical
from domain.day import PARTIAL, StepRecord, StepState
from domain.errors import PaymentsError
from domain.notice import Notice, Sent
from tscli.day_settings import SEVERITIES, RuleSection
from tscli.services.day_plan import Morning
from tscli.services.day_run import DayDone

if TYPE_CHECKING:
    from tscli.services.context import Context

Send = Callable[[RuleSection, Notice], Sent]

_RANK = {"info": 0, "warning": 1, "critical": 2}
_GOOD = ("done", "findings")
_LINES_MAX = 60


def tell_people(
    context: "Context", morning: Morning, send: Send, done: Sequence[DayDone]
) -> list[Sent]:
    """Tell every rule what is new to it, in one message; what came of it is kept with the days.

    A message may come twice when the process dies right after it was sent: better than never.
    """
    told = []
    for rule in morning.section.notify:
        news = [one for one in done if _is_news(context, morning, rule, one)]
        if not news:
            continue
        try:
            sent = send(rule, notice(morning, news))
        except PaymentsError as error:
            sent = Sent(rule.name, ok=False, detail=error.message)
        _keep(context, morning, rule, news, sent)
        told.append(sent)
    return told


def notice(morning: Morning, done: Sequence[DayDone]) -> Notice:
    """The message about some days: the worst first in the title, every day in the body."""
    worst = max(done, key=lambda one: (_RANK[severity_of(one)], one.on))
    place = f"[{morning.environment}]"
    many = f" and {len(done) - 1} more days" if len(done) > 1 else ""
    lines = [line for one in done for line in _lines(one)]
    left = len(lines) - _LINES_MAX
    shown = [*lines[:_LINES_MAX], *([f"… and {left} more lines."] if left > 0 else [])]
    return Notice(
        f"{place} {worst.on}: {worst.outcome}{many}", "\n".join(shown), severity_of(worst)
    )


def severity_of(done: DayDone) -> str:
    """How severe a day's outcome is."""
    return SEVERITIES[done.outcome]


def _lines(done: DayDone) -> Iterable[str]:
    yield f"{done.on}: {done.outcome}"
    for one in done.steps:
        if one.exit_code or one.state is not StepState.DONE:
            word = one.reason or one.state.value
            name = " ".join(filter(None, one.name))
            yield f"  {name}: {word if word != 'done' else 'found'}, {one.note}"


def _digest(done: DayDone) -> str:
    """What is told of a day; the same state has the same one, however often it is run."""
    from hashlib import sha256

    telling = [
        [*one.name, one.state.value, one.exit_code, one.reason, one.facts.get("breaks", 0)]
        for one in done.steps
    ]
    return sha256(canonical([done.outcome, telling])).hexdigest()[:16]


def _is_news(context: "Context", morning: Morning, rule: RuleSection, done: DayDone) -> bool:
    """Whether a rule wants to hear of a day, and has not heard the same of it."""
    heard = _heard(context, morning, rule, done)
    if heard is not None and heard.state is StepState.DONE:
        if heard.facts.get("digest") == _digest(done):
            return False
        if done.outcome in _GOOD and heard.facts.get("outcome") not in _GOOD:
            return True  # whoever heard of the trouble hears of its end
    severe = _RANK[severity_of(done)] >= _RANK[rule.severity]
    return severe and done.outcome in rule.events


def _heard(
    context: "Context", morning: Morning, rule: RuleSection, done: DayDone
) -> StepRecord | None:
    with context.database.read() as books:
        steps = books.days.steps(done.on, morning.mode)
    return next((one for one in steps if one.name == ("notify", rule.name)), None)


def _keep(
    context: "Context",
    morning: Morning,
    rule: RuleSection,
    news: Sequence[DayDone],
    sent: Sent,
) -> None:
    now = context.clock.now()
    for done in news:
        before = _heard(context, morning, rule, done)
        step = StepRecord(
            done.on, morning.mode, "notify", rule.name,
            StepState.DONE if sent.ok else StepState.OPEN,
            (before.attempts if before else 0) + 1, now, now, 0 if sent.ok else PARTIAL,
            "" if sent.ok else "refused", sent.detail[:500],
            {"digest": _digest(done), "outcome": done.outcome},
        )  # fmt: skip
        with context.database.transaction() as books:
            books.days.save_steps([step])


def try_rules(morning: Morning, send: Send, names: Sequence[str]) -> list[Sent]:
    """Send a test message by each of some rules.

    Raises:
        ConfigurationError: Apprise is not installed, or an address cannot be used.
    """
    return [
        send(rule, Notice(f"[{morning.environment}] test", f"The rule {rule.name} works.", "info"))
        for rule in morning.section.notify
        if rule.name in names
    ]
