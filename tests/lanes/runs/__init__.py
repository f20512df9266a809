"""Runs with several repositories and signals, configurations rebuilt, single files and volumes extracted: through the CLI."""
