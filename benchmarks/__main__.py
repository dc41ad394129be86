"""``python -m benchmarks`` (``make bench``): every benchmark, one table."""

from benchmarks import mapping
from server.cli.context import show_table

rows = [row for module in (mapping,) for row in module.rows()]
show_table("Benchmarks", ["what", "ours", "beside", "theirs", "ratio"], rows)
