"""Watching: a folder or a server looked at again and again, each new document taken in once."""

from nightdrop.watch.call import WatchCall, watch_call
from nightdrop.watch.rows import RowsFile
from nightdrop.watch.watcher import Told, Watcher

__all__ = ["RowsFile", "Told", "WatchCall", "Watcher", "watch_call"]
