"""What takes minutes of the proof of restores: see tests/crash."""
