"""dlt with the merge strategy scd2, Arrow in. Runs alone, in the peers' environment.

For Arrow, dlt's documentation has the row's hash made by the function used here, and offers two
fast ways into PostgreSQL: files of CSV, and, with another driver, files of Parquet through ADBC
(https://dlthub.com/docs/dlt-ecosystem/destinations/postgres). Its default, INSERT statements, is
slower than both.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

import dlt
import pyarrow as pa
from dlt.sources.helpers.transform import add_row_hash_to_table

if TYPE_CHECKING:
    from collections.abc import Iterator

_HASH = "row_hash"


def _rows(file: str) -> Iterator[pa.RecordBatch]:
    with pa.memory_map(file) as source:
        reader = pa.ipc.open_file(source)
        for number in range(reader.num_record_batches):
            yield reader.get_batch(number)


def main(url: str, file: str, file_format: str, folder: str) -> dict[str, Any]:
    """Load a file of rows over what an earlier call loaded.

    Args:
        url: The database, with a host and a password.
        file: Arrow IPC file of the rows.
        file_format: `csv` or `parquet`.
        folder: Where dlt keeps its files; the same in each call.
    """
    pipeline = dlt.pipeline(
        pipeline_name="bench",
        pipelines_dir=folder,
        destination=dlt.destinations.postgres(url),
        dataset_name="peer",
    )
    rows = dlt.resource(
        _rows(file),
        name="history",
        write_disposition={
            "disposition": "merge",
            "strategy": "scd2",
            "row_version_column_name": _HASH,
        },
    )
    rows.add_map(add_row_hash_to_table(_HASH))
    started = time.perf_counter()
    pipeline.run(rows, loader_file_format=file_format).raise_on_failed_jobs()
    return {"seconds": time.perf_counter() - started}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(**json.loads(sys.argv[1]))) + "\n")
