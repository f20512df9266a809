"""The simulated cluster: a shipped fake that the demo and every test stand on. It imports nothing of the product."""
