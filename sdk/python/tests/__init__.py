"""Tests of the SDK, run on the machine: ``python -m unittest`` in ``sdk/python``."""
