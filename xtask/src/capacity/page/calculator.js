"use strict";

// How many instances a rate needs, in whole numbers: see the report's formula.
// Returns nothing if an instance can do nothing.
function instances(rate, growth, capacity, utilisation, spare) {
  const asked = rate * (100 + growth);
  const one = capacity * Math.min(utilisation, 100);
  if (!(one > 0)) return null;
  const over = asked % one;
  return (asked - over) / one + (over > 0 ? 1 : 0) + spare;
}

// A whole number that is safe to compute with, or nothing.
function whole(text, most) {
  const value = Number(text);
  return text.trim() !== "" && Number.isInteger(value) && 0 <= value && value <= most ? value : null;
}

function start(form) {
  const field = (name) => form.elements.namedItem(name);
  const chosen = () => field("objective").selectedOptions[0].dataset;
  const answer = form.querySelector("output");
  const show = () => {
    const rate = whole(field("rate").value, 1e9);
    const growth = whole(field("growth").value, 1000);
    const headroom = whole(field("headroom").value, 99);
    const spare = whole(field("spare").value, 1000);
    if ([rate, growth, headroom, spare].includes(null)) {
      answer.textContent = "Whole numbers, please; headroom is below 100 %.";
      return;
    }
    const count = (capacity) => instances(rate, growth, Number(capacity), 100 - headroom, spare);
    const [most, expected, least] = [chosen().low, chosen().median, chosen().high].map(count);
    if (most === null || expected === null || least === null) {
      answer.textContent = "No number of instances meets this objective.";
      return;
    }
    const range = least === most ? "" : ` (${least} to ${most})`;
    answer.textContent = `${expected} ${expected === 1 ? "instance" : "instances"}${range}`;
  };
  field("objective").addEventListener("change", () => {
    field("headroom").value = 100 - Number(chosen().utilisation);
  });
  form.addEventListener("input", show);
  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  show();
}

if (typeof document !== "undefined") document.querySelectorAll("form.calculator").forEach(start);
