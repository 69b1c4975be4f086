"""What people do on a node's pages, with a mouse."""

from playwright.async_api import Locator, Page, expect


async def log_in(page: Page, username: str, *, remember: bool = False) -> None:
    """By the log-in page, wherever the browser is sent to it."""
    await page.goto("/")
    await page.get_by_label("Username").fill(username)
    await page.get_by_label("Password").fill(username)
    if remember:
        await page.get_by_label("Remember my login on this computer").check()
    await page.get_by_role("button", name="Log In").click()
    await expect(page.get_by_role("heading", name="System Dashboard")).to_be_visible()


async def administration(page: Page, name: str) -> None:
    """Open one of the administrators' pages by their menu."""
    await page.get_by_text("Administration", exact=True).click()
    await page.get_by_label("Administration").get_by_role("link", name=name).click()
    await expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


async def see_state(page: Page, lozenge: str) -> None:
    """The page shows it, without being reloaded."""
    await expect(page.locator("#cluster-state")).to_have_text(lozenge)


def row_of(page: Page, node_id: str) -> Locator:
    """The node's row in a table of nodes."""
    return page.locator(f"tr[data-node={node_id}]")


async def see_node(page: Page, node_id: str, *words: str) -> None:
    """The node's row says so, without being reloaded."""
    for word in words:
        await expect(row_of(page, node_id)).to_contain_text(word)


async def served_by(page: Page, node_id: str, version: str) -> None:
    """The page's footer says who made it."""
    await expect(page.locator("footer")).to_contain_text(f"Served by {node_id}, version {version}")


async def comment(page: Page, text: str) -> None:
    """Comment the issue that is open."""
    await page.get_by_label("Add a comment").fill(text)
    await page.get_by_role("button", name="Add", exact=True).click()
    await expect(page.get_by_text(text)).to_be_visible()
