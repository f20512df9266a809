"""Changed blocks with each Borg 1.4, each encryption, over SSH, killed, and through long random days."""
