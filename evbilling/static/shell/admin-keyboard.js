// Filters and row menus of the admin theme answer to clicks alone; this lets Tab reach them and Enter or Space press them.
(() => {
  const press = "[x-on\\:click], [\\@click]";
  const native = "a[href], button, input, select, textarea, summary, label, [tabindex]";
  const open = (root) =>
    root.querySelectorAll(press).forEach((element) => {
      if (element.matches(native) || element.querySelector(native)) return;
      element.tabIndex = 0;
      if (!element.hasAttribute("role")) element.setAttribute("role", "button");
    });
  document.addEventListener("keydown", (event) => {
    if ((event.key !== "Enter" && event.key !== " ") || !event.target.matches?.(`:is(${press})[role="button"]`)) return;
    event.preventDefault();
    event.target.click();
  });
  document.addEventListener("DOMContentLoaded", () => open(document));
  document.addEventListener("htmx:load", (event) => open(event.target));
})();
