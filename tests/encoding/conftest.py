from tests.support.threads import two_threads  # noqa: F401
