from tests.support.strengths import few_strengths  # noqa: F401
from tests.support.threads import two_threads  # noqa: F401
