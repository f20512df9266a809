"""Other people's code: found, checked, asked.

Ours are registered first, then those of installed packages (entry points), then the site's files; pluggy asks the latest first,
so the site has the first word. What is wrong with a plugin costs that plugin, never an archive: it is left out or passed over,
which is told.
"""

from borg_cluster.plugins.asking import Plugin, PluginManager
from borg_cluster.plugins.loading import HOOKS_DIRECTORY, load

__all__ = ["HOOKS_DIRECTORY", "Plugin", "PluginManager", "load"]
