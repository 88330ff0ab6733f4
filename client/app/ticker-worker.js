// A worker's timer goes on in a hidden tab, where the page's own is slowed down to once a minute.
setInterval(() => postMessage(0), 250);
