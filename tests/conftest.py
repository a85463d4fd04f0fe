"""What several parts of the tests share."""

import pytest


@pytest.fixture(scope="session")
def default_model():
    from core.models.catalogue import DEFAULT
    from core.models.load import load_model

    return load_model(DEFAULT, device="cpu", dtype="float32")
