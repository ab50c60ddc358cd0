// SPDX-License-Identifier: Apache-2.0
"use strict";

const texts = document.getElementById("texts").dataset;
const resend = document.getElementById("resend");
const countdown = document.getElementById("countdown");
const outcome = document.getElementById("outcome");
const answer = document.getElementById("answer");
const codes = document.getElementById("codes");
const hasSandbox = document.body.dataset.mode === "sandbox";

const OUTCOMES = {
  SENT: texts.sent,
  RESEND: texts.resend,
  WAIT: texts.waitFirst,
  AWAIT_CODE: texts.awaitCode,
  START_OVER: texts.startOver,
  PROCEED: texts.proceed,
  FIX_REQUEST: texts.fixRequest,
  FIX_CREDENTIALS: texts.fixCredentials,
  RETRY_LATER: texts.retryLater,
  UNREACHABLE: texts.unreachable,
  EXPIRED: texts.expired,
};

// After these outcomes another press cannot help.
const FINAL = ["START_OVER", "PROCEED", "FIX_REQUEST", "FIX_CREDENTIALS", "UNREACHABLE", "EXPIRED"];

let timer;

function show(result) {
  clearInterval(timer);
  outcome.textContent = OUTCOMES[result.outcome] ?? "";
  const readyAt = performance.now() + (result.retryAfterMs ?? 0);
  const tick = () => {
    const seconds = Math.ceil((readyAt - performance.now()) / 1000);
    const waits = seconds > 0;
    countdown.textContent = waits ? texts.wait.replace("%", clock(seconds)) : "";
    resend.disabled = waits || FINAL.includes(result.outcome);
    if (!waits) {
      clearInterval(timer);
    }
  };
  timer = setInterval(tick, 250);
  tick();
}

function clock(seconds) {
  return Math.floor(seconds / 60) + ":" + String(seconds % 60).padStart(2, "0");
}

function csrfToken() {
  return /(?:^|; )XSRF-TOKEN=([^;]*)/.exec(document.cookie)?.[1] ?? "";
}

async function ask(path, method) {
  const headers = method === "POST" ? { "X-XSRF-TOKEN": decodeURIComponent(csrfToken()) } : {};
  const response = await fetch(path, { method, headers });
  // The web session has ended, so the server does not know the request id any more.
  return response.status === 403 ? { outcome: "EXPIRED" } : response.json();
}

async function askOrUnreachable(path, method) {
  try {
    return await ask(path, method);
  } catch {
    return { outcome: "UNREACHABLE" };
  }
}

async function showCodes() {
  if (hasSandbox) {
    codes.textContent = (await ask("sandbox", "GET")).codes;
  }
}

resend.addEventListener("click", async () => {
  resend.disabled = true;
  outcome.textContent = texts.sending;
  const result = await askOrUnreachable("resend", "POST");
  show(result);
  if (result.outcome !== "UNREACHABLE") {
    await showCodes();
  }
});

answer.addEventListener("change", async () => {
  codes.textContent = (await ask("sandbox/" + answer.value, "POST")).codes;
  show({});
});

document.getElementById("code-form").addEventListener("submit", (event) => event.preventDefault());

resend.disabled = true;
askOrUnreachable("outcome", "GET").then(show).then(showCodes);
