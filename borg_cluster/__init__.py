"""Cluster awareness for BorgBackup: Hyper-V failover clusters, discovered, backed up and restored highly available."""

__version__ = "0.1.0"
