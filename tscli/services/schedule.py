"""Entries for cron and units for systemd that run what has to run by itself, ready to be installed.

The day's run is called every hour instead of once: it goes by the settings' time zone whatever zone
the machine has, tries again what was open, and does nothing when all is done.
"""

from dataclasses import dataclass

from domain.errors import InvalidRequest

_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@,:=")


@dataclass(frozen=True, slots=True)
class Place:
    """Where and as whom the entries run."""

    program: str
    """Absolute path of the executable."""
    user: str
    environment_file: str
    """Absolute path of a file of `TSCLI_…=` lines that only the user may read."""
    timezone: str
    writes: tuple[str, ...] = ()
    """Absolute paths of the folders that are written to."""
    lock_folder: str = "/run/lock"


@dataclass(frozen=True, slots=True)
class Job:
    """One thing that runs by itself."""

    name: str
    words: str
    cron: str
    """Minute, hour, day of the month, month, weekday."""
    calendar: str
    """The same as systemd writes it."""
    why: str
    alarms: bool = False
    """Whether its failure is to be heard: the others tell the log, and leave that to this one."""


JOBS = (
    Job(
        "day", "day run --catch-up", "10 * * * *", "*-*-* *:10:00",
        "the morning, tried every hour until all of it is there",
    ),
    Job(
        "check", "runs check", "5 * * * *", "*-*-* *:05:00",
        "exit code 1 when the day's run is missing, unfinished or failed", alarms=True,
    ),
    Job(
        "sweep", "recover sweep", "*/5 * * * *", "*-*-* *:00/5:00",
        "settles what is stuck",
    ),
    Job(
        "webhooks", "webhooks apply", "*/2 * * * *", "*-*-* *:00/2:00",
        "applies what waits in the inbox",
    ),
    Job(
        "backfill-stripe", "webhooks backfill --provider stripe --since 6h", "37 * * * *",
        "*-*-* *:37:00", "has what was never delivered",
    ),
    Job(
        "backfill-paypal", "webhooks backfill --provider paypal --since 6h", "47 * * * *",
        "*-*-* *:47:00", "has what was never delivered",
    ),
    Job("seal", "audit seal", "55 * * * *", "*-*-* *:55:00", "nothing is cut off unnoticed"),
)  # fmt: skip
"""What the README recommends to run by itself."""


def cron(place: Place) -> str:
    """A file for /etc/cron.d.

    Raises:
        InvalidRequest: a path or name that cron or the shell would read as something else.
    """
    _check(place)
    lines = [
        f"# /etc/cron.d/tscli: made by `tscli schedule show cron`. The dates are those of"
        f" {place.timezone}.",
        f"# {place.environment_file} holds the TSCLI_ settings, mode 0600, owned by {place.user}.",
        "SHELL=/bin/sh",
        "PATH=/usr/local/bin:/usr/bin:/bin",
        "MAILTO=root",
    ]
    for job in JOBS:
        lines += [f"# {job.why}", f"{job.cron} {place.user} {_shell(place, job)}"]
    return "\n".join(lines) + "\n"


def _shell(place: Place, job: Job) -> str:
    """The job as one line for sh: its settings, its lock, its program, and where its words go: cron
    mails whatever is printed, so only what alarms prints, and only then."""
    begin = f"set -a; . {place.environment_file};"
    if job.alarms:
        return f'{begin} said=$({place.program} {job.words} 2>&1) || echo "$said"'
    lock = f"flock -n -E 5 {place.lock_folder}/tscli-{job.name}.lock"
    log = f"2>&1 | logger -t tscli-{job.name}"
    return f"{begin} {lock} {place.program} {job.words} {log}"


def systemd(place: Place) -> dict[str, str]:
    """Units by their file names, for /etc/systemd/system.

    Raises:
        InvalidRequest: see `cron`.
    """
    _check(place)
    units = {}
    for job in JOBS:
        units[f"tscli-{job.name}.service"] = _service(place, job)
        units[f"tscli-{job.name}.timer"] = _timer(job)
    return units


def _service(place: Place, job: Job) -> str:
    calm = "" if job.alarms else "SuccessExitStatus=1 3 5 6\n"
    writes = "".join(f"ReadWritePaths=-{path}\n" for path in place.writes)
    return f"""\
[Unit]
Description=tscli {job.words}: {job.why}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
User={place.user}
EnvironmentFile={place.environment_file}
ExecStart={place.program} {job.words}
{calm}TimeoutStartSec=4h
UMask=0077
NoNewPrivileges=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectSystem=strict
ProtectHome=read-only
{writes}ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
ProtectClock=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictSUIDSGID=yes
LockPersonality=yes
CapabilityBoundingSet=
"""


def _timer(job: Job) -> str:
    return f"""\
[Unit]
Description=When tscli {job.words} runs

[Timer]
OnCalendar={job.calendar}
Persistent=true
AccuracySec=30s

[Install]
WantedBy=timers.target
"""


def _check(place: Place) -> None:
    paths = (place.program, place.environment_file, place.lock_folder, *place.writes)
    values = (place.user, *paths)
    for value in values:
        if not value or set(value) - _SAFE:
            raise InvalidRequest(
                f"{value!r} cannot stand in a crontab or a unit as it is.",
                hint="Use names without blanks and signs.",
            )
    for path in paths:
        if not path.startswith("/"):
            raise InvalidRequest(f"{path} is no absolute path.")
