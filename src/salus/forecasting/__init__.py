"""Forecasting models behind one contract; see :mod:`salus.forecasting.model`."""
