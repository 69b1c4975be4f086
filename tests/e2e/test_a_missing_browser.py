import pytest

from tests.support.browser import chromium_path


@pytest.fixture(autouse=True)
def no_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZDU_CHROMIUM", "/nowhere/chromium")
    for name in ("CI", "ZDU_REQUIRE_BROWSER"):
        monkeypatch.delenv(name, raising=False)


def test_without_a_browser_its_tests_are_skipped_with_the_reason() -> None:
    with pytest.raises(pytest.skip.Exception, match="no Chromium at /nowhere/chromium"):
        chromium_path()


@pytest.mark.parametrize("variable", ["CI", "ZDU_REQUIRE_BROWSER"])
def test_where_a_browser_is_required_they_fail(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "1")

    with pytest.raises(pytest.fail.Exception, match="no Chromium at /nowhere/chromium"):
        chromium_path()
