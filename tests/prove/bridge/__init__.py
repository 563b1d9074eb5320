"""What the bridge promises, measured on executed firmware."""

import sys

from tests.bench.subject import ROOT

# The suite's machines and wires, which its tests import from where they stand.
for suite in (ROOT / "tests" / "bridge", ROOT / "tests" / "bridge" / "sbp"):
    if str(suite) not in sys.path:
        sys.path.insert(0, str(suite))
