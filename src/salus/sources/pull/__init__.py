"""Public surveillance data, pulled from where it is published, with its licence and citation.

One file a source, one class a file, one contract for all (:mod:`salus.sources.pull.source`); the classes are named in
the distribution's entry points ``salus.sources``, so that another distribution can add one.

    fetch, cache    polite HTTP: one client, retries with back-off, conditional requests, size limits
    answer          what came: encoding, columns, numbers and weeks, each fault named with what was found
    epidata         the protocol of Delphi's Epidata server
    delivery        the pulled table in a file, with its licence, citation and the question that it answers
"""
