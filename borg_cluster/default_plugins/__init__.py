"""What this tool does by default, as plugins."""
