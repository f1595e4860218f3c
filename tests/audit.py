"""What is installed → known weaknesses of it, by pip-audit; a sentence where their list cannot be reached."""

import json
import subprocess
import sys
from typing import Any

_TIMEOUT = 300  # seconds


def audit() -> tuple[str, bool]:
    """What was found, in words, and whether that is nothing to mend."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", "--timeout", "15"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT)
        packages = json.loads(done.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        return f"Not audited: pip-audit had no answer after {_TIMEOUT} s.", True
    except (ValueError, KeyError):
        reason = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        return f"Not audited: pip-audit could not reach its list of weaknesses ({reason[0]}).", True
    return told(packages)


def told(packages: list[dict[str, Any]]) -> tuple[str, bool]:
    """What pip-audit's list says, in words, and whether that is nothing to mend."""
    weak = [f"{each['name']} {each['version']}: {fault['id']}" for each in packages for fault in each.get("vulns", [])]
    skipped = [each for each in packages if "skip_reason" in each]
    counts = f"{len(packages) - len(skipped)} packages audited, {len(skipped)} not"
    reason = f" (the first: {skipped[0]['skip_reason']})" if skipped else ""
    return "\n".join([f"{counts}{reason}; {len(weak)} known weaknesses.", *weak]), not weak


if __name__ == "__main__":
    sentence, fine = audit()
    print(sentence)
    raise SystemExit(not fine)
