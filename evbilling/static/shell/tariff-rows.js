// Rows of prices: add, move, take out. Without it the numbered places and the boxes to take out do the same.
(() => {
  const start = (editor) => {
    const list = editor.querySelector("[data-rows]");
    const total = editor.querySelector("input[name$='-TOTAL_FORMS']");
    const empty = editor.querySelector("[data-empty]");
    const said = editor.querySelector("[data-said]");
    if (!list || !total) return;
    const rows = () => [...list.querySelectorAll("[data-row]")].filter((row) => !row.hidden);
    const number = () =>
      rows().forEach((row, place, all) => {
        row.querySelectorAll("[data-number]").forEach((mark) => (mark.textContent = place + 1));
        row.querySelector("[name$='-ORDER']").value = place + 1;
        row.querySelector("[data-move='up']").disabled = place === 0;
        row.querySelector("[data-move='down']").disabled = place === all.length - 1;
      });
    const kind = (row) => {
      row.dataset.kind = row.querySelector("[name$='-dimension']").value;
    };
    const ready = (row) => {
      row.querySelectorAll(".price-plain").forEach((each) => (each.hidden = true));
      row.querySelectorAll("button[hidden]").forEach((each) => (each.hidden = false));
      if (row.querySelector("[name$='-DELETE']").checked) row.hidden = true;
      kind(row);
    };
    list.querySelectorAll("[data-row]").forEach(ready);
    editor.querySelectorAll("button[data-add]").forEach((each) => (each.hidden = false));
    number();
    editor.addEventListener("change", (event) => {
      const row = event.target.closest("[data-row]");
      if (row) kind(row);
    });
    editor.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      const row = button.closest("[data-row]");
      if (button.matches("[data-add]")) {
        const copy = document.createElement("div");
        copy.innerHTML = empty.innerHTML.replaceAll("__prefix__", total.value);
        total.value = Number(total.value) + 1;
        const made = copy.firstElementChild;
        list.append(made);
        ready(made);
        number();
        said.textContent = said.dataset.added;
        made.querySelector("select").focus();
      } else if (button.matches("[data-remove]")) {
        const next = rows()[rows().indexOf(row) + 1] ?? rows()[rows().indexOf(row) - 1];
        row.querySelector("[name$='-DELETE']").checked = true;
        row.hidden = true;
        number();
        said.textContent = said.dataset.removed;
        (next?.querySelector("[data-remove]") ?? editor.querySelector("[data-add]")).focus();
      } else if (button.matches("[data-move]")) {
        const all = rows();
        const other = all[all.indexOf(row) + (button.dataset.move === "up" ? -1 : 1)];
        if (!other) return;
        if (button.dataset.move === "up") other.before(row);
        else other.after(row);
        number();
        said.textContent = said.dataset.moved.replace("%(place)s", rows().indexOf(row) + 1);
        (button.disabled ? row.querySelector("[data-move]:not(:disabled)") : button)?.focus();
      }
    });
  };
  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("section.price-editor").forEach(start));
})();
