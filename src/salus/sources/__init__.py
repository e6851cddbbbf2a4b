"""The outside world in: people's own files, FHIR, OMOP and line lists, public sources, and a simulator."""
