// SPDX-License-Identifier: Apache-2.0
"use strict";

const byId = (id) => document.getElementById(id);
const texts = JSON.parse(byId("script-texts").textContent);
const language = document.documentElement.lang;
const { mode, csrfCookie } = document.body.dataset;

// The look of each outcome, and whether another press can help. Most names are those of NextStep.
const OUTCOMES = {
  SENDING: { icon: "clock", look: "wait", isFinal: true },
  SENT: { icon: "check", look: "good" },
  NOT_ACCEPTED: { icon: "question", look: "wait" },
  READY: { icon: "again", look: "wait" },
  RESEND: { icon: "again", look: "wait" },
  WAIT: { icon: "clock", look: "wait" },
  AWAIT_CODE: { icon: "question", look: "wait" },
  RETRY_LATER: { icon: "cloud", look: "bad" },
  OFFLINE: { icon: "cloud", look: "bad", wayOn: "check" },
  START_OVER: { icon: "person", look: "bad", isFinal: true, wayOn: "?again" },
  PROCEED: { icon: "check", look: "good", isFinal: true, wayOn: "?again" },
  FIX_REQUEST: { icon: "tool", look: "bad", isFinal: true, wayOn: "mailto:support@example.com" },
  FIX_CREDENTIALS: { icon: "tool", look: "bad", isFinal: true, wayOn: "mailto:support@example.com" },
  UNREACHABLE: { icon: "question", look: "bad", isFinal: true, wayOn: "check" },
  EXPIRED: { icon: "person", look: "bad", isFinal: true, wayOn: "?again" },
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
  byId("icon").setAttribute("href", "static/icons.svg#" + icon);
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
      byId("resend").focus(); // this element may be gone, and the focus with it
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
  let response = await send();
  if (response.status === 403 && !isJson(response)) {
    response = await send(); // another tab has just changed the token, so nothing was done yet
  }
  if (isJson(response)) {
    return response.json();
  }
  return { outcome: response.status === 403 ? "EXPIRED" : "UNREACHABLE" };
}

const isJson = (response) => /json/.test(response.headers.get("Content-Type"));

async function askForOutcome(path, method, body) {
  try {
    return await ask(path, method, body);
  } catch {
    return { outcome: "UNREACHABLE" };
  }
}

/** Shows the last outcome that the server knows. */
async function refresh() {
  if (isSending()) {
    return;
  }
  const result = await askForOutcome("outcome", "GET");
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
  // without an outcome, what answered is not our server
  show({ outcome: "UNREACHABLE", ...(await askForOutcome("resend", "POST")) });
  byId("resend").removeAttribute("aria-busy");
  await askSandbox("sandbox", "GET");
}

async function confirm(event) {
  event.preventDefault();
  const result = await askForOutcome("confirm", "POST", { code: byId("code").value });
  if (result.outcome) {
    show(result);
    return;
  }
  byId("code").setAttribute("aria-invalid", String(!result.isRight));
  byId("code-error").textContent = result.isRight ? "" : texts.wrongCode;
  if (result.isRight) {
    await refresh();
  }
}

// ---- the sandbox

async function askSandbox(path, method) {
  if (mode !== "sandbox") {
    return;
  }
  const seen = await askForOutcome(path, method);
  if (seen.requests) {
    byId("codes").textContent = seen.codes;
    byId("requests").replaceChildren(...seen.requests.map(requestElement));
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

byId("again").hidden = false;
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
