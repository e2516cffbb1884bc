from tests.support.strengths import few_strengths  # noqa: F401
