"""Whole processes: see tests/conftest.py."""

import pytest
from box import Box


@pytest.fixture(scope="module")
def box(make_rig_of_module):
    """A store without broker and HQ, one for a whole file."""
    return Box(make_rig_of_module(customers=5))
