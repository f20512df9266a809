"""Tests that need more than Python: each lane runs where what it needs can be had, and says in one line why it didn't."""
