"""Only `make interop` runs these: they need Debian's Dovecot."""

import os

import pytest

collect_ignore = [] if os.environ.get("DOVECOT") else ["test_dispatch.py", "test_imap_pull.py"]
pytest.register_assert_rewrite("tests.contract.connectors.contract", "tests.contract.connectors.pulls")
