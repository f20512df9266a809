"""Lanes are no part of the ordinary run: ``python -m tests.lanes`` names the one that runs."""

import os

collect_ignore_glob = [] if os.environ.get("BORG_CLUSTER_LANE") else ["*"]
