"""Every source against a real server of its kind on loopback."""
