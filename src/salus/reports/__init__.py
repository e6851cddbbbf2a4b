"""Reports: sentence, chart, table and alt text from one object, in English and Chinese."""
