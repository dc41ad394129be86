"""Stores that earlier versions made: their tables and rows, and what a store has, for comparison."""

import json
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, LargeBinary, MetaData, create_engine, insert, inspect, select, text

HERE = Path(__file__).parent


def rows_of_0073() -> dict[str, dict[str, Any]]:
    """Return the columns and rows of each table of a store of revision 0073, with binary values in hexadecimal."""
    rows: dict[str, dict[str, Any]] = json.loads((HERE / "store_0073" / "rows.json").read_text())
    return rows


def fill(url: str, statements: Path, rows_of: dict[str, dict[str, Any]]) -> Engine:
    """Create the tables of these statements with the columns of these rows that they have."""
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements.read_text().split(";\n"):
            if statement.strip():
                connection.execute(text(statement))
        tables = MetaData()
        tables.reflect(connection)
        for table in tables.sorted_tables:
            binary = {column.name for column in table.columns if isinstance(column.type, LargeBinary)}
            rows = []
            for values in rows_of[table.name]["rows"]:
                row = dict(zip(rows_of[table.name]["columns"], values, strict=True))
                row = {name: value for name, value in row.items() if name in table.c}
                row.update({name: bytes.fromhex(row[name]) for name in binary if row[name] is not None})
                rows.append(row)
            connection.execute(insert(table), rows)
    return engine


def stored(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each table, with binary values in hexadecimal as in the file of rows."""
    tables, found = MetaData(), {}
    with engine.connect() as connection:
        tables.reflect(connection)
        for table in tables.sorted_tables:
            rows = connection.execute(select(table)).mappings()
            found[table.name] = [
                {name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()}
                for row in rows
            ]
    return found


def schema_of(url: str) -> dict[str, dict[str, Any]]:
    """Return the columns, constraints and indexes of each table, in no order."""
    engine = create_engine(url)
    found = inspect(engine)
    read: dict[str, Any] = {
        "columns": found.get_columns,
        "key": lambda table: [found.get_pk_constraint(table)],
        "references": found.get_foreign_keys,
        "unique": found.get_unique_constraints,
        "checks": found.get_check_constraints,
        "indexes": found.get_indexes,
    }
    schema = {
        table: {part: sorted(map(text_of, parts(table))) for part, parts in read.items()}
        for table in found.get_table_names()
    }
    engine.dispose()
    return schema


def text_of(row: Any) -> str:
    """Return a text by which rows are compared."""
    return json.dumps(row, sort_keys=True, default=str)
