# SPDX-License-Identifier: GPL-2.0-only
"""Comparing runs, and reporting on them: reads what delwribench has written.

Nothing here measures, and nothing here is needed on the machine under test.
"""


class Refused(Exception):
    """What cannot be compared: the message says what, why and what to do."""
