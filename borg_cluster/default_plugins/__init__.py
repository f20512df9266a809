"""What comes with borg-cluster, through the same hooks as anybody's."""

from borg_cluster.default_plugins import credentials

DEFAULT_PLUGINS = (credentials,)
