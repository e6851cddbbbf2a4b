"""Alerts read the forecast table, never a model."""
