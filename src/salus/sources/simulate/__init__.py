"""A simulated province with known truth: case records to try everything on. Nothing in it is real."""

from salus.sources.simulate.simulation import Simulation, simulate

__all__ = ["Simulation", "simulate"]
