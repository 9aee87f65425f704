"""``python3 -m unittest`` here, after ``runner build`` has written ``.runner``."""

import sys

sys.path[:0] = [".", ".runner/sdk", ".runner/types"]
