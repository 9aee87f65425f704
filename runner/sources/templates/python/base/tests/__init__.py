"""Where the SDK and the types of a contract are, for `python3 -m unittest`."""

import sys

sys.path[:0] = [".", ".runner/sdk", ".runner/types"]
