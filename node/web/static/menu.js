// The administrators' menu closes as menus do: on Escape, on a click elsewhere, and when the focus leaves it.

const menu = document.getElementById("administration");

function close(refocus) {
  if (!menu.open) return;
  menu.open = false;
  if (refocus) menu.querySelector("summary").focus();
}

if (menu) {
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") close(menu.contains(document.activeElement)); });
  document.addEventListener("click", (event) => { if (!menu.contains(event.target)) close(false); });
  menu.addEventListener("focusout", (event) => { if (event.relatedTarget && !menu.contains(event.relatedTarget)) close(false); });
}
