"""`python -m borg_cluster` is `borg-cluster`."""

from borg_cluster.cli import main

if __name__ == "__main__":
    main()
