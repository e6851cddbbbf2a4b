"""What every test shares: names of cases that are the same in each worker and in each run."""


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a case of bytes by its length: the bytes themselves may hold a time, and make unreadable names."""
    return f"{len(val)}-bytes" if isinstance(val, bytes) else None
