"""The steps of the record path, each defined once as an Ibis expression; every engine carries out the same.

``records``: from raw rows to rows under surrogates. ``counting``: from these to counts. ``classes``: k-anonymity and
weekly visits. ``calendar``: weeks from day numbers. A step takes tables and gives a table; nothing runs until an engine
(:mod:`salus.data.engines`) is asked.

Only what DuckDB and Spark give the same numbers for is used: whole-number arithmetic on day numbers instead of calendar
functions, comparisons that don't depend on where nulls are sorted, and no sums in tables that are kept or written.
"""
