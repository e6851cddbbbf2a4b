"""Forecast hubs of the hubverse: what a hub asks for, submissions to it, its rules, and the ranking of its models."""
