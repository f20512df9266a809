"""All that can be restored, carried out."""
