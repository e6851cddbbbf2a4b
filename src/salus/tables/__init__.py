"""Every table's column contract, and the one door through which tables come in."""
