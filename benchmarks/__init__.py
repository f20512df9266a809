"""What the headline figures are measured with."""
