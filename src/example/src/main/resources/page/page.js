// SPDX-License-Identifier: Apache-2.0
"use strict";

const byId = (id) => document.getElementById(id);
const texts = JSON.parse(byId("script-texts").textContent);
const language = document.documentElement.lang;
const { mode, csrfCookie } = document.body.dataset;

// The look of each outcome, and whether another press can help. Most names are those of NextStep.
const OUTCOMES = {
  SENDING: { icon: "plane", look: "news", isFinal: true },
  SENT: { icon: "check", look: "good" },
  NOT_ACCEPTED: { icon: "question", look: "wait" },
  READY: { icon: "question", look: "news" },
  RESEND: { icon: "again", look: "wait" },
  WAIT: { icon: "clock", look: "wait" },
  AWAIT_CODE: { icon: "letter", look: "wait" },
  RETRY_LATER: { icon: "cross", look: "bad" },
  OFFLINE: { icon: "cloud", look: "bad", wayOn: "check" },
  START_OVER: { icon: "person", look: "bad", isFinal: true, wayOn: "again" },
  PROCEED: { icon: "person", look: "good", isFinal: true, wayOn: "again" },
  FIX_REQUEST: { icon: "triangle", look: "bad", isFinal: true, wayOn: "mailto:support@example.com" },
  FIX_CREDENTIALS: { icon: "lock", look: "bad", isFinal: true, wayOn: "mailto:support@example.com" },
  UNREACHABLE: { icon: "question", look: "bad", isFinal: true, wayOn: "check" },
  EXPIRED: { icon: "clock", look: "bad", isFinal: true, wayOn: "again" },
};

let shown = { outcome: "SENDING" }; // what the page shows; the button waits for the first outcome
let readyAt = 0; // when the person may press again, by the wall clock: others stop in a sleep

// ---- what the page shows

function show(result) {
  if (result.outcome && !OUTCOMES[result.outcome]) {
    result = { outcome: "UNREACHABLE" };
  }
  shown = result;
  readyAt = Date.now() + (result.retryAfterMs ?? 0);
  showText(result.outcome);
  const { heading, sentence } = texts.outcomes[result.outcome] ?? {};
  const seconds = secondsLeft();
  announce([heading, sentence, seconds > 0 && texts.wait.replace("%", inWords(seconds))]);
  tick();
}

function showText(outcome) {
  byId("outcome").hidden = !outcome;
  if (!outcome) {
    return;
  }
  const { icon, look, wayOn } = OUTCOMES[outcome];
  const { heading, sentence, wayOn: label } = texts.outcomes[outcome];
  byId("outcome").className = look;
  byId("icon").setAttribute("href", "#icon-" + icon);
  byId("heading").textContent = heading;
  byId("sentence").textContent = sentence;
  byId("way-on").replaceChildren(...(wayOn ? [wayOnElement(wayOn, label)] : []));
}

function wayOnElement(target, label) {
  const isCheck = target === "check";
  const element = document.createElement(isCheck ? "button" : "a");
  element.textContent = label;
  if (isCheck) {
    element.type = "button";
    element.addEventListener("click", async () => {
      await refresh();
      if (!element.checkVisibility()) {
        byId("resend").focus(); // this element is gone, and the focus with it
      }
    });
  } else {
    element.href = target;
  }
  return element;
}

function announce(parts) {
  byId("announcement").textContent = parts.filter(Boolean).join(" ");
}

// Not the attribute "disabled": the focus would fall from the button.
function setPressable(isPressable) {
  byId("resend").setAttribute("aria-disabled", String(!isPressable));
}

const secondsLeft = () => Math.max(0, Math.ceil((readyAt - Date.now()) / 1000));

function tick() {
  const seconds = secondsLeft();
  byId("countdown").textContent = seconds > 0 ? texts.countdown.replace("%", clock(seconds)) : "";
  setPressable(seconds === 0 && !OUTCOMES[shown.outcome]?.isFinal);
  if (seconds === 0 && shown.retryAfterMs > 0) {
    shown = { outcome: "READY" }; // what was true before the wait may be so no more
    showText("READY");
    announce([texts.outcomes.READY.sentence]);
  }
}

const unit = (value, name) =>
  new Intl.NumberFormat(language, { style: "unit", unit: name, unitDisplay: "long" }).format(value);

