"""Under which ids older versions of this project published what contributors say of other objects: under their own.

What is published since has an id by the hub's secret; later versions of what was out before keep to its id.
"""

from sqlalchemy import select

from server.store.store import Tx
from server.store.tables_of_rules import published_ids


def of(tx: Tx, key: str) -> str | None:
    """Give the id under which an older version published what the inbox has under a key, None where none did."""
    found: str | None = tx.execute(select(published_ids.c.id).where(published_ids.c.key == key)).scalar()
    return found


def there(tx: Tx) -> bool:
    """Tell whether an older version published anything so."""
    return tx.execute(select(published_ids.c.key).limit(1)).first() is not None
