// Redraws the panels of the first page while it is looked at. Without this the page stands as the server drew it.

const TICK_MS = 500;
const TIMEOUT_MS = 8000;
const LONGEST_PAUSE_MS = 30000;
const WIDTH_TOLERANCE_PX = 12;

const board = document.querySelector("[data-board]");
const status = document.querySelector("[data-status]");
const panels = [...document.querySelectorAll("[data-panel]")].map((element) => ({
    element,
    body: element.querySelector(".panel-body"),
    everyMs: Number(element.dataset.every) * 1000,
    drawnWidth: Number(element.dataset.width),
    dueAt: 0,
    html: null,
    isOver: false,
}));

let answeredAt = new Date();
let pauseMs = 0;
let isBusy = false;

function showStatus(state, words, time) {
    if (status.dataset.state !== state) {
        status.dataset.state = state;
        status.querySelector("[data-status-words]").textContent = words;
    }
    const clock = status.querySelector("[data-status-time]");
    clock.dateTime = time.toISOString();
    clock.textContent = time.toISOString().slice(11, 19);
}

function isSelected(panel) {
    const selection = document.getSelection();
    return !selection.isCollapsed && panel.element.contains(selection.anchorNode);
}

// The focused link and how far tables are scrolled stay as they are.
function replaceBody(panel, html) {
    const active = document.activeElement;
    const focused = panel.body.contains(active) ? active.getAttribute("href") : null;
    const scrolled = [...panel.body.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
    panel.body.innerHTML = html;
    panel.body.querySelectorAll(".scroll").forEach((box, index) => {
        box.scrollLeft = scrolled[index] ?? 0;
    });
    if (focused !== null) {
        panel.body.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    }
}

async function redraw(panel) {
    const address = new URL(panel.element.dataset.panel, location.href);
    const width = Math.round(panel.body.clientWidth);
    address.searchParams.set("width", width);
    if (board.dataset.run) {
        address.searchParams.set("run", board.dataset.run);
    }
    const answer = await fetch(address, { redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (answer.type === "opaqueredirect") {
        throw new SignedOut();
    }
    if (answer.status === 403 || answer.status === 404) {
        panel.isOver = true;
        return;
    }
    if (!answer.ok) {
        throw new Error(`${address.pathname} answered ${answer.status}`);
    }
    const html = await answer.text();
    if (html !== panel.html && !isSelected(panel)) {
        replaceBody(panel, html);
        panel.html = html;
        panel.drawnWidth = width;
    }
    panel.dueAt = performance.now() + panel.everyMs;
}

class SignedOut extends Error {}

async function tick() {
    if (isBusy || document.hidden) {
        return;
    }
    isBusy = true;
    try {
        for (const panel of panels) {
            if (!panel.isOver && performance.now() >= panel.dueAt && !document.hidden) {
                await redraw(panel);
                answeredAt = new Date();
                pauseMs = 0;
                showStatus("live", "live", answeredAt);
            }
        }
    } catch (error) {
        if (error instanceof SignedOut) {
            clearInterval(timer);
            showStatus("stale", "signed out, reload to sign in; stale since", answeredAt);
        } else {
            pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(2000, pauseMs * 2));
            for (const panel of panels) {
                panel.dueAt = Math.max(panel.dueAt, performance.now() + pauseMs);
            }
            showStatus("stale", "stale since", answeredAt);
        }
    } finally {
        isBusy = false;
    }
}

function redrawSoon() {
    for (const panel of panels) {
        if (Math.abs(panel.body.clientWidth - panel.drawnWidth) > WIDTH_TOLERANCE_PX) {
            panel.dueAt = 0;
        }
    }
    tick();
}

document.documentElement.classList.add("has-script");
const timer = setInterval(tick, TICK_MS);
document.addEventListener("visibilitychange", tick);
new ResizeObserver(redrawSoon).observe(board);
