"""Chronic obstructive pulmonary disease: spirometry read by the published equations, and the published questionnaires.

    reference        predicted value, lower limit of normal, z-score, percent predicted
    interpretation   obstruction, severity, response to a bronchodilator
    outcomes         obstruction by each definition, for tables
    quality          grades of a spirometry session and what each permits
    instruments      questionnaires, their points and cut-offs

Case-finding in people with symptoms or exposure, never screening of everybody, and never a diagnosis by itself.
"""
