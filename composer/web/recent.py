"""Things that were used last, of which a server keeps so many."""

from collections import OrderedDict
from threading import Lock
from typing import Generic, TypeVar

__all__ = ["Recent"]

Key = TypeVar("Key")
Item = TypeVar("Item")


class Recent(Generic[Key, Item]):
    """The things that were used last; several threads may ask at once.

    Args:
        count: How many are kept.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._items: OrderedDict[Key, Item] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Key) -> Item | None:
        """A thing that is kept; None where it is not."""
        with self._lock:
            if key in self._items:
                self._items.move_to_end(key)
            return self._items.get(key)

    def put(self, key: Key, item: Item) -> None:
        """Keep a thing; what was used longest ago goes."""
        with self._lock:
            self._put(key, item)

    def setdefault(self, key: Key, item: Item) -> Item:
        """The thing that is kept, or else this one, which is kept then."""
        with self._lock:
            return self._put(key, self._items.get(key, item))

    def forget(self, key: Key) -> None:
        """Keep a thing no longer."""
        with self._lock:
            self._items.pop(key, None)

    def clear(self) -> None:
        """Keep nothing."""
        with self._lock:
            self._items.clear()

    def _put(self, key: Key, item: Item) -> Item:
        self._items[key] = item
        self._items.move_to_end(key)
        while len(self._items) > self._count:
            self._items.popitem(last=False)
        return item
