// One stream for all tabs of a browser: browsers allow six connections an address, and ten tabs would starve.
// It is open while at least one tab can be seen.
"use strict";
const seen = new Set();
let stream = null;

function tell(message) {
  for (const port of seen) port.postMessage(message);
}

function settle() {
  if (seen.size && !stream) {
    stream = new EventSource("/live");
    stream.addEventListener("changed", () => tell("changed"));
    stream.addEventListener("open", () => tell("changed"));
  } else if (!seen.size && stream) {
    stream.close();
    stream = null;
  }
}

onconnect = (event) => {
  const port = event.ports[0];
  port.onmessage = (message) => {
    if (message.data === "seen") seen.add(port);
    else seen.delete(port);
    settle();
  };
  port.start();
};