function inWords(seconds) {
  const minutes = seconds < 60 ? 0 : Math.ceil(seconds / 60);
  const parts = [
    minutes >= 60 && unit(Math.floor(minutes / 60), "hour"),
    minutes % 60 > 0 && unit(minutes % 60, "minute"),
    minutes === 0 && unit(seconds, "second"),
  ];
  return new Intl.ListFormat(language, { type: "unit" }).format(parts.filter(Boolean));
}

const clock = (seconds) =>
  seconds >= 3600
    ? inWords(seconds)
    : Math.floor(seconds / 60) + ":" + String(seconds % 60).padStart(2, "0");

// ---- what the page asks the server

function csrfToken() {
  const cookie = document.cookie.split("; ").find((one) => one.startsWith(csrfCookie + "="));
  return decodeURIComponent(cookie?.slice(csrfCookie.length + 1) ?? "");
}

async function ask(path, method, body) {
  const send = () =>
    fetch(path, {
      method,
      body: body && JSON.stringify(body),
      cache: "no-store",
      headers: method === "POST" ? { "X-XSRF-TOKEN": csrfToken() } : {},
      signal: AbortSignal.timeout(Number(document.body.dataset.patienceMs)),
    });
  let answer = await (await send()).json();
  if (answer.outcome === "REFUSED") {
    answer = await (await send()).json(); // another tab has just changed the token: nothing was done
  }
  return answer.outcome === "REFUSED" ? { outcome: "EXPIRED" } : answer;
}

// What has no outcome is not an answer of our server, and vouches for nothing.
async function askForOutcome(path, method) {
  try {
    return { outcome: "UNREACHABLE", ...(await ask(path, method)) };
  } catch {
    return { outcome: "UNREACHABLE" };
  }
}

/** Shows the last outcome that the server knows. */
async function refresh() {
  const before = shown;
  if (isSending()) {
    return;
  }
  const result = await askForOutcome("outcome", "GET");
  if (shown !== before) {
    return; // a press was faster
  }
  if (result.outcome === "UNREACHABLE" && before.outcome !== "SENDING") {
    return; // what the page shows is still the best that it knows
  }
  if (result.outcome !== shown.outcome || result.retryAfterMs > 0 || secondsLeft() > 0) {
    show(result);
  }
  await askSandbox("sandbox", "GET");
}

const isSending = () => byId("resend").getAttribute("aria-busy") === "true";

async function press() {
  if (byId("resend").getAttribute("aria-disabled") === "true") {
    return;
  }
  if (!navigator.onLine) {
    show({ outcome: "OFFLINE" });
    return;
  }
  byId("resend").setAttribute("aria-busy", "true");
  show({ outcome: "SENDING" });
  show(await askForOutcome("resend", "POST"));
  byId("resend").removeAttribute("aria-busy");
  await askSandbox("sandbox", "GET");
}

async function confirm(event) {
  event.preventDefault();
  const { outcome, isRight } = await ask("confirm", "POST", { code: byId("code").value }).catch(() => ({}));
  if (outcome === "EXPIRED") {
    show({ outcome });
    return;
  }
  byId("code").setAttribute("aria-invalid", String(isRight === false));
  const error = isRight === false ? texts.wrongCode : texts.notChecked;
  byId("code-error").textContent = isRight ? "" : error;
  if (isRight) {
    await refresh();
  }
}

// ---- the sandbox

async function askSandbox(path, method) {
  if (mode !== "sandbox") {
    return;
  }
  const { codes, requests } = await ask(path, method).catch(() => ({}));
  if (requests) {
    byId("codes").textContent = codes;
    byId("requests").replaceChildren(...requests.map(requestElement));
  }
}

function requestElement(time) {
  const item = document.createElement("li");
  item.textContent = new Date(time).toLocaleTimeString(language);
  return item;
}

async function setAnswer() {
  await askSandbox("sandbox/" + byId("answer").value, "POST");
  show({});
}

for (const id of ["confirm", "again", "sandbox"]) {
  byId(id).hidden = false; // they do nothing without this script
}
byId("resend").addEventListener("click", press);
byId("confirm").addEventListener("submit", confirm);
byId("answer").addEventListener("change", setAnswer);
byId("code").addEventListener("input", ({ target }) => {
  target.value = target.value.normalize("NFKC").replace(/\D/g, "").slice(0, 6); // as it was pasted
});
tick();
setInterval(tick, 250);
addEventListener("pageshow", refresh); // also when the browser goes back to this page
addEventListener("online", refresh);
document.addEventListener("visibilitychange", () => document.hidden || refresh());
