"""Weeks, places, diseases, series with vintages, and epidemic levels."""
