"""What the bridge promises, measured on executed firmware."""

import sys

from tests.bench.subject import ROOT

# The suite's machines and wires, which its tests import from where they stand.
SUITE = ROOT / "tests" / "bridge" / "sbp"
if str(SUITE) not in sys.path:
    sys.path.insert(0, str(SUITE))
