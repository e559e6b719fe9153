"""Peak memory of a process."""

from pathlib import Path


def peak_mib() -> float:
    """Return the peak resident memory of this process, in MiB.

    `getrusage` is not used: its value survives `exec`, so that a child would report its parent's peak.
    """
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 2**10
